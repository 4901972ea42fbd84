"""Exported ledgers: each flaw is named, with the helper file and without it; earlier checkpoints are remembered.

Folders with one flaw each and the helper file are in tests/vectors/ledger.
"""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.base import canon
from tigertally.crypto.errors import SignatureInvalid
from tigertally.crypto.merkle import leaf_hash, root_of
from tigertally.formats import ledgerexport
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.errors import Malformed
from tigertally.formats.leafdiff import WAITING_MAX, LeafDiff
from tigertally.formats.ledgerexport import Entry, Flaw, FlawKind, History, consistent, line, parse_line, verify_export

LOG = world.seller().card.log
ROWS = [line(*entry) for entry in world.entries()]
OTHER = [line(*entry) for entry in world.entries("other")]


def export(folder: Path, rows: list[bytes], *, note: bytes | None = None, hashes: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "entries.jsonl").write_bytes(b"".join(rows))
    (folder / "checkpoint").write_bytes(note or world.head(7))
    if hashes:
        (folder / "hashes").write_bytes(b"".join(leaf_hash(entry.leaf) for entry in world.entries()))
    return folder


def flaws(folder: Path) -> list[Flaw]:
    return sorted(verify_export(folder, LOG).flaws, key=lambda flaw: (flaw.kind.value, flaw.entry))


def test_a_good_export(tmp_path: Path) -> None:
    found = verify_export(export(tmp_path, ROWS), LOG)
    assert found.ok
    assert (found.entries, found.withheld, found.signed) == (7, 1, NOW - timedelta(hours=1))
    assert found.checkpoint.size == 7


def test_an_empty_ledger(tmp_path: Path) -> None:
    assert verify_export(export(tmp_path, [], note=world.head(0)), LOG).ok


@pytest.mark.parametrize("hashes", [False, True])
def test_edited_value(tmp_path: Path, *, hashes: bool) -> None:
    entry = world.entries()[1]
    forged = line(entry.leaf, canon.dumps({"note": "nothing"}), entry.salt)
    assert flaws(export(tmp_path, [ROWS[0], forged, *ROWS[2:]], hashes=hashes)) == [(FlawKind.VALUE_EDITED, 1)]


def test_edited_salt(tmp_path: Path) -> None:
    entry = world.entries()[1]
    assert flaws(export(tmp_path, [ROWS[0], line(entry.leaf, entry.payload, bytes(16)), *ROWS[2:]])) == [
        (FlawKind.VALUE_EDITED, 1)
    ]


def test_a_payload_may_be_withheld_or_erased_at_any_time(tmp_path: Path) -> None:
    found = verify_export(export(tmp_path, [line(entry.leaf, None, b"") for entry in world.entries()]), LOG)
    assert found.ok
    assert found.withheld == 7


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([*ROWS[:2], OTHER[2], *ROWS[3:]], FlawKind.ROOT),
        ([*ROWS[:2], *ROWS[3:]], FlawKind.MISSING),
        (ROWS[:5], FlawKind.MISSING),
        ([], FlawKind.MISSING),
        ([*ROWS, OTHER[6]], FlawKind.ADDED),
        ([*ROWS[:2], OTHER[2], *ROWS[2:]], FlawKind.ROOT),
    ],
)
def test_without_the_helper_file_flaws_are_told_as_far_as_they_can_be(
    tmp_path: Path, rows: list[bytes], kind: FlawKind
) -> None:
    assert [found for found, _ in flaws(export(tmp_path, rows))] == [kind]


def test_a_helper_file_that_was_edited_too_helps_nobody(tmp_path: Path) -> None:
    folder = export(tmp_path, [*ROWS[:2], OTHER[2], *ROWS[3:]], hashes=True)
    hashes = [leaf_hash(parse_line(row).leaf) for row in [*ROWS[:2], OTHER[2], *ROWS[3:]]]
    (folder / "hashes").write_bytes(b"".join(hashes))
    assert flaws(folder) == [(FlawKind.ROOT, 0)]


def test_a_helper_file_of_other_entries_is_named(tmp_path: Path) -> None:
    folder = export(tmp_path, ROWS, hashes=True)
    true = (folder / "hashes").read_bytes()
    for data in (b"", b"x", bytes(7 * 32), true[:-1] + b"x", true + b"x"):
        (folder / "hashes").write_bytes(data)
        assert flaws(folder) == [(FlawKind.HASHES, 0)]
    (folder / "hashes").unlink()
    assert flaws(folder) == []


