"""Codes that a person types once: to enrol, or in place of a lost second factor. Letters and digits in groups.

A code is 130 bits (enrolment) or 80 bits (recovery) of Crockford base 32, so its SHA-256 can be kept: nobody guesses
one from it. Read without regard to case, blanks and dashes; the letters that look like digits are read as those.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from tigertally.base.secret import SecretText
from tigertally.crypto.digest import sha256_hex

ENROLMENT_CHARS: Final = 26
RECOVERY_CHARS: Final = 16
_GROUP: Final = 5
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKE: Final = str.maketrans("OIL", "011")


def new_code(chars: int) -> SecretText:
    """Return a fresh code of so many characters, in groups of five."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(chars))
    return SecretText("-".join(drawn[at : at + _GROUP] for at in range(0, chars, _GROUP)))


def digest_of(code: SecretText) -> str:
    """Return what is kept of a code: SHA-256 (hex) of its characters."""
    bare = re.sub(r"[\s-]+", "", code.expose().upper()).translate(_LOOK_ALIKE)
    return sha256_hex(b"tigertally/code/" + bare.encode())
