"""Readers: one room for each way an object is written.

Each streams, is bounded, and raises nothing for hostile bytes but
:class:`tigertally.discovery.errors.Unreadable`; ``scan`` turns that into a coverage row.
"""
