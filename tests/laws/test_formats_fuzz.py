"""Law: whatever bytes arrive, a parser returns or raises a ``Problem``; what it accepts, it writes back the same.

Random bytes seldom get past the first check, so bodies are also attacked from within: every member of every kind of
body is replaced, removed or doubled in turn by values of another shape.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vectors import world
from tests.vectors.test_vectors import READERS

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.errors import Invalid, Problem
from tigertally.crypto.errors import BadKey
from tigertally.crypto.hpke import TransferPublic
from tigertally.crypto.sign import VerifyKey
from tigertally.formats import checkpoint, envelope, keyfile, leaf, ledgerexport, note, part, proof, statement
from tigertally.formats.note import NoteVerifier
from tigertally.formats.statement import Kind, Statement

PARSERS: dict[str, Callable[[bytes], object]] = {
    "canon": canon.loads,
    "statement": statement.parse,
    "note": note.parse,
    "checkpoint": checkpoint.parse,
    "proof": proof.parse,
    "keyfile": keyfile.parse,
    "leaf": leaf.parse,
    "line": ledgerexport.parse_line,
    "envelope": lambda data: envelope.read_header(io.BytesIO(data).read),
    "part": lambda data: part.read_part(data, subjects=1),
    "signing key": VerifyKey,
    "transfer key": TransferPublic,
}
STARTS = (
    b"",
    b"{",
    b'{"payload":',
    b"c2sp.org/tlog-proof@v1\n",
    b"tigertally-envelope-v1\n",
    b"PAR1",
    b"\x01\x01",
    "— ".encode(),
)

PAPERS = {
    Kind.PARTY: world.card_paper(world.seller().card.name),
    Kind.AGREEMENT: world.agreement_paper(),
    Kind.INVITATION: world.invitation_paper(),
    Kind.ACCEPTANCE: world.acceptance_paper(),
    Kind.RELEASE: world.release_paper(),
    Kind.MANIFEST: world.manifest_paper(),
    Kind.RECEIPT: world.receipt_paper(),
    Kind.CERTIFICATE: world.certificate_paper(),
}
HOSTILE: tuple[Json, ...] = (
    None, True, False, 0, -1, 1, 2**53 - 1, -(2**53 - 1), "", "x", "\x00", "x" * 5000, "é" * 121, [], {}, [[]], [{}],
    [None], ["x"], ["", ""], {"": 0}, {"pan": -1}, {"pan": True}, "0" * 64, "../x", "{0}", "AAAA", "pty_" + "0" * 26,
    "2026-02-30T00:00:00.000000Z", "0000-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z",
)  # fmt: skip


@pytest.mark.parametrize("name", PARSERS)
@given(head=st.sampled_from(STARTS), tail=st.binary(max_size=200))
def test_random_bytes_raise_problems_only(name: str, head: bytes, tail: bytes) -> None:
    _survives(PARSERS[name], head + tail)


@given(st.text(max_size=300))
def test_random_text_raises_problems_only(text: str) -> None:
    for parse in PARSERS.values():
        _survives(parse, text.encode("utf-8", "surrogatepass"))


@given(st.lists(st.text(max_size=80), max_size=4))
def test_verifier_keys_are_keys_or_not(vkeys: list[str]) -> None:
    with pytest.raises(BadKey):
        NoteVerifier.parse(tuple(vkeys))


@pytest.mark.parametrize("kind", PAPERS)
def test_a_body_attacked_from_within_is_read_or_refused(kind: Kind) -> None:
    body = canon.loads(PAPERS[kind].payload)
    for changed in _attacked(body):
        paper = Statement(kind=kind, payload=canon.dumps(changed), signatures=PAPERS[kind].signatures)
        try:
            found = READERS[kind](paper)
        except Problem:
            continue
        # what is read is what was written: nothing of the body is lost
        assert canon.dumps(found.body()) == paper.payload  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", PAPERS)
def test_a_good_body_is_read_whole(kind: Kind) -> None:
    found = READERS[kind](PAPERS[kind])
    assert canon.dumps(found.body()) == PAPERS[kind].payload  # type: ignore[attr-defined]
    assert statement.parse(PAPERS[kind].to_bytes()) == PAPERS[kind]


@pytest.mark.parametrize("kind", PAPERS)
def test_a_missing_or_added_member_is_refused(kind: Kind) -> None:
    body = canon.loads(PAPERS[kind].payload)
    assert isinstance(body, dict)
    for name in body:
        shorter = {key: value for key, value in body.items() if key != name}
        with pytest.raises(Invalid):
            READERS[kind](Statement(kind=kind, payload=canon.dumps(shorter), signatures=()))
    longer = Statement(kind=kind, payload=canon.dumps({**body, "zz": 1}), signatures=())
    with pytest.raises(Invalid):
        READERS[kind](longer)


def _survives(parse: Callable[[bytes], object], data: bytes) -> None:
    try:
        parse(data)
    except Problem as problem:
        caught = problem
    else:
        return
    # a problem tells nothing of the bytes
    assert caught.args == (caught.code,)


def _attacked(value: Json) -> Iterator[Json]:
    """Yield ``value`` with one place in it replaced, for every place and every hostile value."""
    yield from HOSTILE
    if isinstance(value, dict):
        for name, inner in value.items():
            for changed in _attacked(inner):
                yield {**value, name: changed}
    elif isinstance(value, list):
        yield [*value, *value]
        yield list(reversed(value))
        for at, inner in enumerate(value[:3]):
            for changed in _attacked(inner):
                yield [*value[:at], changed, *value[at + 1 :]]
