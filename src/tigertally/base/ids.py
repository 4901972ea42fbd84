"""Typed identifiers: a kind, an underscore, 26 characters of Crockford base 32 (130 bits drawn, 128 used).

Identifiers are random, not sequential and not derived from data, so an id tells nothing about its
subject. The kind makes a mix-up visible to a person and, by ``NewType``, to mypy.
"""

from __future__ import annotations

import re
import secrets
from typing import Final, NewType

from tigertally.base.errors import Invalid
from tigertally.base.text import Text

PersonId = NewType("PersonId", str)
PartyId = NewType("PartyId", str)
DealId = NewType("DealId", str)
AgreementId = NewType("AgreementId", str)
SubjectId = NewType("SubjectId", str)
GrantId = NewType("GrantId", str)
SessionId = NewType("SessionId", str)
JobId = NewType("JobId", str)
KeyId = NewType("KeyId", str)
BundleId = NewType("BundleId", str)
DecisionId = NewType("DecisionId", str)
ApprovalId = NewType("ApprovalId", str)
ShareSetId = NewType("ShareSetId", str)
BackupId = NewType("BackupId", str)

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_FORM: Final = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")

KINDS: Final = frozenset(
    {"per", "pty", "dea", "agr", "sub", "gra", "ses", "job", "key", "bun", "dec", "apv", "inc", "shs", "bak", "svc"}
)


class BadId(Invalid):
    """Text that is not an identifier of the expected kind."""

    code = "base.bad_id"
    title = Text("标识符无效，应以 {kind}_ 开头", "not a valid {kind}_ identifier")


def base32(raw: bytes) -> str:
    """Return 16 bytes as 26 lower-case Crockford base 32 characters, most significant first."""
    number = int.from_bytes(raw, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))


def new_id(kind: str) -> str:
    """Return a fresh random identifier of ``kind`` (one of :data:`KINDS`)."""
    if kind not in KINDS:
        raise ValueError(kind)
    return f"{kind}_{base32(secrets.token_bytes(16))}"


def check_id(text: str, kind: str) -> str:
    """Return ``text`` if it is an identifier of ``kind``; else raise :class:`BadId`."""
    if not _FORM.fullmatch(text) or not text.startswith(kind + "_"):
        raise BadId(kind=kind)
    return text