def test_time_going_backwards(tmp_path: Path) -> None:
    late = world.entries("late", first=NOW - timedelta(days=9))
    mixed = [*world.entries()[:2], *late[:2], *world.entries()[2:4]]
    root = root_of(leaf_hash(entry.leaf) for entry in mixed)
    note = world.sign_head(Checkpoint(origin=LOG.name, size=6, root=root))
    folder = export(tmp_path, [line(*entry) for entry in mixed], note=note)
    assert flaws(folder) == [(FlawKind.TIME_BACKWARDS, 4), (FlawKind.TIME_BACKWARDS, 5)]


def test_a_checkpoint_older_than_its_entries(tmp_path: Path) -> None:
    note = world.head(7, signed=NOW - timedelta(days=11))
    assert flaws(export(tmp_path, ROWS, note=note)) == [(FlawKind.CHECKPOINT_OLD, 6)]


def test_the_wrong_key_and_another_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        verify_export(export(tmp_path, ROWS), world.buyer().card.log)
    edited = world.head(7).replace(b"\n7\n", b"\n6\n")
    with pytest.raises(SignatureInvalid):
        verify_export(export(tmp_path, ROWS[:6], note=edited), LOG)
    assert flaws(export(tmp_path, ROWS, note=world.head(6))) == [(FlawKind.ADDED, 6)]


def test_every_flaw_is_listed_up_to_a_limit(tmp_path: Path) -> None:
    found = verify_export(export(tmp_path, [b"{}\n"] * 500), LOG)
    assert len(found.flaws) == ledgerexport.FLAWS_MAX
    assert found.entries == 500


def test_an_endless_line_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgerexport, "LINE_BYTES_MAX", 2_000)
    found = verify_export(export(tmp_path, [b"x" * 10_000]), LOG)
    assert {flaw.kind for flaw in found.flaws} == {FlawKind.MALFORMED, FlawKind.MISSING}


class TestHistory:
    """What checkpoints kept from earlier show. All are signed by the log itself."""

    def test_growth_is_consistent(self, tmp_path: Path) -> None:
        folder = export(tmp_path, ROWS)
        for size in range(8):
            assert consistent(world.head(size), folder, LOG) is History.CONSISTENT

    def test_rollback(self, tmp_path: Path) -> None:
        folder = export(tmp_path, ROWS[:5], note=world.head(5))
        assert verify_export(folder, LOG).ok
        assert consistent(world.head(7), folder, LOG) is History.ROLLBACK

    def test_split_view(self, tmp_path: Path) -> None:
        folder = export(tmp_path, OTHER, note=world.head(7, "other"))
        assert verify_export(folder, LOG).ok
        for size in (1, 4, 7):
            assert consistent(world.head(size), folder, LOG) is History.SPLIT_VIEW

    def test_rebuilt_from_genesis(self, tmp_path: Path) -> None:
        young = world.entries("young", first=NOW - timedelta(minutes=30))
        root = root_of(leaf_hash(entry.leaf) for entry in young)
        note = world.sign_head(Checkpoint(origin=LOG.name, size=7, root=root), signed=NOW)
        folder = export(tmp_path, [line(*entry) for entry in young], note=note)
        assert verify_export(folder, LOG).ok
        assert consistent(world.head(4), folder, LOG) is History.REBUILT

    def test_several_at_once(self, tmp_path: Path) -> None:
        folder = export(tmp_path, ROWS[:5], note=world.head(5))
        kept = [world.head(3), world.head(6), world.head(2, "other")]
        found = verify_export(folder, LOG, remembered=kept)
        assert found.histories == (History.CONSISTENT, History.ROLLBACK, History.SPLIT_VIEW)
        assert not found.ok

    def test_of_another_log(self, tmp_path: Path) -> None:
        foreign = Checkpoint(origin=world.buyer().card.log.name, size=1, root=bytes(32))
        with pytest.raises(Malformed):
            consistent(world.sign_head(foreign), export(tmp_path, ROWS), LOG)


class TestLine:
    def test_there_and_back(self) -> None:
        for entry in world.entries():
            assert parse_line(line(*entry)) == entry

    @pytest.mark.parametrize(
        "data",
        [b"", b"\n", b"{}\n", ROWS[0][:-1], ROWS[0] + b"\n", b" " + ROWS[0], ROWS[0].replace(b'"salt":"', b'"salt":"A'),
         ROWS[4].replace(b"null", b"{}"), ROWS[4].replace(b'"salt":""', b'"salt":"' + b"0" * 32 + b'"'),
         canon.dumps({"leaf": "{}", "payload": [1], "salt": "0" * 32}) + b"\n",
         canon.dumps({"leaf": "{}", "payload": {}, "salt": "0" * 30}) + b"\n",
         canon.dumps({"leaf": 1, "payload": None, "salt": ""}) + b"\n",
         canon.dumps({"leaf": "{}", "more": 1, "payload": None, "salt": ""}) + b"\n"],
    )  # fmt: skip
    def test_what_is_no_line(self, data: bytes) -> None:
        with pytest.raises(Malformed):
            parse_line(data)

    def test_payload_and_salt_go_together(self) -> None:
        for payload, salt in ((None, bytes(16)), (b"{}", b""), (b"{}", bytes(15))):
            with pytest.raises(ValueError, match="together"):
                line(b"{}", payload, salt)
        assert parse_line(line(b"{}", b"{}", bytes(16))) == Entry(leaf=b"{}", payload=b"{}", salt=bytes(16))


