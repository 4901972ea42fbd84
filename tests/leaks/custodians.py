"""The walk's custodians: a fourth company moves its root key and deals it in shares, by every command about custody.

What opens a keeper, a holder's key or an opening is a canary, and so is each share. Not a test itself.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.contract.keepers.stands import running
from tests.leaks.walk import Walk
from tests.stories import town as towns
from tests.stories.town import Firm

from tigertally.base.ids import base32

TOKEN = "invented-token"
OPENING = "Opening-Canary-Passphrase-3371"
HOLDER = "Holder-Canary-Passphrase-8825"


def secrets() -> frozenset[str]:
    """What is typed and nobody may keep."""
    return frozenset([TOKEN, OPENING, HOLDER])


def hold(walk: Walk) -> None:
    """Every command about custody, right and wrong."""
    drawer = walk.base / "custodians"
    drawer.mkdir()
    files = {name: drawer / f"{name}.txt" for name in ("token", "opening", "holder")}
    for name, word in (("token", TOKEN), ("opening", OPENING), ("holder", HOLDER)):
        files[name].write_text(word + "\n")
    firm = towns.settle(walk.town.root / "fourth", staff={"hao": "lead", "shi": "officer"})
    opened = Firm(home=firm.home, unlock=files["opening"], totp=firm.totp)
    with running("transit_server") as server:
        at = Firm(home=firm.home, unlock=files["token"], totp=firm.totp)
        words = ["custody", "move", "--to", "transit", "--with", f"address=http://127.0.0.1:{server.port}"]
        words += ["--with", "key=root", "--new-unlock-file", str(files["token"])]
        walk.wrong(firm, *words, who="shi")
        server.set(lie="echo")
        begun = walk.town.tell(firm, *words, who="hao")
        walk.town.do(firm, "approve", str(begun.problem["approval"]), who="shi")
        walk.wrong(firm, *words, who="hao")
        server.set()
        walk.town.two(firm, *words, who="hao", second="shi")
        walk.must(at, "custody", "show")
        for how in ({"mode": "garbage"}, {"mode": "drop"}, {"revoked": True}, {"lie": "short"}, {"lie": "other"}):
            server.set(**how)
            walk.wrong(at, "custody", "show")
        server.set()
        _deal(walk, at, opened, drawer)
    shares = [path.read_text().strip() for path in drawer.rglob("*.share")]
    assert len(shares) == 3
    shutil.rmtree(drawer)
    for path in walk.base.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert not any(share.encode() in data for share in shares), path
    said = "".join(answer.out + answer.err for answer in [*walk.said, *walk.town.told])
    assert not any(share in said for share in shares)


def back_up(walk: Walk) -> None:
    """Back the seller up, and restore that; right and wrong."""
    drawer, firm, root = walk.base / "backup-drawer", walk.town.seller, walk.town.root
    drawer.mkdir()
    (drawer / "holder.txt").write_text(HOLDER + "\n")
    word: list[str | Path] = ["--key-passphrase-file", drawer / "holder.txt"]
    walk.must(None, "custody", "holder", "backup", "--out", drawer / "key", *word)
    to = ("--to", drawer / "key" / "holder.json")
    walk.must(firm, "backup", "make", root / "backup", *to, who="chen")
    walk.wrong(firm, "backup", "make", root / "backup", *to, who="chen")
    with closing(sqlite3.connect(firm.home / "tigertally.db")) as database:
        (raw,) = database.execute("SELECT max(subject) FROM vault_record").fetchone()
    whom = "sub_" + base32(raw)
    over = ("--subject", whom, "--storage-only")
    walk.must(firm, "hold", "place", *over, "--reason", "pipl-47", who="wang")
    walk.must(firm, "hold", "list")
    walk.wrong(firm, "hold", "place", *over, "--reason", "again", who="wang")
    walk.town.two(firm, "hold", "lift", *over, who="wang", second="chen")
    walk.must(firm, "hold", "place", "--reason", "court", who="wang")
    walk.wrong(firm, "erase", whom, who="chen")
    walk.town.two(firm, "hold", "lift", who="wang", second="chen")
    walk.town.two(firm, "erase", whom, who="chen", second="wang")
    walk.must(firm, "backup", "erasures", "--out", root / "erasures.json", who="chen")
    new = Firm(home=root / "restored", unlock=firm.unlock, totp=firm.totp)
    words = ["restore", root / "backup", "--key", drawer / "key" / "holder.key", *word]
    words += ["--trust", firm.home / "party.json"]
    walk.wrong(new, *words, "--nothing-kept")
    walk.wrong(new, *words, "--root-key", firm.home / "root.key")
    walk.must(
        new,
        *words,
        "--root-key",
        firm.home / "root.key",
        "--mark",
        firm.home / "ledger.mark",
        "--bring-forward",
        "--erasures",
        root / "erasures.json",
    )
    shutil.rmtree(drawer)


def _deal(walk: Walk, at: Firm, opened: Firm, drawer: Path) -> None:
    key: list[str | Path] = ["--key-passphrase-file", drawer / "holder.txt"]
    for who in ("an", "bo"):
        walk.must(None, "custody", "holder", who, "--out", drawer / who, *key)
    holders = ["--holder", f"ours:an={drawer / 'an' / 'holder.json'}", "--holder", "theirs:bo"]
    split: list[str | Path] = ["custody", "split", "--need", "2", "--group", "ours:1", "--group", "theirs:1", *holders]
    dealt = drawer / "dealt"
    walk.town.two(at, *split, "--out", dealt, who="hao", second="shi")
    an: list[str | Path] = ["--key", drawer / "an" / "holder.key", *key]
    walk.must(None, "custody", "unseal", dealt / "ours-1.sealed.json", *an, "--out", drawer / "an.share")
    walk.wrong(None, "custody", "unseal", dealt / "ours-1.sealed.json", *an, "--out", drawer / "an.share")
    ours: list[str | Path] = ["--share", drawer / "an.share"]
    theirs: list[str | Path] = ["--share", dealt / "theirs-1.share"]
    whole, card = dealt / "shares.json", at.home / "party.json"
    walk.must(None, "custody", "check", whole, *ours)
    walk.wrong(None, "custody", "check", whole, "--words", *ours)
    walk.must(None, "custody", "sheet", whole, *theirs, "--out", drawer / "bo.html")
    walk.must(None, "custody", "prove", whole, *ours, "--out", drawer / "an.proof.json")
    walk.wrong(opened, "custody", "open", *ours, who="hao")
    walk.must(opened, "custody", "open", *ours, *theirs, who="hao")
    walk.must(opened, "custody", "proofs", drawer / "an.proof.json", who="hao")
    plan = drawer / "plan.json"
    groups = ["--need", "1", "--group", "theirs:1", "--holder", f"theirs:bo={drawer / 'bo' / 'holder.json'}"]
    words: list[str | Path] = ["custody", "reshare", "plan", "--from", "1.1", "--from", "2.1", *groups, "--out", plan]
    walk.town.two(opened, *words, who="hao", second="shi")
    dealings = [drawer / "an.dealing.json", drawer / "bo.dealing.json"]
    for share, out in zip((ours, theirs), dealings, strict=True):
        walk.must(None, "custody", "give", plan, whole, *share, "--trust", card, "--out", out)
    bo: list[str | Path] = ["--key", drawer / "bo" / "holder.key", *key, "--trust", card]
    take = ["custody", "take", plan, whole, *dealings, "--seat", "1.1", *bo, "--out", drawer / "new.share"]
    walk.must(None, *take)
    finish: list[str | Path] = ["custody", "reshare", "finish", plan, *dealings, "--out", drawer / "next.json"]
    walk.town.two(opened, *finish, who="hao", second="shi")
    walk.must(opened, "custody", "close", who="hao")
    walk.wrong(opened, "custody", "open", *ours, *theirs, who="hao")
    walk.must(opened, "custody", "open", "--share", drawer / "new.share", who="hao")
