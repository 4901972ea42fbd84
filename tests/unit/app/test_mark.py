"""The mark in the installation's folder: it grows, it is held to, and what cannot be read is none."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tigertally.app import mark
from tigertally.app.errors import LedgerRolledBack
from tigertally.app.mark import Mark
from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.sign import NoteKey
from tigertally.ledger import Event, Ledger, LedgerKeys, register_event, tree
from tigertally.store import Store
from tigertally.testing.clock import SettableClock

MADE = register_event("mark.thing.made", Text("", ""), "number")


@pytest.fixture
def ledger(store: Store, clock: SettableClock) -> Ledger:
    """A ledger of ten entries."""
    keys = LedgerKeys(
        pseudonym=KeyedDigest(new_key()),
        payload=Cipher(new_key()),
        note=NoteKey.generate(),
        origin="tigertally.invalid/mark",
    )
    made = Ledger(keys)
    with store.transaction() as tx:
        made.append_many(tx, [Event(kind=MADE, payload={"number": at}) for at in range(10)], now=clock.now())
    return made


def test_it_grows_only(store: Store, ledger: Ledger, clock: SettableClock, tmp_path: Path) -> None:
    assert mark.read(tmp_path) is None
    with store.reading() as tx:
        mark.advance(tx, ledger, tmp_path)
        first = mark.read(tmp_path)
        assert first == Mark(size=10, root=tree.root(tx, size=10))
        mark.hold(tx, ledger, first)
    with store.transaction() as tx:
        ledger.append(tx, Event(kind=MADE, payload={"number": 10}), now=clock.now())
    with store.reading() as tx:
        mark.hold(tx, ledger, first)
        mark.advance(tx, ledger, tmp_path)
        second = mark.read(tmp_path)
        assert second is not None
        assert second.size == 11
        mark.write(tmp_path, Mark(size=99, root=bytes(32)))
        mark.advance(tx, ledger, tmp_path)
        assert mark.read(tmp_path) == Mark(size=99, root=bytes(32))


def test_a_shorter_ledger_and_another_history_are_noticed(store: Store, ledger: Ledger) -> None:
    with store.reading() as tx:
        root = tree.root(tx, size=10)
        for wrong in (Mark(size=11, root=root), Mark(size=10, root=bytes(32)), Mark(size=3, root=root)):
            with pytest.raises(LedgerRolledBack):
                mark.hold(tx, ledger, wrong)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"root":"AA==","size":"1"}', b'{"root":1,"size":1}'])
def test_what_cannot_be_read_is_no_mark(tmp_path: Path, data: bytes) -> None:
    (tmp_path / mark.MARK_NAME).write_bytes(data)
    assert mark.read(tmp_path) is None


def test_many_at_once_leave_a_whole_mark(tmp_path: Path) -> None:
    def work(size: int) -> None:
        for _ in range(20):
            mark.write(tmp_path, Mark(size=size, root=bytes(32)))

    threads = [threading.Thread(target=work, args=(size,)) for size in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = mark.read(tmp_path)
    assert found is not None
    assert [path.name for path in tmp_path.iterdir()] == [mark.MARK_NAME]


def test_a_folder_that_cannot_be_written_keeps_its_bound(store: Store, ledger: Ledger, tmp_path: Path) -> None:
    with store.reading() as tx:
        mark.advance(tx, ledger, tmp_path / "none")
    assert not (tmp_path / "none").exists()
