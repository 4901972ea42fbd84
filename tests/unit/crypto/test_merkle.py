"""RFC 6962 trees: the published vectors, where they lie beside the checkout, and a few roots by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from tigertally.crypto.merkle import (
    EMPTY_ROOT,
    Frontier,
    MemoryTree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "rfc6962"


def cases(kind: str) -> list[Path]:
    return sorted((PUBLISHED / kind).rglob("*.json"))


def raw(value: str | None) -> bytes:
    return base64.b64decode(value or "")


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published vectors are not beside this checkout")
def test_published_inclusion_cases() -> None:
    assert len(cases("inclusion")) > 50
    for path in cases("inclusion"):
        case = json.loads(path.read_text(encoding="utf-8"))
        proved = verify_inclusion(
            hashed_leaf=raw(case["leafHash"]),
            index=case["leafIdx"],
            size=case["treeSize"],
            proof=[raw(item) for item in case["proof"] or []],
            root=raw(case["root"]),
        )
        assert proved is not case["wantErr"], f"{path.parent.name}/{path.name}: {case['desc']}"


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published vectors are not beside this checkout")
def test_published_consistency_cases() -> None:
    assert len(cases("consistency")) > 50
    for path in cases("consistency"):
        case = json.loads(path.read_text(encoding="utf-8"))
        proved = verify_consistency(
            old=case["size1"],
            new=case["size2"],
            proof=[raw(item) for item in case["proof"] or []],
            old_root=raw(case["root1"]),
            new_root=raw(case["root2"]),
        )
        assert proved is not case["wantErr"], f"{path.parent.name}/{path.name}: {case['desc']}"


def test_roots_of_the_smallest_trees() -> None:
    a, b, c = (leaf_hash(item) for item in (b"a", b"b", b"c"))
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()
    assert root_of([a]) == a == hashlib.sha256(b"\x00a").digest()
    assert root_of([a, b]) == node_hash(a, b) == hashlib.sha256(b"\x01" + a + b).digest()
    assert root_of([a, b, c]) == node_hash(node_hash(a, b), c)


def test_a_leaf_is_no_node() -> None:
    """Without the prefixes an inner node could be passed off as a leaf."""
    a, b = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(a + b) != node_hash(a, b)


def test_proofs_outside_the_tree_are_mistakes() -> None:
    tree = MemoryTree([leaf_hash(b"a"), leaf_hash(b"b")])
    for index, size in ((2, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match="outside"):
            inclusion_proof(tree.subtree, index=index, size=size)
    with pytest.raises(ValueError, match="order"):
        consistency_proof(tree.subtree, old=2, new=1)
    with pytest.raises(ValueError, match="peak"):
        Frontier(3, [bytes(32)])


def test_from_an_empty_tree_nothing_is_proved() -> None:
    root = root_of([leaf_hash(b"a")])
    assert consistency_proof(MemoryTree([root]).subtree, old=0, new=1) == []
    for old_root in (EMPTY_ROOT, root):
        assert not verify_consistency(old=0, new=1, proof=[], old_root=old_root, new_root=root)
    assert not verify_consistency(old=0, new=0, proof=[], old_root=EMPTY_ROOT, new_root=EMPTY_ROOT)
