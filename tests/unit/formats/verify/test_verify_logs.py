"""Ledgers: the numbered checks of docs/formats/ledger.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.formats.verify.test_verify_bundle import details, failing, outcomes
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes
from tigertally.crypto.merkle import EMPTY_ROOT, Frontier, leaf_hash
from tigertally.crypto.sign import NoteKey
from tigertally.formats import checkpoint, cosignature, leaf, ledgerexport
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.verify import Outcome, Trust, verify_path

SELLER, STRANGER = world.seller(), world.stranger()
BOTH = Trust(cards=(SELLER.card, world.buyer().card))
WITNESS = NoteKey(SecretBytes(world.seed("witness", 64)))
W = "counsel.example/w1"


class TestLogs:
    def export(self, folder: Path, rows: list[bytes] | None = None, note: bytes | None = None) -> Path:
        folder.mkdir(exist_ok=True)
        good = [ledgerexport.line(*entry) for entry in world.entries()]
        (folder / "entries.jsonl").write_bytes(b"".join(good if rows is None else rows))
        (folder / "checkpoint").write_bytes(note or world.head(7))
        (folder / "party.json").write_bytes(world.card_paper(SELLER.card.name).to_bytes())
        return folder

    def declaring(
        self, folder: Path, text: str, *, cosigned: bool = False, beats: Sequence[tuple[int, int]] = ()
    ) -> Path:
        """An export of a log that holds a witness policy in force, about a deal; beats: number, seconds after it."""
        value: dict[str, Json] = {"policy": text, "digest": "d", "by": "per_x", "approver": "per_y"}
        stated: dict[str, Json] = {"kind": "ledger.quorum", "subject": "dea_one", "value": value}
        begun = NOW - timedelta(hours=4)
        more = [("ledger.fact.stated", begun, canon.dumps({**stated, "from": "", "until": ""}))]
        more += [
            ("ledger.beat.kept", begun + timedelta(seconds=after), canon.dumps({"every_s": 3600, "number": number}))
            for number, after in beats
        ]
        rows, frontier = list(world.entries()), Frontier()
        for kind, at, payload in more:
            salt = world.seed(kind, 16)
            commitment = leaf.commit_payload(salt, payload)
            raw = leaf.Leaf(at=at, kind=kind, actor="", about=(), commitment=commitment).to_bytes()
            rows.append(ledgerexport.Entry(leaf=raw, payload=payload, salt=salt))
        for row in rows:
            frontier.append(leaf_hash(row.leaf))
        made = Checkpoint(origin=SELLER.card.log.name, size=len(rows), root=frontier.root())
        note = world.sign_head(made)
        if cosigned:
            given = cosignature.cosign(made, name=W, key=WITNESS, now=NOW)
            note = cosignature.merged(checkpoint.parse(note)[1], given).to_bytes()
        return self.export(folder, [ledgerexport.line(*row) for row in rows], note)

    @pytest.mark.parametrize(
        ("beats", "outcome"),
        [
            (((1, 0), (2, 3600), (3, 3601)), Outcome.HOLDS),
            (((1, 0), (3, 60)), Outcome.FAILS),
            (((2, 0),), Outcome.FAILS),
            (((1, 0), (1, 60)), Outcome.FAILS),
            (((1, 0), (2, 7200)), Outcome.UNKNOWN),
            (((1, 0),), Outcome.UNKNOWN),
        ],
    )
    def test_13_the_beat(self, tmp_path: Path, beats: tuple[tuple[int, int], ...], outcome: Outcome) -> None:
        """Numbers without a gap, in time, and not stopped when the checkpoint was signed, three hours later."""
        report = verify_path(self.declaring(tmp_path / "x", "quorum none\n", beats=beats), BOTH, now=NOW)
        assert outcomes(report)[13] is outcome

    def test_12_the_policies_that_the_log_holds_in_force(self, tmp_path: Path) -> None:
        """Short of one is told and is not green, nor a lie; one that cannot be read is."""
        classic, lattice = cosignature.keys_of_witness(W, WITNESS)
        text = f"witness one {classic}\nwitness two {lattice}\ngroup both all one two\nquorum both\n"
        short = verify_path(self.declaring(tmp_path / "a", text), BOTH, now=NOW)
        assert (short.ok, outcomes(short)[12]) == (True, Outcome.UNKNOWN)
        assert "dea_one (entry 7): no quorum; missing one, two" in details(short)
        met = verify_path(self.declaring(tmp_path / "b", text, cosigned=True), BOTH, now=NOW)
        assert outcomes(met)[12] is Outcome.HOLDS
        early = verify_path(self.declaring(tmp_path / "c", text, cosigned=True), BOTH, now=NOW - timedelta(minutes=30))
        assert outcomes(early)[12] is Outcome.UNKNOWN, "cosigned in the future"
        assert failing(verify_path(self.declaring(tmp_path / "d", "quorum nobody\n"), BOTH, now=NOW)) == {12}

    def test_a_good_export_and_whose_it_is(self, tmp_path: Path) -> None:
        folder = self.export(tmp_path / "export")
        report = verify_path(folder, BOTH, now=NOW)
        assert report.ok
        assert set(outcomes(report)) == {1, 2, 3, 4, 5, 6, 7, 8, 10}
        unknown = verify_path(folder, Trust(), now=NOW)
        assert not unknown.ok
        assert not failing(unknown)
        assert SELLER.card.fingerprint() in details(unknown)

    def test_flaws_are_told_with_the_entry(self, tmp_path: Path) -> None:
        rows = [ledgerexport.line(*entry) for entry in world.entries()]
        entry = world.entries()[1]
        forged = ledgerexport.line(entry.leaf, b"{}", entry.salt)
        report = verify_path(self.export(tmp_path / "a", [rows[0], forged, *rows[2:]]), BOTH, now=NOW)
        assert failing(report) == {6}
        assert "entry 1: its content was edited" in details(report)
        assert failing(verify_path(self.export(tmp_path / "b", rows[:4]), BOTH, now=NOW)) == {4, 5}
        assert failing(
            verify_path(self.export(tmp_path / "c", [*rows[:3], rows[4], rows[3], *rows[5:]]), BOTH, now=NOW)
        ) == {5, 7}
        assert failing(verify_path(self.export(tmp_path / "d", [*rows[:3], b"{}\n", *rows[4:]]), BOTH, now=NOW)) == {
            3,
            5,
        }

    def test_2_another_companys_keys(self, tmp_path: Path) -> None:
        """The thief exports a made-up log under the seller's name, with a card of its own that says so."""
        forged = replace(STRANGER.card, party=SELLER.id, log=replace(STRANGER.card.log, name=SELLER.card.log.name))
        note = checkpoint.sign(
            Checkpoint(origin=SELLER.card.log.name, size=0, root=EMPTY_ROOT), key=STRANGER.log, now=NOW
        )
        folder = self.export(tmp_path / "x", [], note)
        (folder / "party.json").write_bytes(forged.sign(STRANGER.signing).to_bytes())
        assert failing(verify_path(folder, BOTH, now=NOW)) == {2}
        assert outcomes(verify_path(folder, Trust(), now=NOW))[2] is Outcome.UNKNOWN

    @pytest.mark.parametrize(
        ("kept", "words"), [(world.head(7), None), (world.head(3), None), (world.head(2, "other"), "split view")]
    )
    def test_9_checkpoints_kept_from_earlier(self, tmp_path: Path, kept: bytes, words: str | None) -> None:
        trust = replace(BOTH, checkpoints=(kept,))
        report = verify_path(self.export(tmp_path / "x"), trust, now=NOW)
        assert failing(report) == ({9} if words else set())
        assert words is None or words in details(report)

    def test_9_rollback(self, tmp_path: Path) -> None:
        rows = [ledgerexport.line(*entry) for entry in world.entries()[:5]]
        folder = self.export(tmp_path / "x", rows, world.head(5))
        report = verify_path(folder, replace(BOTH, checkpoints=(world.head(7),)), now=NOW)
        assert failing(report) == {9}
        assert "rollback" in details(report)

    def test_9_a_kept_checkpoint_that_is_forged_itself(self, tmp_path: Path) -> None:
        forged = world.head(7).replace(b"\n7\n", b"\n8\n")
        assert failing(verify_path(self.export(tmp_path / "x"), replace(BOTH, checkpoints=(forged,)), now=NOW)) == {9}

    def test_10_from_the_future(self, tmp_path: Path) -> None:
        report = verify_path(self.export(tmp_path / "x"), BOTH, now=NOW - timedelta(hours=2))
        assert failing(report) == {10}

    def test_checkpoint(self, tmp_path: Path) -> None:
        path = tmp_path / "head.checkpoint"
        path.write_bytes(world.head(7))
        assert verify_path(path, BOTH, now=NOW).ok
        assert outcomes(verify_path(path, Trust(), now=NOW))[2] is Outcome.UNKNOWN
        for kept, step in ((world.head(7), None), (world.head(7, "other"), 3), (world.head(6), None)):
            found = failing(verify_path(path, replace(BOTH, checkpoints=(kept,)), now=NOW))
            assert found == ({step} if step else set())
        path.write_bytes(world.head(5))
        assert failing(verify_path(path, replace(BOTH, checkpoints=(world.head(7),)), now=NOW)) == {3}
        path.write_bytes(world.head(7).replace(b"\n7\n", b"\n8\n"))
        assert failing(verify_path(path, BOTH, now=NOW)) == {2}
        path.write_bytes(world.head(7)[:-1])
        assert failing(verify_path(path, BOTH, now=NOW)) == {1}
        path.write_bytes(world.head(7))
        assert failing(verify_path(path, BOTH, now=NOW - timedelta(days=1))) == {4}

    def test_proof(self, tmp_path: Path) -> None:
        path = tmp_path / "entry.tlog-proof"
        path.write_bytes(world.proof(3).to_bytes())
        report = verify_path(path, BOTH, now=NOW)
        assert report.ok
        assert "entry 3: vault.card.revealed" in details(report)
        path.write_bytes(replace(world.proof(3), index=2).to_bytes())
        assert failing(verify_path(path, BOTH, now=NOW)) == {4}
        path.write_bytes(replace(world.proof(3), leaf=b"{}").to_bytes())
        assert failing(verify_path(path, BOTH, now=NOW)) == {3, 4}
        path.write_bytes(world.proof(3).to_bytes()[:-1])
        assert failing(verify_path(path, BOTH, now=NOW)) == {1}
