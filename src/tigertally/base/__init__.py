"""Ground floor: words every other floor uses. Standard library only.

Rooms: ``text`` (zh/en), ``errors`` (six families of problems), ``secret`` (values that do not
print), ``clock``, ``ids``, ``canon`` (bytes that get signed), ``limits``, ``progress``, ``tables``
(field classes). Import from the rooms; this door re-exports nothing so that it costs nothing.
"""
