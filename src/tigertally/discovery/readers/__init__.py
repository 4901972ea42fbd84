"""Readers: one room for each way an object is written. Each streams, is bounded, and never raises for hostile bytes
but :class:`tigertally.discovery.errors.Unreadable`; ``scan`` turns that into a coverage row.
"""