class TestLeafDiff:
    """Sequences of letters stand for hashes."""

    def find(self, signed: str, ours: str) -> dict[str, tuple[int, ...]]:
        diff = LeafDiff()
        for index, got in enumerate(ours):
            expected = signed[index : index + 1].encode()
            diff.see(index=index, expected=expected, got=got.encode())
        for rest in signed[len(ours) :]:
            diff.rest(rest.encode())
        found = diff.finish()
        return {name: value for name in found.__slots__ if (value := getattr(found, name))}

    @pytest.mark.parametrize(
        ("signed", "ours", "found"),
        [
            ("abcdef", "abcdef", {}),
            ("abcdef", "abXdef", {"edited": (2,)}),
            ("abcdef", "aXcdYf", {"edited": (1, 4)}),
            ("abcdef", "abdef", {"deleted": (2,)}),
            ("abcdef", "bcdef", {"deleted": (0,)}),
            ("abcdef", "acef", {"deleted": (1, 3)}),
            ("abcdef", "abXcdef", {"added": (2,)}),
            ("abcdef", "Xabcdef", {"added": (0,)}),
            ("abcdef", "abcdefX", {"added": (6,)}),
            ("abcdef", "aabcdef", {"added": (1,)}),
            ("abcdef", "abdcef", {"moved": (2,)}),
            ("abcdef", "fbcdea", {"moved": (0,)}),
            ("abcdef", "bcdefa", {"moved": (0,)}),
            ("abcdef", "abcd", {"cut": (4,)}),
            ("abcdef", "", {"cut": (0,)}),
            ("abcdef", "Xbdcef", {"edited": (0,), "moved": (2,)}),
            ("abcdef", "Xbcd", {"edited": (0,), "cut": (4,)}),
        ],
    )
    def test_differences(self, signed: str, ours: str, found: dict[str, tuple[int, ...]]) -> None:
        assert self.find(signed, ours) == found

    def test_memory_is_bounded(self) -> None:
        diff = LeafDiff()
        for index in range(WAITING_MAX):
            diff.see(index=index, expected=b"s%d" % index, got=b"o%d" % index)
        assert len(diff._missing) + len(diff._extra) <= WAITING_MAX  # noqa: SLF001
        assert not any(getattr(diff.finish(), name) for name in ("edited", "deleted", "added", "moved", "cut"))


def outcome(data: bytes, *, quick: bool) -> Entry | None:
    try:
        return parse_line(data) if quick else ledgerexport.parse_by_members(data)
    except Malformed:
        return None


PAYLOADS = (
    b'{"a":"x,","b":true,"count":-12}', b'{"b":1,"a":2}', b'{"a":1,"a":2}', b'{"a":-0}', b'{"a":01}', b'{"a":0}',
    b'{"a":9007199254740991}', b'{"a":9007199254740992}', b'{"a":"{","b":",","c":null}', b'{"a":1.0}',
    b'{"a_b":1,"a":2}',
)  # fmt: skip
EDITS = (b"", b'"', b"\\", b'\\"', b",", b"{", b"}", b"[", b"null", b" ", b"\x00", b"\n", b"0", "虎".encode(), b"\xff")


def test_a_line_read_quickly_is_the_line_read_by_its_members() -> None:
    draw = random.Random(11)
    deep = canon.dumps({"leaf": "x", "payload": {}, "salt": "0" * 32})
    lines = [
        *ROWS,
        *OTHER,
        line(b"{}", None, b""),
        line('{"虎":"\\n"}'.encode(), b'{"a":"\\u0000"}', bytes(16)),
        deep + b"\n",
    ]
    lines += [deep.replace(b"{}", b'{"a":' + b"[" * depth + b"]" * depth + b"}") + b"\n" for depth in (28, 29, 30, 31)]
    flat = deep.replace(b"{}", b"%s") + b"\n"
    lines += [flat % payload for payload in PAYLOADS]
    seen = 0
    for data in lines:
        assert outcome(data, quick=True) == outcome(data, quick=False)
        for _ in range(400):
            at = draw.randrange(len(data))
            edited = data[:at] + draw.choice(EDITS) + data[at + draw.randrange(3) :]
            found = outcome(edited, quick=True)
            assert found == outcome(edited, quick=False), edited
            seen += found is not None
    assert seen > 50, "some edits are other lines, not flaws"
