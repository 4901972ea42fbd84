"""Checkpoints, proofs, and exported ledgers."""

from __future__ import annotations

import base64

from tests.vectors import world
from tests.vectors.book import Vectors
from tests.vectors.world import NOW

from tigertally.base import canon
from tigertally.crypto import merkle
from tigertally.formats import checkpoint, ledgerexport
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.shape import to_b64


def notes(vectors: Vectors) -> None:
    good = vectors.base("checkpoint/seven-entries.checkpoint", lambda: world.head(7))
    text, _, tail = good.partition(b"\n\n")
    classic, lattice, _ = tail.split(b"\n")
    origin, size, root = text.split(b"\n")
    add = vectors.derived
    invalid, malformed = "crypto.signature_invalid", "formats.malformed"

    def note(*lines: bytes, signatures: tuple[bytes, ...] = (classic, lattice)) -> bytes:
        return b"\n".join(lines) + b"\n\n" + b"".join(line + b"\n" for line in signatures)

    add("checkpoint/size-edited.checkpoint", note(origin, b"8", root), expect=invalid, why="one entry more than signed")
    add(
        "checkpoint/other-origin.checkpoint",
        note(b"tigertally.invalid/other", size, root),
        expect=malformed,
        why="another log's name on this log's signatures",
    )
    add(
        "checkpoint/ed25519-only.checkpoint",
        note(origin, size, root, signatures=(classic,)),
        expect=invalid,
        why="both signatures are demanded",
    )
    add(
        "checkpoint/mldsa-only.checkpoint",
        note(origin, size, root, signatures=(lattice,)),
        expect=invalid,
        why="both signatures are demanded",
    )
    add(
        "checkpoint/signature-twice.checkpoint",
        note(origin, size, root, signatures=(classic, lattice, lattice)),
        expect=malformed,
        why="a line repeated",
    )
    add("checkpoint/size-leading-zero.checkpoint", note(origin, b"07", root), expect=malformed, why="one spelling only")
    add(
        "checkpoint/extension-line.checkpoint",
        note(origin, size, root, b"more"),
        expect=malformed,
        why="ML-DSA cosignatures do not cover extension lines, so none is read",
    )
    add("checkpoint/root-cut.checkpoint", note(origin, size, root[:-4]), expect=malformed, why="29 bytes of root")
    add(
        "checkpoint/hyphen-for-dash.checkpoint",
        good.replace("— ".encode(), b"- "),
        expect=malformed,
        why="U+2014 is meant",
    )
    add(
        "checkpoint/no-blank-line.checkpoint",
        good.replace(b"\n\n", b"\n", 1),
        expect=malformed,
        why="text and signatures run together",
    )
    add(
        "checkpoint/carriage-returns.checkpoint",
        good.replace(b"\n", b"\r\n"),
        expect=malformed,
        why="control characters",
    )
    add("checkpoint/no-newline-at-end.checkpoint", good[:-1], expect=malformed, why="cut by a byte")
    add(
        "checkpoint/time-edited.checkpoint",
        note(origin, size, root, signatures=(classic, _later(lattice))),
        expect=invalid,
        why="the signed time was moved",
    )
    add(
        "checkpoint/unknown-witness.checkpoint",
        good + "— witness.invalid AAAAAGRlY29yYXRpb24=\n".encode(),
        expect="accept",
        why="signatures of unknown keys are ignored, as C2SP asks",
    )
    vectors.base(
        "checkpoint/signed-by-another.checkpoint",
        _foreign_head,
        expect=invalid,
        why="the seller's log name under another company's keys",
    )


def _later(line: bytes) -> bytes:
    """The ML-DSA line with its time moved by an hour."""
    name, _, sig = line.rpartition(b" ")
    raw = bytearray(base64.b64decode(sig))
    raw[4:12] = (int.from_bytes(raw[4:12], "big") + 3600).to_bytes(8, "big")
    return name + b" " + to_b64(bytes(raw)).encode()


def _foreign_head() -> bytes:
    made = Checkpoint(origin=world.seller().card.log.name, size=7, root=bytes(32))
    return checkpoint.sign(made, key=world.stranger().log, now=NOW)


