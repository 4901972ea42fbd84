"""Suites: named sets of algorithms, and the two bytes that begin every sealed thing.

``intl-1`` = AES-256-GCM, SHA-256 / HMAC-SHA-256, HKDF-SHA-256, Ed25519 + ML-DSA-65, X-Wing HPKE.
``guomi-1`` = SM4-GCM (GB/T 32907, RFC 8998), SM3 / HMAC-SM3 (GB/T 32905), SM2 (GB/T 32918). What each is used for
today is in docs/adr/0004. A sealed thing begins ``version ‖ suite``; both bytes are authenticated with it. A new suite
gets a new number and old ones stay readable (DESIGN §6.9).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from tigertally.crypto.errors import UnknownSuite

FORMAT_VERSION: Final = 1


class Suite(IntEnum):
    """Suite numbers on the wire."""

    INTL_1 = 1
    GUOMI_1 = 2

    @property
    def label(self) -> str:
        """The suite's name in documents and settings."""
        return {Suite.INTL_1: "intl-1", Suite.GUOMI_1: "guomi-1"}[self]

    @property
    def header(self) -> bytes:
        """The two bytes in front of what this suite sealed."""
        return bytes([FORMAT_VERSION, self])


DEFAULT_SUITE: Final = Suite.INTL_1
HEADER: Final = DEFAULT_SUITE.header


def check_header(sealed: bytes, suite: Suite = DEFAULT_SUITE) -> bytes:
    """Return the two header bytes of ``sealed``; raise :class:`UnknownSuite` if they are not those of ``suite``."""
    header = sealed[:2]
    if header != suite.header:
        raise UnknownSuite
    return header


def suite_of(sealed: bytes) -> Suite:
    """Return the suite that ``sealed`` says it is of; :class:`UnknownSuite` if we have none like it."""
    for suite in Suite:
        if sealed[:2] == suite.header:
            return suite
    raise UnknownSuite


def suite_named(label: str) -> Suite:
    """Return the suite called ``label``; :class:`UnknownSuite` if there is none."""
    for suite in Suite:
        if suite.label == label:
            return suite
    raise UnknownSuite
