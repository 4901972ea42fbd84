"""What we publish is read by another implementation of the C2SP documents (``c2sp_reader``), by HTTP and from disk."""

from __future__ import annotations

import functools
import http.client
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract import c2sp_reader as reader

from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.sign import NoteKey
from tigertally.formats import checkpoint as notes
from tigertally.formats import cosignature
from tigertally.formats.tiles import ENTRIES, Tile, bundle, new_tiles
from tigertally.ledger import Event, Ledger, LedgerKeys, checkpoints, publishing, register_event, sql
from tigertally.ledger.errors import LedgerBroken, NotThisLog
from tigertally.store import Store
from tigertally.testing.clock import SettableClock

MADE = register_event("contract.thing.made", Text("", ""), "number")
WITNESS = "counsel.example/w1"


def new_ledger() -> Ledger:
    return Ledger(
        LedgerKeys(
            pseudonym=KeyedDigest(new_key()),
            payload=Cipher(new_key()),
            note=NoteKey.generate(),
            origin="tigertally.invalid/contract",
        )
    )


def grow(store: Store, ledger: Ledger, clock: SettableClock, count: int) -> bytes:
    """Append and sign."""
    events = [Event(kind=MADE, payload={"number": number}) for number in range(count)]
    with store.transaction() as tx:
        ledger.append_many(tx, events, now=clock.now())
        return checkpoints.sign_head(tx, ledger, now=clock.now())


def publish(store: Store, ledger: Ledger, note: bytes, folder: Path) -> int:
    with store.reading() as tx:
        return publishing.publish(tx, ledger, note=note, folder=folder)


def keys_of(ledger: Ledger) -> list[reader.Key]:
    return [reader.key(vkey) for vkey in ledger.keys.verifier.vkeys()]


def from_disk(folder: Path) -> reader.Fetch:
    return lambda path: (folder / path).read_bytes()


@contextmanager
def served(folder: Path) -> Iterator[reader.Fetch]:
    """Serve a folder as any web server would."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def fetch(path: str) -> bytes:
            connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
            try:
                connection.request("GET", f"/{path}")
                answer = connection.getresponse()
                assert answer.status == 200, path
                return answer.read()
            finally:
                connection.close()

        try:
            yield fetch
        finally:
            server.shutdown()
            thread.join()


def test_another_reader_reads_what_is_published_as_it_grows(store: Store, clock: SettableClock, tmp_path: Path) -> None:
    ledger = new_ledger()
    size, note = 0, b""
    for more in (1, 254, 1, 1, 300, 212):
        note = grow(store, ledger, clock, more)
        size += more
        assert publish(store, ledger, note, tmp_path) == size
        log = reader.Log(from_disk(tmp_path), keys_of(ledger))
        assert (log.head.size, log.head.origin) == (size, ledger.keys.origin)
        assert len(log.head.signers) == 2
        log.check()
        with store.reading() as tx:
            leaves = sql.read_leaves(tx, start=0, stop=size)
            assert log.entries() == leaves
            for index in {0, size // 2, size - 1}:
                given = checkpoints.proof_of(tx, index=index)
                assert reader.proof(given.to_bytes(), leaves[index], keys_of(ledger)).size == size
                with pytest.raises(reader.Wrong):
                    reader.proof(given.to_bytes(), leaves[index] + b" ", keys_of(ledger))
    with served(tmp_path) as fetch:
        reader.Log(fetch, keys_of(ledger)).check()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    publish(store, ledger, note, tmp_path)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert [path.name for path in after if before[path] != after[path]] == ["checkpoint"], "tiles never change"


def test_another_reader_reads_cosignatures(store: Store, clock: SettableClock) -> None:
    ledger, key = new_ledger(), NoteKey.generate()
    note = grow(store, ledger, clock, 3)
    with store.transaction() as tx:
        signed = replace(notes.parse(note)[0])
        given = cosignature.cosign(signed, name=WITNESS, key=key, now=clock.now())
        whole = checkpoints.keep_cosigned(tx, ledger, note=note, more=given)
        assert checkpoints.last(tx) == whole
        proved = checkpoints.proof_of(tx, index=1)
    keys = [reader.key(str(vkey)) for vkey in cosignature.keys_of_witness(WITNESS, key)]
    head = reader.checkpoint(whole, [*keys_of(ledger), *keys])
    assert {f"{WITNESS} 4", f"{WITNESS} 6"} < head.signers
    assert len(reader.proof(proved.to_bytes(), proved.leaf, [*keys_of(ledger), *keys]).signers) == 4
    with pytest.raises(reader.Wrong):
        reader.checkpoint(whole.replace(b"\n3\n", b"\n4\n"), keys)


def test_what_another_log_published_is_left_alone(store: Store, clock: SettableClock, tmp_path: Path) -> None:
    ledger = new_ledger()
    note = grow(store, ledger, clock, 5)
    theirs = tmp_path / "theirs"
    (theirs).mkdir()
    strange = notes.sign(replace(notes.parse(note)[0], size=3), key=ledger.keys.note, now=clock.now())
    foreign = notes.sign(replace(notes.parse(note)[0]), key=NoteKey.generate(), now=clock.now())
    longer = notes.sign(replace(notes.parse(note)[0], size=9), key=ledger.keys.note, now=clock.now())
    for other in (strange, foreign, longer, b"nonsense"):
        (theirs / "checkpoint").write_bytes(other)
        with pytest.raises(NotThisLog):
            publish(store, ledger, note, theirs)
        assert [path.name for path in theirs.iterdir()] == ["checkpoint"]


def test_a_row_that_is_gone_is_not_published(store: Store, clock: SettableClock, tmp_path: Path) -> None:
    ledger = new_ledger()
    note = grow(store, ledger, clock, 300)
    with store.transaction() as tx:
        tx.execute(sql.entry.delete().where(sql.entry.c.idx == 270))
    with pytest.raises(LedgerBroken):
        publish(store, ledger, note, tmp_path)
    assert not (tmp_path / "checkpoint").exists()


def test_paths_are_the_documents() -> None:
    assert Tile(level=ENTRIES, index=1_234_067, width=256).path == "tile/entries/x001/x234/067"
    assert Tile(level=3, index=0, width=17).path == "tile/3/000.p/17"
    tiles = list(new_tiles(old=0, size=70_000))
    found = {(tile.level, tile.width): 0 for tile in tiles}
    for tile in tiles:
        found[tile.level, tile.width] += 1
    assert found == {
        (ENTRIES, 256): 273,
        (ENTRIES, 112): 1,
        (0, 256): 273,
        (0, 112): 1,
        (1, 256): 1,
        (1, 17): 1,
        (2, 1): 1,
    }
    assert [tile.width for tile in new_tiles(old=0, size=256)] == [256, 256, 1]
    assert list(new_tiles(old=9, size=9)) == []
    with pytest.raises(ValueError, match="65536"):
        bundle([bytes(65_536)])
