"""Suites: two bytes in front of every sealed thing."""

from __future__ import annotations

import pytest

from tigertally.crypto.errors import UnknownSuite
from tigertally.crypto.suites import DEFAULT_SUITE, HEADER, Suite, check_header, suite_named, suite_of


def test_the_header_names_version_and_suite() -> None:
    assert HEADER == b"\x01\x01"
    assert check_header(b"\x01\x01rest") == HEADER


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x00\x01", b"\x02\x01", b"\x01\x02", b"\x01\x00"])
def test_others_are_refused(sealed: bytes) -> None:
    with pytest.raises(UnknownSuite):
        check_header(sealed)


def test_names() -> None:
    assert suite_named("intl-1") is Suite.INTL_1 is DEFAULT_SUITE
    assert suite_named("guomi-1") is Suite.GUOMI_1
    for label in ("", "INTL-1", "guomi-2", "none"):
        with pytest.raises(UnknownSuite):
            suite_named(label)


def test_a_header_selects_one_suite() -> None:
    assert suite_of(b"\x01\x02rest") is Suite.GUOMI_1
    assert check_header(b"\x01\x02rest", Suite.GUOMI_1) == b"\x01\x02"
    with pytest.raises(UnknownSuite):
        check_header(b"\x01\x01rest", Suite.GUOMI_1)
    for sealed in (b"", b"\x01", b"\x01\x00", b"\x01\x03", b"\x02\x02"):
        with pytest.raises(UnknownSuite):
            suite_of(sealed)
