"""Laws of the tree: every proof made verifies, and no proof of one thing is a proof of another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tigertally.crypto import merkle
from tigertally.crypto.merkle import (
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

HASHES = [leaf_hash(str(at).encode()) for at in range(70)]
TREE = MemoryTree(HASHES)
SIZES = st.integers(1, len(HASHES))


def by_definition(hashes: list[bytes]) -> bytes:
    """The root as RFC 6962 §2.1 words it, by recursion."""
    if not hashes:
        return merkle.EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(by_definition(hashes[:split]), by_definition(hashes[split:]))


def test_roots_are_those_of_the_definition() -> None:
    for size in range(len(HASHES) + 1):
        assert root_of(HASHES[:size]) == by_definition(HASHES[:size])


def test_every_inclusion_proof_verifies_and_only_there() -> None:
    for size in range(1, 34):
        root = root_of(HASHES[:size])
        for index in range(size):
            proof = inclusion_proof(TREE.subtree, index=index, size=size)
            for other in range(size):
                good = verify_inclusion(hashed_leaf=HASHES[index], index=other, size=size, proof=proof, root=root)
                assert good is (other == index)


def test_every_consistency_proof_verifies() -> None:
    for new in range(1, 34):
        for old in range(1, new + 1):
            proof = consistency_proof(TREE.subtree, old=old, new=new)
            old_root, new_root = root_of(HASHES[:old]), root_of(HASHES[:new])
            assert verify_consistency(old=old, new=new, proof=proof, old_root=old_root, new_root=new_root)


@given(SIZES, st.data())
def test_a_changed_inclusion_proof_fails(size: int, draw: st.DataObject) -> None:
    index = draw.draw(st.integers(0, size - 1))
    proof = inclusion_proof(TREE.subtree, index=index, size=size)
    changed = _changed(proof, draw)
    root = root_of(HASHES[:size])
    if changed != proof:
        assert not verify_inclusion(hashed_leaf=HASHES[index], index=index, size=size, proof=changed, root=root)


@given(SIZES, st.data())
def test_a_changed_consistency_proof_fails(new: int, draw: st.DataObject) -> None:
    old = draw.draw(st.integers(1, new))
    proof = consistency_proof(TREE.subtree, old=old, new=new)
    changed = _changed(proof, draw)
    old_root, new_root = root_of(HASHES[:old]), root_of(HASHES[:new])
    if changed != proof:
        assert not verify_consistency(old=old, new=new, proof=changed, old_root=old_root, new_root=new_root)
    other = node_hash(old_root, new_root)
    assert not verify_consistency(old=old, new=new, proof=proof, old_root=other, new_root=new_root)
    assert not verify_consistency(old=old, new=new, proof=proof, old_root=old_root, new_root=other)


@given(
    old=st.integers(-2, 2**64),
    new=st.integers(-2, 2**64),
    proof=st.lists(st.binary(max_size=33) | st.sampled_from(HASHES), max_size=70),
)
def test_strangers_sizes_and_proofs_are_answered_no(old: int, new: int, proof: list[bytes]) -> None:
    assert not verify_inclusion(hashed_leaf=HASHES[0], index=old, size=new, proof=proof, root=bytes(32))
    assert not verify_consistency(old=old, new=new, proof=proof, old_root=bytes(32), new_root=bytes([1]) * 32)


@given(SIZES, SIZES)
def test_a_frontier_can_be_put_down_and_taken_up(first: int, second: int) -> None:
    low, high = sorted((first, second))
    frontier = Frontier()
    for hashed in HASHES[:low]:
        frontier.append(hashed)
    again = Frontier(frontier.size, frontier.peaks)
    for hashed in HASHES[low:high]:
        again.append(hashed)
    assert again.root() == root_of(HASHES[:high])


def _changed(proof: list[bytes], draw: st.DataObject) -> list[bytes]:
    kind = draw.draw(st.sampled_from(("edit", "drop", "add", "swap", "cut")))
    at = draw.draw(st.integers(0, len(proof)))
    if kind == "add":
        return [*proof[:at], draw.draw(st.sampled_from(HASHES)), *proof[at:]]
    if kind == "edit":
        return [bytes([item[0] ^ 1]) + item[1:] if at == place else item for place, item in enumerate(proof)]
    if kind == "cut":
        return [item[:-1] if at == place else item for place, item in enumerate(proof)]
    return list(reversed(proof)) if kind == "swap" else proof[:at] + proof[at + 1 :]
