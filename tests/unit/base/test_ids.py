"""Identifiers carry their kind and nothing else."""

from __future__ import annotations

import pytest

from tigertally.base.ids import KINDS, BadId, base32, check_id, new_id


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_new_id_is_one_of_its_kind(kind: str) -> None:
    assert check_id(new_id(kind), kind).startswith(kind + "_")


def test_base32_is_the_number_in_crockford_digits() -> None:
    assert base32(bytes(16)) == "0" * 26
    assert base32(bytes(15) + b"\x1f") == "0" * 25 + "z"
    assert base32(b"\xff" * 16) == "7" + "z" * 25
    assert base32((32).to_bytes(16, "big")) == "0" * 24 + "10"


def test_ids_do_not_repeat() -> None:
    assert len({new_id("sub") for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    "text",
    ["", "sub_", "sub_" + "0" * 25, "sub_" + "0" * 27, "pty_" + "0" * 26, "SUB_" + "0" * 26, "sub_" + "0" * 25 + "i",
     "sub_" + "0" * 25 + "l", "sub_" + "0" * 25 + "o", "sub_" + "0" * 25 + "u", "sub-" + "0" * 26,
     "sub_" + "0" * 26 + "\n", "sub_" + "0" * 25 + "０"],
)  # fmt: skip
def test_what_is_no_subject_id(text: str) -> None:
    with pytest.raises(BadId):
        check_id(text, "sub")


def test_an_unknown_kind_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="xyz"):
        new_id("xyz")
