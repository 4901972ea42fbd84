"""Notes, checkpoints and proofs after the C2SP documents."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.crypto.errors import BadKey, SignatureInvalid
from tigertally.crypto.sign import ed25519_ok, mldsa44_ok
from tigertally.formats import checkpoint, note, proof
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.errors import Malformed
from tigertally.formats.note import NoteVerifier, cosigned_message, key_id_of

LOG = world.seller().card.log
KEY = world.seller().log

# The example of the signed-note document: a verifier key, and a note that it verifies.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SIGNED = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZX"
    "sYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# The same document's first example: an empty line inside the text.
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/"
    "salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()


def test_the_documents_example_verifies() -> None:
    name, key_id, key = VKEY.split("+")
    raw = base64.b64decode(key)
    assert raw[0] == note.TYPE_ED25519
    parsed = note.parse(SIGNED)
    (signature,) = parsed.signatures
    assert (signature.name, f"{signature.key_id:08x}") == (name, key_id)
    assert key_id_of(name, raw[0], raw[1:]) == signature.key_id
    assert ed25519_ok(raw[1:], parsed.text.encode(), signature.raw)
    assert parsed.to_bytes() == SIGNED


def test_the_last_empty_line_separates() -> None:
    parsed = note.parse(POEM)
    assert parsed.text.endswith("\n\ned è subito sera.\n")
    assert parsed.to_bytes() == POEM


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        SIGNED[:-1],
        SIGNED.replace(b"\n\n", b"\n"),
        SIGNED + b"\n",
        SIGNED[28:],
        SIGNED.replace(b" example", b"\texample"),
        SIGNED.replace(b"Uw2Q", b"Uw2"),
        SIGNED.replace(b"/foo ", b"+foo "),
        SIGNED.replace("—".encode(), b"-"),
        SIGNED.replace(b"example.com/foo Uw", b"example.com /foo Uw"),
        b"\xff" + SIGNED,
        "text\n\n— name AAAAAA==\n".encode(),
        SIGNED + SIGNED.partition(b"\n\n")[2],
    ],
)
def test_what_is_no_note(data: bytes) -> None:
    with pytest.raises(Malformed):
        note.parse(data)


def test_sixteen_signatures_are_accepted_and_too_many_are_not() -> None:
    head = "text\n\n"
    lines = [f"— name{at} {base64.b64encode(at.to_bytes(4, 'big') + b'sig').decode()}\n" for at in range(65)]
    assert len(note.parse((head + "".join(lines[:64])).encode()).signatures) == 64
    with pytest.raises(Malformed):
        note.parse((head + "".join(lines)).encode())


class TestVerifierKeys:
    def test_there_and_back(self) -> None:
        assert NoteVerifier.parse(LOG.vkeys()) == LOG

    def test_flaws(self) -> None:
        one, two = LOG.vkeys()
        other = replace(LOG, name="other").vkeys()
        flaws = [(), (one,), (two, one), (one, one), (one, other[1]), (one, two, two), ("", ""), (one + " ", two)]
        flaws += [(one.replace("+", " "), two), (one[:-4], two), replace(LOG, name="a b").vkeys()]
        flaws += [
            replace(LOG, name="a\x01b").vkeys(),
            replace(LOG, name="é" * 128).vkeys(),
            replace(LOG, name="").vkeys(),
        ]
        name, key_id, key = one.split("+", 2)
        flaws += [(f"{name}+{key_id.upper()}x+{key}", two), (f"{name}+00000000+{key}", two)]
        for flaw in flaws:
            with pytest.raises(BadKey):
                NoteVerifier.parse(flaw)

    def test_a_name_of_255_bytes_can_cosign(self) -> None:
        long = replace(LOG, name="x" * 255)
        assert NoteVerifier.parse(long.vkeys()) == long
        assert cosigned_message(name=long.name, at=0, origin=long.name, size=0, root=bytes(32))


class TestCheckpoint:
    def test_layout(self) -> None:
        made = Checkpoint(origin=LOG.name, size=3, root=bytes(32))
        data = checkpoint.sign(made, key=KEY, now=NOW)
        text = f"{LOG.name}\n3\n{base64.b64encode(bytes(32)).decode()}\n"
        assert data.startswith(text.encode() + b"\n")
        assert checkpoint.verify(data, LOG) == made
        assert checkpoint.verify_dated(data, LOG)[1] == NOW
        _, parsed = checkpoint.parse(data)
        classic, lattice = parsed.signatures
        assert ed25519_ok(KEY.classic_public, text.encode(), classic.raw)
        # tlog-cosignature: label, name and origin with a length byte, time, 0, size, root
        name = LOG.name.encode()
        message = b"subtree/v1\n\x00" + bytes([len(name)]) + name + lattice.raw[:8] + bytes([len(name)]) + name
        message += struct.pack(">QQ", 0, 3) + bytes(32)
        assert mldsa44_ok(KEY.lattice_public, message, lattice.raw[8:])

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "origin\n",
            "origin\n1\n",
            f"origin\n01\n{'A' * 43}=\n",
            f"\n1\n{'A' * 43}=\n",
            f"origin\n-1\n{'A' * 43}=\n",
            f"origin\n1\n{'A' * 42}==\n",
            f"origin\n1\n{'A' * 43}=\nmore\n",
            f"origin\n{10**16}\n{'A' * 43}=\n",
            f"origin\n9007199254740992\n{'A' * 43}=\n",
            f"origin\n１\n{'A' * 43}=\n",
        ],
    )
    def test_what_is_no_checkpoint(self, text: str) -> None:
        with pytest.raises(Malformed):
            checkpoint.parse(f"{text}\n— name AAAAAGFh\n".encode())

    def test_the_time_must_be_one_that_can_be_told(self) -> None:
        made = Checkpoint(origin=LOG.name, size=0, root=bytes(32))
        far = 2**62
        message = cosigned_message(name=LOG.name, at=far, origin=LOG.name, size=0, root=bytes(32))
        classic, lattice = note.parse(checkpoint.sign(made, key=KEY, now=NOW)).signatures
        forged = note.Note(
            text=made.text(),
            signatures=(classic, replace(lattice, raw=struct.pack(">Q", far) + KEY.sign_lattice(message))),
        )
        with pytest.raises(Malformed):
            checkpoint.verify_dated(forged.to_bytes(), LOG)

    def test_of_another_log(self) -> None:
        with pytest.raises(Malformed):
            checkpoint.verify(world.head(7), world.buyer().card.log)
        with pytest.raises(SignatureInvalid):
            checkpoint.verify(world.head(7), replace(world.buyer().card.log, name=LOG.name))

    def test_signed_in_the_past_century(self) -> None:
        at = datetime(1999, 12, 31, tzinfo=UTC)
        data = checkpoint.sign(Checkpoint(origin=LOG.name, size=0, root=bytes(32)), key=KEY, now=at)
        assert checkpoint.verify_dated(data, LOG)[1] == at


class TestProof:
    @pytest.mark.parametrize("index", range(7))
    def test_every_entry_is_proved(self, index: int) -> None:
        made = world.proof(index)
        again = proof.parse(made.to_bytes())
        assert again == made
        assert again.verify(LOG) == checkpoint.parse(world.head(7))[0]

    def test_without_the_leaf_inside_it_must_be_given(self) -> None:
        made = replace(world.proof(2), leaf=b"")
        again = proof.parse(made.to_bytes())
        assert again.verify(LOG) is None
        assert again.verify(LOG, leaf=world.entries()[2].leaf) is not None
        assert again.verify(LOG, leaf=world.entries()[3].leaf) is None

    def test_a_proof_under_another_logs_checkpoint(self) -> None:
        with pytest.raises(Malformed):
            world.proof(2).verify(world.buyer().card.log)
