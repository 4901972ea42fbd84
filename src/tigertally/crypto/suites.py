"""Suites: named sets of algorithms, and the two bytes that begin every sealed thing.

``intl-1`` = AES-256-GCM, SHA-256 / HMAC-SHA-256, HKDF-SHA-256, Ed25519 + ML-DSA-65, X-Wing HPKE.
A sealed thing begins ``version ‖ suite``; both bytes are authenticated with it. A new suite gets a
new number and old ones stay readable (DESIGN §6.9).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from tigertally.crypto.errors import UnknownSuite

FORMAT_VERSION: Final = 1


class Suite(IntEnum):
    """Suite numbers on the wire."""

    INTL_1 = 1

    @property
    def label(self) -> str:
        """The suite's name in documents and settings."""
        return {Suite.INTL_1: "intl-1"}[self]


DEFAULT_SUITE: Final = Suite.INTL_1
HEADER: Final = bytes([FORMAT_VERSION, DEFAULT_SUITE])


def check_header(sealed: bytes) -> bytes:
    """Return the two header bytes of ``sealed``; raise :class:`UnknownSuite` if they are not ours."""
    header = sealed[:2]
    if header != HEADER:
        raise UnknownSuite
    return header


def suite_named(label: str) -> Suite:
    """Return the suite called ``label``; :class:`UnknownSuite` if there is none."""
    for suite in Suite:
        if suite.label == label:
            return suite
    raise UnknownSuite
