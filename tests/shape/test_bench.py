"""Benches: every room can be run by name, and a row says what it must."""

from __future__ import annotations

import pytest
from bench import run


def test_a_row_has_a_name_a_value_and_no_other_columns() -> None:
    assert run.checked({"name": "x", "value": 1.5}) == {
        "name": "x",
        "value": 1.5,
        "unit": None,
        "peer": None,
        "peer_value": None,
        "ratio": None,
    }
    bad: list[dict[str, run.Cell]] = [
        {"name": "x"},
        {"value": 1},
        {"name": "x", "value": "fast"},
        {"name": "x", "value": 1, "note": ""},
    ]
    for row in bad:
        with pytest.raises(run.BadRow):
            run.checked(row)


def test_rooms_are_found_by_name() -> None:
    names = [name for name, _ in run.rooms("")]
    for wanted in names:
        assert [name for name, _ in run.rooms(wanted)] == [name for name in names if wanted in name]
