"""Cosignatures, keys and trust policies after the C2SP documents."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.base.secret import SecretBytes
from tigertally.crypto.errors import BadKey, SignatureInvalid
from tigertally.crypto.sign import NoteKey
from tigertally.formats import checkpoint as notes
from tigertally.formats import cosignature, policy
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.cosignature import VKey
from tigertally.formats.errors import Malformed
from tigertally.formats.note import Note

LOG = world.seller().card.log
HEAD = Checkpoint(origin=LOG.name, size=7, root=hashlib.sha256(b"root").digest())
NOTE = notes.parse(notes.sign(HEAD, key=world.seller().log, now=NOW))[1]
NAMES = ("counsel.example/w1", "escrow.example/w1", "insurer.example/w1")
KEYS = {name: NoteKey(SecretBytes(hashlib.sha512(name.encode()).digest())) for name in NAMES}


def vkey(name: str, which: int = 0) -> VKey:
    return cosignature.keys_of_witness(name, KEYS[name])[which]


def cosigned(*names: str) -> Note:
    note = NOTE
    for name in names:
        note = cosignature.merged(note, cosignature.cosign(HEAD, name=name, key=KEYS[name], now=NOW))
    return note


def test_a_cosignature_is_what_the_document_says() -> None:
    """Checked with the libraries alone, from the words of tlog-cosignature."""
    name = NAMES[0]
    at = int(NOW.timestamp())
    ed25519, mldsa = cosigned(name).signatures[-2:]
    public = KEYS[name].classic_public
    assert ed25519.key_id.to_bytes(4, "big") == hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
    assert ed25519.raw[:8] == at.to_bytes(8, "big")
    text = f"cosignature/v1\ntime {at}\n{HEAD.origin}\n7\n{base64.b64encode(HEAD.root).decode()}\n"
    Ed25519PublicKey.from_public_bytes(public).verify(ed25519.raw[8:], text.encode())
    public = KEYS[name].lattice_public
    assert mldsa.key_id.to_bytes(4, "big") == hashlib.sha256(name.encode() + b"\n\x06" + public).digest()[:4]
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + at.to_bytes(8, "big")
    message += bytes([len(HEAD.origin)]) + HEAD.origin.encode() + bytes(8) + (7).to_bytes(8, "big") + HEAD.root
    MLDSA44PublicKey.from_public_bytes(public).verify(mldsa.raw[8:], message)


def test_who_cosigned_and_when_is_told() -> None:
    note = cosigned(NAMES[0])
    for which in (0, 1):
        assert vkey(NAMES[0], which).signed_at(note, HEAD) == int(NOW.timestamp())
        assert vkey(NAMES[1], which).signed_at(note, HEAD) is None
        assert VKey.parse(str(vkey(NAMES[0], which))) == vkey(NAMES[0], which)
    for spelled in LOG.vkeys():
        assert VKey.parse(spelled).signed_at(note, HEAD) is not None
    assert notes.verify(note.to_bytes(), LOG) == HEAD, "a log's signatures hold with cosignatures beside them"


@pytest.mark.parametrize("which", [0, 1])
def test_a_wrong_cosignature_of_a_known_key_rejects_the_note(which: int) -> None:
    key = vkey(NAMES[0], which)
    good = next(item for item in cosigned(NAMES[0]).signatures if item.key_id == key.key_id)
    flipped = good.raw[:-1] + bytes([good.raw[-1] ^ 1])
    late = (2**63).to_bytes(8, "big") + good.raw[8:]
    for raw in (flipped, late, good.raw[:-1], good.raw + b"x", b"12345678"):
        with pytest.raises(SignatureInvalid):
            key.signed_at(cosignature.merged(NOTE, [replace(good, raw=raw)]), HEAD)
    with pytest.raises(SignatureInvalid):
        key.signed_at(Note(text=NOTE.text.replace("\n7\n", "\n8\n"), signatures=(good,)), replace(HEAD, size=8))


@pytest.mark.parametrize(
    "spelled",
    [
        "",
        "name",
        "name+00000000+",
        str(vkey(NAMES[0]))[:-1],
        str(vkey(NAMES[0])).replace("counsel", "council"),
        "a b+00000000+" + base64.b64encode(b"\x04" + bytes(32)).decode(),
        "name+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
    ],
)
def test_what_is_no_key_is_refused(spelled: str) -> None:
    with pytest.raises(BadKey):
        VKey.parse(spelled)


def test_a_newer_cosignature_takes_the_older_ones_place() -> None:
    later = datetime(2027, 1, 1, tzinfo=UTC)
    note = cosignature.merged(
        cosigned(NAMES[0]), cosignature.cosign(HEAD, name=NAMES[0], key=KEYS[NAMES[0]], now=later)
    )
    assert len(note.signatures) == 4
    assert vkey(NAMES[0]).signed_at(note, HEAD) == int(later.timestamp())


def written(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


THREE = (
    f"log {LOG.vkeys()[0]}",
    f"witness counsel {vkey(NAMES[0])} http://127.0.0.1:8430/",
    f"witness escrow {vkey(NAMES[1])}",
    f"witness insurer {vkey(NAMES[2])}",
)


@pytest.mark.parametrize(
    ("lines", "enough", "short"),
    [
        (("quorum none",), [()], []),
        (("quorum escrow",), [(1,), (0, 1, 2)], [(), (0, 2)]),
        (("group g any counsel escrow", "quorum g"), [(0,), (1,)], [(2,)]),
        (("group g 2 counsel escrow insurer", "quorum g"), [(0, 1), (0, 2), (0, 1, 2)], [(0,), ()]),
        (("group x all counsel escrow", "group g all x insurer", "quorum g"), [(0, 1, 2)], [(0, 1), (0, 2)]),
        (("  # a comment", "", "\tgroup  g\tany counsel  ", "quorum g"), [(0,)], [(1,)]),
    ],
)
def test_a_quorum_is_what_the_policy_says(
    lines: tuple[str, ...], enough: list[tuple[int, ...]], short: list[tuple[int, ...]]
) -> None:
    read = policy.parse(written(*THREE, *lines))
    for chosen, met in [(which, True) for which in enough] + [(which, False) for which in short]:
        found = read.cosigned(cosigned(*(NAMES[at] for at in chosen)), HEAD)
        assert len(found) == len(chosen)
        assert read.met(found) is met
        assert met or set(read.lacking(found)) & {"counsel", "escrow", "insurer"}
    assert policy.log_signed([listed.key for listed in read.logs], NOTE, HEAD)
    assert not policy.log_signed([vkey(NAMES[0])], NOTE, HEAD)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("quorum",),
        ("quorum nobody",),
        ("quorum counsel", "quorum counsel"),
        ("quorum escrow extra",),
        ("group none any counsel", "quorum none"),
        ("group g any none", "quorum g"),
        ("group g 3 counsel escrow", "quorum g"),
        ("group g 0 counsel", "quorum g"),
        ("group g 01 counsel", "quorum g"),
        ("group g any counsel counsel", "quorum g"),
        ("group g any", "quorum g"),
        ("group g any h", "group h any counsel", "quorum g"),
        ("group counsel any escrow", "quorum none"),
        ("group g any counsel", "group h any counsel escrow", "quorum h"),
        ("witness counsel x", "quorum none"),
        (f"witness again {vkey(NAMES[0])}", "quorum none"),
        (f"log {LOG.vkeys()[0]}", "quorum none"),
        (f"log {vkey(NAMES[0])}", "quorum none"),
        (f"witness log {LOG.vkeys()[0]}", "quorum none"),
        ("quorum\x0bnone",),
        ("quorum\u00a0none",),
        ("quorum none\r",),
        ("witnesses", "quorum none"),
    ],
)
def test_what_is_no_policy_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(Malformed):
        policy.parse(written(*THREE, *lines))


def test_a_policy_has_limits() -> None:
    for data in (b"quorum none", b"#\n" * 1025 + b"quorum none\n", b"#" * 300_000 + b"\nquorum none\n"):
        with pytest.raises(Malformed):
            policy.parse(data)
    assert policy.parse(b"quorum none\n").met([])


def test_a_wrong_cosignature_of_a_listed_witness_is_not_passed_over() -> None:
    read = policy.parse(written(*THREE, "quorum escrow"))
    bad = replace(cosigned(NAMES[0]).signatures[-2], raw=bytes(72))
    with pytest.raises(SignatureInvalid):
        read.cosigned(cosignature.merged(cosigned(NAMES[1]), [bad]), HEAD)
