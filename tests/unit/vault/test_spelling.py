"""Columns of ids: the spelling by column is that of one id, and refuses what it refuses."""

from __future__ import annotations

import pytest

from tigertally.base.ids import BadId
from tigertally.vault import spelling

RAWS = [bytes(16), b"\xff" * 16, bytes(range(16)), *spelling.new_subjects(500)]


def test_a_column_is_spelled_and_read_as_one_id_is() -> None:
    texts = spelling.subjects_text(RAWS)
    assert texts == [spelling.subject_text(raw) for raw in RAWS]
    assert spelling.subjects_raw(texts) == RAWS == [spelling.subject_raw(text) for text in texts]
    assert spelling.subjects_raw([]) == []


@pytest.mark.parametrize(
    "bad",
    [
        "sub_8" + "0" * 25,  # more than sixteen bytes
        "sub_" + "0" * 25,
        "sub_" + "0" * 27,
        "sub_" + "0" * 25 + "u",
        "sub_" + "0" * 25 + "A",
        "sub_" + "0" * 25 + "\N{FULLWIDTH DIGIT ZERO}",
        "tok_" + "0" * 26,
        "",
    ],
)
def test_one_bad_id_spoils_its_column(bad: str) -> None:
    good = spelling.subject_text(RAWS[2])
    with pytest.raises(BadId):
        spelling.subjects_raw([good, bad, good])
    with pytest.raises(BadId):
        spelling.subject_raw(bad)


def test_two_wrong_lengths_do_not_make_up_for_each_other() -> None:
    good = spelling.subject_text(RAWS[2])
    with pytest.raises(BadId):
        spelling.subjects_raw([good[:-1], good + "0"])
