"""Ledger leaves: nothing personal, one spelling, a commitment that keeps its secret."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from tests.vectors.world import NOW

from tigertally.formats import leaf
from tigertally.formats.errors import Malformed
from tigertally.formats.leaf import Leaf, commit_payload

LEAF = Leaf(at=NOW, kind="vault.card.revealed", actor="a" * 32, about=("b" * 32, "c" * 32), commitment=bytes(32))


def test_there_and_back() -> None:
    for made in (LEAF, replace(LEAF, actor=""), replace(LEAF, about=())):
        assert leaf.parse(made.to_bytes()) == made
        assert leaf.parse(made.to_bytes()).to_bytes() == made.to_bytes()


def test_spelling() -> None:
    assert LEAF.to_bytes() == (
        b'{"about":["'
        + b"b" * 32
        + b'","'
        + b"c" * 32
        + b'"],"actor":"'
        + b"a" * 32
        + b'","at":"2026-03-02T09:00:00.000000Z",'
        b'"commit":"' + b"0" * 64 + b'","kind":"vault.card.revealed","v":1}'
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "revealed"},
        {"kind": "vault.card"},
        {"kind": "vault.card.revealed.again"},
        {"kind": "Vault.card.revealed"},
        {"kind": "vault.card.4111"},
        {"actor": "Li Lei"},
        {"actor": "a" * 31},
        {"actor": "A" * 32},
        {"about": ("",)},
        {"about": ("110101199003071234",)},
        {"commitment": bytes(31)},
    ],
)
def test_what_is_no_leaf(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        leaf.parse(replace(LEAF, **changes).to_bytes())  # type: ignore[arg-type]


def test_other_versions_and_members() -> None:
    data = LEAF.to_bytes()
    for other in (
        data.replace(b'"v":1', b'"v":2'),
        data.replace(b',"v":1', b""),
        data.replace(b'"v":1', b'"v":1,"w":1'),
        b"{}",
    ):
        with pytest.raises(Malformed):
            leaf.parse(other)


def test_the_commitment_is_salted_and_in_its_domain() -> None:
    salt = bytes(range(16))
    made = commit_payload(salt, b"{}")
    assert made == hashlib.sha256(b"tigertally/ledger/payload/v1\x00" + salt + b"{}").digest()
    assert made != commit_payload(bytes(16), b"{}")
    with pytest.raises(ValueError, match="salt"):
        commit_payload(b"", b"{}")
