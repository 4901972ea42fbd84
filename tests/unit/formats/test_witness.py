"""The witness protocol: each answer of c2sp.org/tlog-witness, in its order."""

from __future__ import annotations

import pytest
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.crypto.merkle import EMPTY_ROOT, MemoryTree, consistency_proof, leaf_hash, range_hash
from tigertally.crypto.sign import NoteKey
from tigertally.formats import checkpoint as notes
from tigertally.formats import cosignature, witness
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.cosignature import VKey
from tigertally.formats.errors import Malformed
from tigertally.formats.witness import AddCheckpoint, Answer

LOG = world.seller().card.log
KEYS = [VKey.parse(spelled) for spelled in LOG.vkeys()]
TREE = MemoryTree([leaf_hash(b"%d" % number) for number in range(100)])
OTHER = MemoryTree([leaf_hash(b"x%d" % number) for number in range(100)])


def head(size: int, tree: MemoryTree = TREE) -> Checkpoint:
    return Checkpoint(origin=LOG.name, size=size, root=range_hash(tree.subtree, 0, size) if size else EMPTY_ROOT)


def asked(old: int, size: int, tree: MemoryTree = TREE, *, key: NoteKey | None = None) -> bytes:
    proof = tuple(consistency_proof(tree.subtree, old=old, new=size)) if 0 < old < size else ()
    signed = notes.sign(head(size, tree), key=key or world.seller().log, now=NOW)
    return AddCheckpoint(old=old, proof=proof, checkpoint=signed).to_bytes()


def consider(body: bytes, *, last: Checkpoint | None = None, known: bool = True) -> Answer:
    def keys_of(origin: str) -> list[VKey]:
        return KEYS if known and origin == LOG.name else []

    return witness.consider(body, keys_of=keys_of, last_of=lambda _: last)


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 1), (0, 100), (1, 2), (7, 64), (64, 100), (100, 100)])
def test_what_extends_is_cosigned(old: int, size: int) -> None:
    answer = consider(asked(old, size), last=head(old) if old else None)
    assert (answer.status, answer.checkpoint) == (200, head(size))


def test_the_log_must_be_known() -> None:
    assert consider(asked(0, 5), known=False).status == 404


def test_the_log_must_have_signed() -> None:
    assert consider(asked(0, 5, key=NoteKey.generate())).status == 403


def test_the_old_size_is_not_above_the_new() -> None:
    assert consider(asked(9, 5), last=head(9)).status == 400


@pytest.mark.parametrize("last", [0, 3, 64, 100])
def test_another_size_than_the_last_is_a_conflict_that_tells_it(last: int) -> None:
    answer = consider(asked(7, 64), last=head(last) if last else None)
    assert (answer.status, answer.size, answer.contradicts) == (409, last, False)


def test_another_root_of_the_same_size_is_a_contradiction() -> None:
    answer = consider(asked(64, 64, OTHER), last=head(64))
    assert (answer.status, answer.size, answer.contradicts) == (409, 64, True)


def test_a_history_that_does_not_extend_is_not_cosigned() -> None:
    answer = consider(asked(7, 64, OTHER), last=head(7))
    assert (answer.status, answer.contradicts, answer.checkpoint) == (422, True, None)


def test_from_nothing_there_is_nothing_to_prove() -> None:
    body = asked(0, 5).replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n")
    assert consider(body).status == 422


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"old 7\n", b"old 07\n"),
        (b"old 7\n", b"old -7\n"),
        (b"old 7\n", b"Old 7\n"),
        (b"old 7\n", b"old 7 \n"),
        (b"old 7\n", b""),
        (b"old 7\n", b"old 7\nAAAA\n"),
        (b"old 7\n", b"old 7\r\n"),
        (b"old 7\n", b"old 7\n" + (b"A" * 43 + b"=\n") * 64),
        (b"\n\n", b"\n"),
        (b"old 7", "old ７".encode()),
    ],
)
def test_what_is_no_request_is_refused(was: bytes, becomes: bytes) -> None:
    body = asked(7, 64).replace(was, becomes, 1)
    assert consider(body, last=head(7)).status == 400


def test_a_request_is_read_as_it_was_written() -> None:
    body = asked(7, 64)
    assert witness.parse(body).to_bytes() == body
    with pytest.raises(Malformed):
        witness.parse(b"x" * (witness.REQUEST_BYTES_MAX + 1))


def test_an_answer_is_taken_as_far_as_its_keys_are_known() -> None:
    ours, strangers = NoteKey.generate(), NoteKey.generate()
    signed = notes.sign(head(9), key=world.seller().log, now=NOW)
    given = [
        *cosignature.cosign(head(9), name="counsel.example/w1", key=ours, now=NOW),
        *cosignature.cosign(head(9), name="stranger.example/w1", key=strangers, now=NOW),
    ]
    body = witness.signature_lines(given)
    keys = cosignature.keys_of_witness("counsel.example/w1", ours)
    assert witness.take(body, checkpoint=signed, keys=keys) == tuple(given[:2])
    assert witness.take(body, checkpoint=signed, keys=keys[1:]) == (given[1],)
    assert witness.take(body, checkpoint=signed, keys=[]) == ()
    with pytest.raises(Malformed):
        witness.take(b"no lines\n", checkpoint=signed, keys=keys)
