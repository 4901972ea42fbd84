"""Instants have one spelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tigertally.base.clock import BadInstant, SystemClock, from_text, to_text


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T08:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "0999-12-31T23:59:59.999999Z",
     "9999-12-31T23:59:59.999999Z", "2024-02-29T12:00:00.000001Z"],
)  # fmt: skip
def test_there_and_back(text: str) -> None:
    assert to_text(from_text(text)) == text


def test_other_zones_are_turned_to_utc() -> None:
    china = timezone(timedelta(hours=8))
    assert to_text(datetime(2026, 1, 31, 16, tzinfo=china)) == "2026-01-31T08:00:00.000000Z"


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-31", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00.000Z", "2026-01-31T08:00:00.0000000Z",
     "2026-01-31t08:00:00.000000z", "2026-01-31 08:00:00.000000Z", "2026-01-31T08:00:00.000000+00:00",
     "2026-02-30T08:00:00.000000Z", "2026-01-31T24:00:00.000000Z", "2026-01-31T08:00:60.000000Z",
     "2026-01-31T08:00:61.000000Z", "0000-01-01T00:00:00.000000Z", " 2026-01-31T08:00:00.000000Z",
     "2026-01-31T08:00:00.000000Z\n", "２０２６-01-31T08:00:00.000000Z", "2026-01-31T08:00:00.00000٠Z"],
)  # fmt: skip
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(BadInstant):
        from_text(text)


def test_a_naive_instant_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="naive"):
        to_text(datetime(2026, 1, 31))  # noqa: DTZ001 - that is the point


def test_the_system_clock_is_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
