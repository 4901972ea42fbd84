"""File formats: bytes in, values out, and the same bytes back. No I/O beyond what a caller hands in.

Rooms: ``shape`` (strict reading of JSON bodies), ``statement`` (DSSE), ``party``, ``agreement``,
``dealpapers`` (invitation, acceptance, release), ``manifest``, ``receipt``, ``certificate``, ``envelope``,
``keyfile``, ``note`` / ``checkpoint`` / ``proof`` (C2SP), ``leaf`` and ``record`` (what is hashed),
``verify`` (everything checked offline). Each format is specified in docs/formats/ before its code.

Invariant: what parses serialises back to the same bytes, so no byte of a file is outside its meaning.
"""
