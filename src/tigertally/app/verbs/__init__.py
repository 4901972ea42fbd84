"""Verbs: everything a face can ask the house to do. One verb, one state change, one transaction.

Rooms by subject; each function takes the :class:`~tigertally.app.wire.House` and keyword arguments and reads
*load → decide → record → return*. ``attempt`` is the only room that opens writing transactions.
"""
