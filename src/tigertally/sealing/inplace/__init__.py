"""Tables rewritten in place: tokens put in, clear values put back, or the possibility of that ended.

Rooms: ``spelled`` (how a cell was written), ``sql`` and ``journal`` (what is kept aside), ``state`` (how far a table
is), ``rewrite``, ``undo`` and ``commit`` (its three ways on).
"""
