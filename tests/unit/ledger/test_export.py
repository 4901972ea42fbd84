"""An export is verified without us, and one that was tampered with is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from tigertally.base.ids import PartyId, new_id
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.sign import SigningKey
from tigertally.formats import ledgerexport
from tigertally.formats import party as parties
from tigertally.formats import statement as statements
from tigertally.formats.ledgerexport import FlawKind, History
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Statement
from tigertally.ledger import Event, Ledger, checkpoints, export, sql
from tigertally.ledger.entries import PAYLOAD_ERASED
from tigertally.ledger.errors import LedgerBroken

from .conftest import HIDDEN, Book, made, new_keys

SECRET = "onlyforus"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An export of 300 entries with an older checkpoint at 100."""

    book: Book
    card: Statement
    old: bytes
    folder: Path


@pytest.fixture
def card(book: Book) -> Statement:
    """The owner's card."""
    key = SigningKey.generate()
    made_card = PartyCard(
        party=PartyId(new_id("pty")),
        name="Yunshan Youxuan (fictional)",
        signing=key.public,
        transfer=TransferKey.generate().public,
        log=book.ledger.keys.verifier,
        created=book.now,
    )
    return made_card.sign(key)


@pytest.fixture
def exported(book: Book, card: Statement, tmp_path: Path) -> Exported:
    """Written from the store."""
    book.fill(100)
    with book.writing() as tx:
        old = checkpoints.sign_head(tx, book.ledger, now=book.now)
    book.clock.advance(5)
    book.fill(198)
    subject = new_id("sub")
    with book.writing() as tx:
        book.ledger.append(tx, Event(kind=HIDDEN, payload={"thing": SECRET}), now=book.now)
        book.ledger.append(tx, made(1, about=(subject,)), now=book.now)
        assert book.ledger.erase_payloads(tx, subject, now=book.now) == 1
        note = checkpoints.sign_head(tx, book.ledger, now=book.now)
    book.fill(20)  # after the checkpoint: not in the export
    folder = tmp_path / "out" / "ledger"
    with book.reading() as tx:
        assert export.write(tx, book.ledger, card=card, note=note, folder=folder) == 301
    return Exported(book=book, card=card, old=old, folder=folder)


def verify(exported: Exported, *remembered: bytes) -> ledgerexport.ExportReport:
    return ledgerexport.verify_export(exported.folder, exported.book.ledger.keys.verifier, remembered=remembered)


def test_what_was_written_verifies_and_holds_nothing_private(exported: Exported) -> None:
    report = verify(exported, exported.old)
    assert report.ok
    assert (report.entries, report.withheld, report.histories) == (301, 2, (History.CONSISTENT,))
    lines = (exported.folder / ledgerexport.ENTRIES_NAME).read_bytes()
    assert SECRET.encode() not in lines
    assert PAYLOAD_ERASED.name.encode() in lines, "what was erased is said"
    assert sorted(path.name for path in exported.folder.iterdir()) == [
        "checkpoint",
        "entries.jsonl",
        "hashes",
        "party.json",
    ]
    found = parties.read(statements.parse((exported.folder / ledgerexport.PARTY_NAME).read_bytes()))
    assert found.log == exported.book.ledger.keys.verifier


def test_another_logs_checkpoint_is_not_consistent(exported: Exported) -> None:
    exported.book.tamper(*(delete(table) for table in (sql.entry, sql.payload, sql.about, sql.tile, sql.head)))
    with exported.book.writing() as tx:
        tx.execute(delete(sql.checkpoint))
    exported.book.fill(100)
    with exported.book.writing() as tx:
        other = checkpoints.sign_head(tx, exported.book.ledger, now=exported.book.now)
    assert verify(exported, other).histories == (History.SPLIT_VIEW,)


def edit(lines: list[bytes]) -> None:
    lines[7] = lines[7].replace(b"2026-03-02", b"2026-03-01")


def edit_payload(lines: list[bytes]) -> None:
    lines[7] = lines[7].replace(b'"count":7', b'"count":8')


def drop(lines: list[bytes]) -> None:
    del lines[7]


def swap(lines: list[bytes]) -> None:
    lines[7], lines[40] = lines[40], lines[7]


def cut(lines: list[bytes]) -> None:
    del lines[250:]


def repeat(lines: list[bytes]) -> None:
    lines.insert(8, lines[7])


@pytest.mark.parametrize(
    ("tampering", "flaw"),
    [
        (edit, (FlawKind.EDITED, 7)),
        (edit_payload, (FlawKind.VALUE_EDITED, 7)),
        (drop, (FlawKind.DELETED, 7)),
        (swap, (FlawKind.REORDERED, 7)),
        (cut, (FlawKind.TRUNCATED, 250)),
        (repeat, (FlawKind.ADDED, 8)),
    ],
)
def test_a_tampered_export_is_named(
    exported: Exported, tampering: Callable[[list[bytes]], None], flaw: tuple[FlawKind, int]
) -> None:
    path = exported.folder / ledgerexport.ENTRIES_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    tampering(lines)
    path.write_bytes(b"".join(lines))
    report = verify(exported)
    assert not report.ok
    assert flaw in report.flaws


def test_nothing_is_exported_twice_into_one_folder(exported: Exported) -> None:
    with exported.book.reading() as tx, pytest.raises(FileExistsError):
        export.write(tx, exported.book.ledger, card=exported.card, note=exported.old, folder=exported.folder)


def test_a_half_export_is_begun_anew(exported: Exported, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    half = tmp_path / "second.partial"
    half.mkdir()
    (half / ledgerexport.ENTRIES_NAME).write_bytes(b"half a line")
    with exported.book.reading() as tx:
        assert export.write(tx, exported.book.ledger, card=exported.card, note=exported.old, folder=folder) == 100
    assert not half.exists()
    assert verify(dataclasses.replace(exported, folder=folder)).ok


def test_a_private_payload_does_not_leave_by_an_edited_column(exported: Exported, tmp_path: Path) -> None:
    """The column beside the leaf is anybody's; the leaf is sealed to the payload."""
    public = sql.entry.update().where(sql.entry.c.kind == HIDDEN.name).values(kind="test.thing.made")
    exported.book.tamper(public)
    folder = tmp_path / "second"
    with exported.book.writing() as tx:
        note = checkpoints.sign_head(tx, exported.book.ledger, now=exported.book.now)
        export.write(tx, exported.book.ledger, card=exported.card, note=note, folder=folder)
    assert SECRET.encode() not in (folder / ledgerexport.ENTRIES_NAME).read_bytes()


@pytest.mark.parametrize("how", ["payload", "leaf", "gap", "keys"])
def test_a_broken_ledger_is_not_exported(exported: Exported, tmp_path: Path, how: str) -> None:
    ledger = exported.book.ledger
    at = sql.entry.c.idx == 5
    if how == "payload":
        exported.book.tamper(update(sql.payload).where(sql.payload.c.idx == 5).values(sealed=b"x" * 60))
    elif how == "leaf":
        exported.book.tamper(update(sql.entry).where(at).values(leaf=b"{}"))
    elif how == "gap":
        exported.book.tamper(delete(sql.entry).where(at))
    else:
        ledger = Ledger(new_keys())
    with exported.book.reading() as tx, pytest.raises(LedgerBroken):
        export.write(tx, ledger, card=exported.card, note=exported.old, folder=tmp_path / "second")
    assert not (tmp_path / "second").exists()
