"""Backup and restore as their users meet them: nothing erased comes back, and no backup holds the root key."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.stories import town as towns
from tests.stories.town import Answer, Firm, Town

from tigertally import vault
from tigertally.base import canon
from tigertally.base.clock import SystemClock
from tigertally.base.ids import base32
from tigertally.formats import statement
from tigertally.formats.verify import verify_path
from tigertally.formats.verify.trust import read_trust

SCOPE = "main"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A sealed installation with a backup of it, taken before three customers were erased, and a list from after."""
    town = towns.found_town(tmp_path_factory.mktemp("backup") / "town")
    towns.fill(town, customers=100)
    towns.seal(town)
    (town.root / "word.txt").write_text("long-and-invented-backup-word\n")
    word = ("--key-passphrase-file", town.root / "word.txt")
    town.do(None, "custody", "holder", "backup", "--out", town.root / "keys", *word)
    shutil.copy(town.seller.home / "party.json", town.root / "card.json")
    back_up(town, "before")
    list_erasures(town, "early.json")
    with town.seller.house() as house, house.store.transaction() as tx:
        names = subjects(town)[:3]
        for name in names:
            vault.erase_subject(tx, house.ledger, scope=SCOPE, subject=name, actor="", now=house.clock.now())
    town.ids["erased"] = " ".join(names)
    list_erasures(town, "late.json")
    note = town.do(town.seller, "ledger", "checkpoint").text("checkpoint")
    (town.root / "late.checkpoint").write_text(note)
    back_up(town, "after")
    shutil.copy(town.seller.home / "ledger.mark", town.root / "late.mark")
    return town


def back_up(town: Town, name: str) -> Answer:
    """Make a backup."""
    return town.do(
        town.seller, "backup", "make", town.root / name, "--to", town.root / "keys" / "holder.json", who="chen"
    )


def list_erasures(town: Town, name: str) -> None:
    """Write the list of erasures."""
    town.do(town.seller, "backup", "erasures", "--out", town.root / name, who="chen")


def subjects(town: Town, home: Path | None = None) -> list[str]:
    """The subjects that an installation holds."""
    with closing(sqlite3.connect((home or town.seller.home) / "tigertally.db")) as database:
        raws = [raw for (raw,) in database.execute("SELECT subject FROM vault_record ORDER BY subject")]
    return ["sub_" + base32(raw) for raw in raws]


def restore(town: Town, backup: str, home: Path, *words: str | Path) -> Answer:
    """Restore into ``home``."""
    new = Firm(home=home, unlock=town.seller.unlock, totp=town.seller.totp)
    key = ("--key", town.root / "keys" / "holder.key", "--key-passphrase-file", town.root / "word.txt")
    root_key = ("--root-key", town.seller.home / "root.key")
    return town.tell(new, "restore", town.root / backup, *key, "--trust", town.root / "card.json", *root_key, *words)


def test_a_backup_holds_neither_the_root_key_nor_a_readable_database(made: Town) -> None:
    kept = (made.root / "after" / "database.env").read_bytes()
    assert sorted(path.name for path in (made.root / "after").iterdir()) == ["backup.json", "database.env"]
    assert b"SQLite format 3" not in kept
    assert (made.seller.home / "root.key").read_bytes() not in kept
    trust = read_trust([made.root / "card.json"])
    for paper in (made.root / "after" / "backup.json", made.root / "late.json"):
        assert verify_path(paper, trust, now=SystemClock().now()).ok


def test_the_newest_backup_comes_back_whole(made: Town, tmp_path: Path) -> None:
    home = tmp_path / "new"
    done = restore(made, "after", home, "--erasures", made.root / "late.json")
    assert done.exit == 0, done.err
    assert subjects(made, home) == subjects(made)
    new = Firm(home=home, unlock=made.seller.unlock, totp=made.seller.totp)
    assert made.tell(new, "fsck").exit == 0


@pytest.mark.parametrize("evidence", [("--mark", "late.mark"), ("--checkpoint", "late.checkpoint")])
def test_an_older_ledger_is_refused(made: Town, tmp_path: Path, evidence: tuple[str, str]) -> None:
    words = (evidence[0], made.root / evidence[1])
    for more in ((), ("--erasures", made.root / "early.json", "--bring-forward")):
        refused = restore(made, "before", tmp_path / "new", *words, *more)
        assert (refused.exit, refused.problem["code"]) == (5, "app.older_than_seen")
    assert list(tmp_path.iterdir()) == []


def test_erased_customers_are_not_resurrected_but_erased_again(made: Town, tmp_path: Path) -> None:
    home = tmp_path / "new"
    words = ("--erasures", made.root / "late.json")
    refused = restore(made, "before", home, *words)
    assert (refused.exit, refused.problem["code"]) == (5, "app.would_resurrect")
    assert "3 customers" in str(refused.problem["title"])
    assert list(tmp_path.iterdir()) == []
    done = restore(made, "before", home, *words, "--bring-forward")
    assert done.exit == 0, done.err
    assert done.data["subjects"] == 3
    assert set(made.ids["erased"].split()).isdisjoint(subjects(made, home))
    assert subjects(made, home) == subjects(made)
    new = Firm(home=home, unlock=made.seller.unlock, totp=made.seller.totp)
    assert made.tell(new, "fsck").exit == 0


def test_without_evidence_it_must_be_said(made: Town, tmp_path: Path) -> None:
    home = tmp_path / "new"
    refused = restore(made, "before", home)
    assert (refused.exit, refused.problem["code"]) == (5, "app.seen_nothing")
    assert restore(made, "before", home, "--nothing-kept").exit == 0


def test_what_was_altered_is_refused_and_leaves_nothing(made: Town, tmp_path: Path) -> None:
    for name in ("database.env", "backup.json"):
        folder = made.root / f"altered-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made.root / "after", folder)
        raw = bytearray((folder / name).read_bytes())
        raw[len(raw) // 2] ^= 1
        (folder / name).write_bytes(raw)
        refused = restore(made, folder.name, tmp_path / "new", "--erasures", made.root / "late.json")
        assert refused.exit in {2, 7}, refused.out
        assert list(tmp_path.iterdir()) == []


def test_evidence_of_another_history_and_of_others_is_refused(made: Town, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    mark.write_bytes(b'{"root":"' + b"A" * 43 + b'=","size":5}')
    refused = restore(made, "after", tmp_path / "new", "--mark", mark)
    assert (refused.exit, refused.problem["code"]) == (7, "app.other_history")
    paper = statement.parse((made.root / "late.json").read_bytes())
    with made.buyer.house() as house:
        forged = statement.make(paper.kind, canon.loads(paper.payload), house.signing)
    (tmp_path / "forged.json").write_bytes(forged.to_bytes())
    refused = restore(made, "after", tmp_path / "new", "--erasures", tmp_path / "forged.json")
    assert (refused.exit, refused.problem["code"]) == (7, "formats.not_signed")


def test_a_taken_place_and_a_missing_root_key_are_refused(made: Town, tmp_path: Path) -> None:
    refused = restore(made, "after", made.seller.home, "--nothing-kept")
    assert (refused.exit, refused.problem["code"]) == (5, "app.installation_exists")
    key = ("--key", made.root / "keys" / "holder.key", "--key-passphrase-file", made.root / "word.txt")
    new = Firm(home=tmp_path / "new", unlock=made.seller.unlock, totp={})
    card = ("--trust", made.root / "card.json")
    refused = made.tell(new, "restore", made.root / "after", *key, *card, "--nothing-kept")
    assert (refused.exit, refused.problem["code"]) == (4, "app.no_root_key")