def proofs(vectors: Vectors) -> None:
    good = vectors.base("proof/entry-three.tlog-proof", lambda: world.proof(3).to_bytes())
    lines = good.split(b"\n")
    add = vectors.derived

    def changed(at: int, *new: bytes) -> bytes:
        return b"\n".join([*lines[:at], *new, *lines[at + 1 :]])

    def without_leaf() -> bytes:
        return changed(1)

    not_proved, malformed = "not proved", "formats.malformed"
    add("proof/other-index.tlog-proof", changed(2, b"index 2"), expect=not_proved, why="right leaf, wrong place")
    add("proof/index-beyond.tlog-proof", changed(2, b"index 7"), expect=not_proved, why="outside the tree")
    add("proof/path-short.tlog-proof", changed(3), expect=not_proved, why="a sibling is missing")
    add("proof/path-long.tlog-proof", changed(3, lines[3], lines[3]), expect=not_proved, why="a sibling too many")
    add(
        "proof/path-swapped.tlog-proof",
        b"\n".join([*lines[:3], lines[4], lines[3], *lines[5:]]),
        expect=not_proved,
        why="siblings in another order",
    )
    add(
        "proof/leaf-edited.tlog-proof",
        changed(1, b"extra " + to_b64(world.entries()[2].leaf).encode()),
        expect=not_proved,
        why="another entry under this proof",
    )
    add("proof/leaf-removed.tlog-proof", without_leaf(), expect=not_proved, why="nothing to prove")
    add("proof/index-leading-zero.tlog-proof", changed(2, b"index 03"), expect=malformed, why="one spelling only")
    add(
        "proof/other-version.tlog-proof", changed(0, b"c2sp.org/tlog-proof@v2"), expect=malformed, why="not this format"
    )
    add("proof/hash-short.tlog-proof", changed(3, to_b64(bytes(31)).encode()), expect=malformed, why="31 bytes")
    add("proof/without-checkpoint.tlog-proof", good.partition(b"\n\n")[0] + b"\n\n", expect=malformed, why="cut")
    add(
        "proof/checkpoint-edited.tlog-proof",
        good.replace(b"\n7\n", b"\n8\n"),
        expect="crypto.signature_invalid",
        why="the checkpoint inside was edited",
    )


def exports(vectors: Vectors, party: bytes) -> None:
    """Folders. ``expect`` lists the flaws found; each is tried with and without the ``hashes`` file."""
    rows = [ledgerexport.line(*entry) for entry in world.entries()]
    head = vectors.base(
        "ledger/export-good/checkpoint", lambda: world.head(7), expect="", why="as the product writes it"
    )
    hashes = b"".join(merkle.leaf_hash(entry.leaf) for entry in world.entries())
    forged = ledgerexport.line(
        world.entries()[2].leaf, canon.dumps({"note": "nothing happened"}), world.entries()[2].salt
    )
    other = [ledgerexport.line(*entry) for entry in world.entries("other")]
    cases: dict[str, tuple[list[bytes], str, str]] = {
        "good": (rows, "", "as the product writes it"),
        "entry-edited": ([*rows[:2], other[2], *rows[3:]], "edited:2", "an entry replaced by another"),
        "value-edited": ([*rows[:2], forged, *rows[3:]], "value_edited:2", "the content changed, the entry not"),
        "entry-deleted": ([*rows[:2], *rows[3:]], "deleted:2", "an entry taken out"),
        "entry-added": ([*rows[:2], other[2], *rows[2:]], "added:2", "an entry put in"),
        "entries-swapped": (
            [*rows[:2], rows[3], rows[2], *rows[4:]],
            "reordered:2 time_backwards:3",
            "two entries swapped",
        ),
        "truncated": (rows[:5], "truncated:5", "the last two are gone"),
        "extended": ([*rows, other[6]], "added:7", "an entry after the signed end"),
        "line-cut": ([*rows[:6], rows[6][:-1]], "edited:6 malformed:6", "the last newline is gone"),
        "line-indented": (
            [*rows[:3], rows[3].replace(b'":"', b'": "'), *rows[4:]],
            "edited:3 malformed:3",
            "not canonical",
        ),
    }
    for name, (lines, expect, why) in cases.items():
        folder = vectors.out / "ledger" / f"export-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "entries.jsonl").write_bytes(b"".join(lines))
        (folder / "checkpoint").write_bytes(head)
        (folder / "party.json").write_bytes(party)
        (folder / "hashes").write_bytes(hashes)
        vectors.cases.append({"file": f"ledger/export-{name}", "expect": expect, "why": why, "base": "no"})
