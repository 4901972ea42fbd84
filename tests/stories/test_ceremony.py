"""The ceremony as its people meet it: shares of the root key for seller, buyer and escrow, by commands."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.stories import town as towns
from tests.stories.town import Firm, Town

PEOPLE = ("sun", "notary", "zhou")
SPLIT = ["--need", "2", "--group", "seller:1", "--group", "buyer:1", "--group", "escrow:1"]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation whose root key was dealt to seller (paper), buyer and escrow (keys); custody is closed."""
    base = tmp_path_factory.mktemp("ceremony")
    firm = towns.settle(base / "seller", staff={"chen": "lead", "wang": "officer", "zhao": "operator"})
    (base / "totp.txt").write_text("\n".join(f"{who} {code}" for who, code in firm.totp.items()))
    town = Town(root=base, seller=firm, buyer=firm)
    (base / "holder.txt").write_text("an invented passphrase of a holder\n")
    for who in PEOPLE:
        words: list[str | Path] = [
            "custody",
            "holder",
            who,
            "--out",
            base / who,
            "--key-passphrase-file",
            base / "holder.txt",
        ]
        town.do(None, *words)
    deal = town.do(firm, "deal", "open", "--title", "Invented", "--structure", "D2", who="chen").text("deal")
    (base / "deal.txt").write_text(deal)
    holders: list[str | Path] = ["--holder", "seller:chen", "--holder", f"buyer:sun={base / 'sun' / 'holder.json'}"]
    holders += ["--holder", f"escrow:notary={base / 'notary' / 'holder.json'}"]
    rest: list[str | Path] = ["--deal", deal, "--rule", "S7:buyer", "--out", base / "dealt"]
    made = town.two(firm, "custody", "split", *SPLIT, *holders, *rest, who="chen", second="wang")
    assert made.data["holders"] == ["seller 1 (chen)", "buyer 1 (sun)", "escrow 1 (notary)"]
    for who, name in (("sun", "buyer-1"), ("notary", "escrow-1")):
        unseal(town, who, base / "dealt" / f"{name}.sealed.json", base / f"{name}.share")
    (base / "opening.txt").write_text("an invented passphrase of this opening\n")
    return base


def unseal(town: Town, who: str, sealed: Path, out: Path) -> None:
    key: list[str | Path] = ["--key", town.root / who / "holder.key", "--key-passphrase-file", town.root / "holder.txt"]
    town.do(None, "custody", "unseal", sealed, *key, "--out", out)


@pytest.fixture
def town(begun: Path, tmp_path: Path) -> Town:
    """A copy of it; ``seller`` is opened by the passphrase of an opening."""
    root = tmp_path / "here"
    shutil.copytree(begun, root)
    totp = dict(line.split(" ") for line in (root / "totp.txt").read_text().splitlines())
    firm = Firm(home=root / "seller", unlock=root / "opening.txt", totp=totp)
    return Town(root=root, seller=firm, buyer=firm)


def share_of(town: Town, name: str) -> Path:
    return town.root / ("dealt/seller-1.share" if name == "seller" else f"{name}-1.share")


def given(town: Town, *names: str) -> list[str | Path]:
    return [word for name in names for word in ("--share", share_of(town, name))]


def test_closed_until_enough_holders_come(town: Town) -> None:
    closed = town.tell(town.seller, "keys", "list")
    assert (closed.exit, closed.problem["code"]) == (6, "vault.custody_closed")
    alone = town.tell(town.seller, "custody", "open", *given(town, "seller"), who="chen")
    assert (alone.exit, alone.problem["code"]) == (3, "vault.not_enough_shares")
    assert "buyer 0/1, escrow 0/1" in str(alone.problem["title"])
    opened = town.do(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    assert opened.data["holders"] == ["seller 1 (chen)", "buyer 1 (sun)"]
    assert town.do(town.seller, "custody", "show").data["keeper"] == {"kind": "shares"}
    town.do(town.seller, "fsck")
    log = town.do(town.seller, "ledger", "log", "-n", "8").out
    assert "vault.shares.dealt" in log
    assert "vault.custody.opened" in log
    town.do(town.seller, "custody", "close", who="chen")
    assert town.tell(town.seller, "keys", "list").problem["code"] == "vault.custody_closed"
    assert not (town.seller.home / "opened.key").exists()
    # The file that had the old root key opens nothing here.
    assert town.tell(town.seller, "custody", "open", *given(town, "escrow", "buyer"), who="zhao").exit == 3
    town.do(town.seller, "custody", "open", *given(town, "escrow", "buyer"), who="chen")


def test_a_share_typed_wrong_is_named_by_word(town: Town) -> None:
    sheet = town.root / "seller.html"
    town.do(None, "custody", "sheet", town.root / "dealt" / "shares.json", *given(town, "seller"), "--out", sheet)
    page = sheet.read_text()
    rows = page.split("<table>")[1].split("</table>")[0]
    words = [cell.split("</i>")[1].split("<")[0] for cell in rows.split("<td>")[1:]]
    assert len(words) == 52
    assert "<svg" in page
    assert "seller 1" in page
    typed = town.root / "typed.txt"
    set_file = town.root / "dealt" / "shares.json"
    for line, code, exit_code in (
        (words, "", 0),
        ([*words[:6], "baba" if words[6] != "baba" else "zuzu", *words[7:]], "formats.wrong_words", 2),
        ([*words[:6], "tiger", *words[7:]], "formats.wrong_word", 2),
        (words[:-1], "formats.wrong_word_count", 2),
    ):
        typed.write_text(" ".join(line) + "\n")
        answer = town.tell(None, "custody", "check", set_file, "--words", "--share", typed)
        assert answer.exit == exit_code, answer.err
        if code:
            assert answer.problem["code"] == code
        if code in ("formats.wrong_words", "formats.wrong_word"):
            assert "7" in str(answer.problem["title"])


def test_holders_prove_what_they_hold_and_who_does_not_is_listed(town: Town) -> None:
    set_file = town.root / "dealt" / "shares.json"
    proofs = []
    for name in ("seller", "escrow"):
        proofs.append(town.root / f"{name}.proof.json")
        town.do(None, "custody", "prove", set_file, *given(town, name), "--out", proofs[-1])
    town.do(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    found = town.do(town.seller, "custody", "proofs", *proofs, who="chen").data["items"]
    assert isinstance(found, list)
    assert [one["proved"] for one in found if isinstance(one, dict)] == [True, False, True]
    forged = json.loads(proofs[0].read_text()) | {"group": 2}
    proofs[0].write_text(json.dumps(forged, separators=(",", ":"), sort_keys=True))
    again = town.do(town.seller, "custody", "proofs", *proofs, who="chen").data["items"]
    assert isinstance(again, list)
    assert [one["proved"] for one in again if isinstance(one, dict)] == [False, False, True]


def test_a_cards_fingerprint_is_told_before_anything_is_sealed(town: Town) -> None:
    town.do(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    word = town.root / "holder.txt"
    made = town.do(None, "custody", "holder", "li", "--out", town.root / "li", "--key-passphrase-file", word)
    holders = ["--holder", "seller:chen", "--holder", f"buyer:li={made.text('card')}", "--holder", "escrow:notary"]
    out = town.root / "not-yet"
    for lang in ("en", "zh"):
        words: list[str | Path] = ["custody", "split", *SPLIT, *holders, "--out", out]
        asked = town.tell(town.seller, *words, who="chen", lang=lang, as_json=False)
        assert asked.exit == 3
        assert made.text("fingerprint") in " ".join(asked.err.split())
    assert not out.exists()


def test_a_set_that_somebody_edited_opens_nothing(town: Town) -> None:
    place = town.seller.home / "shares.json"
    paper = json.loads(place.read_text())
    paper["signatures"][0]["sig"] = paper["signatures"][0]["sig"][:-8] + "AAAAAAA="
    place.write_text(json.dumps(paper, separators=(",", ":"), sort_keys=True))
    answer = town.tell(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    assert answer.problem["code"] == "crypto.signature_invalid"


def test_a_share_of_another_ceremony_is_named(town: Town, tmp_path: Path) -> None:
    town.do(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    holders: list[str | Path] = ["--holder", "seller:chen", "--holder", "buyer:sun", "--holder", "escrow:notary"]
    words: list[str | Path] = ["custody", "split", *SPLIT, *holders, "--out", tmp_path / "again"]
    assert town.two(town.seller, *words, who="chen", second="wang").exit == 0
    mixed: list[str | Path] = ["--share", tmp_path / "again" / "seller-1.share", *given(town, "buyer")]
    answer = town.tell(town.seller, "custody", "open", *mixed, who="chen")
    assert answer.problem["code"] == "formats.other_share"
    assert "another ceremony" in str(answer.problem["title"])
    old = town.tell(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    assert old.problem["code"] == "formats.other_share"
    fresh: list[str | Path] = [
        "--share",
        tmp_path / "again" / "seller-1.share",
        "--share",
        tmp_path / "again" / "escrow-1.share",
    ]
    town.do(town.seller, "custody", "open", *fresh, who="chen")


def test_a_holder_is_replaced_and_the_secret_is_in_no_place(town: Town) -> None:
    root, card = town.root, town.seller.home / "party.json"
    town.do(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    # The seller leaves: buyer and escrow are to hold from now on, escrow by two persons.
    after: list[str | Path] = [
        "--need",
        "2",
        "--group",
        "buyer:1",
        "--group",
        "escrow:2",
        "--deal",
        (root / "deal.txt").read_text(),
    ]
    for group, who in (("buyer", "sun"), ("escrow", "notary"), ("escrow", "zhou")):
        after += ["--holder", f"{group}:{who}={root / who / 'holder.json'}"]
    plan, set_file = root / "plan.json", root / "dealt" / "shares.json"
    words: list[str | Path] = ["custody", "reshare", "plan", "--from", "1.1", "--from", "2.1", *after, "--out", plan]
    town.two(town.seller, *words, who="chen", second="wang")
    assert town.do(None, "verify", plan, "--trust", card).data["ok"] is True
    dealings = []
    for name in ("seller", "buyer"):
        dealings.append(root / f"{name}.dealing.json")
        words = [
            "custody",
            "give",
            plan,
            set_file,
            *given(town, name),
            "--trust",
            card,
            "--out",
            dealings[-1],
        ]
        town.do(None, *words)
    stranger: list[str | Path] = [
        "custody",
        "give",
        plan,
        set_file,
        *given(town, "escrow"),
        "--trust",
        card,
        "--out",
        root / "no.json",
    ]
    assert town.tell(None, *stranger).problem["code"] == "vault.not_of_this_plan"
    for seat, who in (("1.1", "sun"), ("2.1", "notary"), ("2.2", "zhou")):
        key: list[str | Path] = [
            "--key",
            root / who / "holder.key",
            "--key-passphrase-file",
            root / "holder.txt",
            "--trust",
            card,
        ]
        words = [
            "custody",
            "take",
            plan,
            set_file,
            *dealings,
            "--seat",
            seat,
            *key,
            "--out",
            root / f"new-{seat}.share",
        ]
        town.do(None, *words)
    spoiled = json.loads(dealings[1].read_text())
    spoiled["points"][0] = spoiled["points"][1]
    bad = root / "bad.json"
    bad.write_text(json.dumps(spoiled, separators=(",", ":"), sort_keys=True))
    finish: list[str | Path] = ["custody", "reshare", "finish", plan, dealings[0]]
    wrong = town.tell(town.seller, *finish, bad, "--out", root / "next.json", who="chen")
    assert wrong.problem["code"] == "vault.dealt_wrongly"
    assert "buyer 1 (sun)" in str(wrong.problem["title"])
    assert town.tell(town.seller, *finish, "--out", root / "next.json", who="chen").problem["code"] == (
        "vault.not_enough_shares"
    )
    done = town.two(town.seller, *finish, dealings[1], "--out", root / "next.json", who="chen", second="wang")
    assert done.data["epoch"] == 2
    town.do(town.seller, "custody", "close", who="chen")
    # As if the process had died after the commit and before the file had its name.
    shutil.move(town.seller.home / "shares.json", town.seller.home / "shares.next.json")
    shutil.copyfile(set_file, town.seller.home / "shares.json")
    # The old shares are told apart; the new ones open, and the data is where it was.
    old = town.tell(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    assert old.problem["code"] == "vault.old_share_set"
    new: list[str | Path] = [word for seat in ("1.1", "2.1", "2.2") for word in ("--share", root / f"new-{seat}.share")]
    assert town.tell(town.seller, "custody", "open", *new[:4], who="chen").problem["code"] == "vault.not_enough_shares"
    town.do(town.seller, "custody", "open", *new, who="chen")
    town.do(town.seller, "fsck")
    assert not (town.seller.home / "shares.next.json").exists()
    assert (town.seller.home / "shares.json").read_bytes() == (root / "next.json").read_bytes()
    late = town.tell(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    assert late.problem["code"] == "formats.other_share"
    assert "epoch 1" in str(late.problem["title"])
    # Both the old set, put back with its shares, and a dealing for another plan are refused.
    shutil.copyfile(set_file, town.seller.home / "shares.json")
    back = town.tell(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    assert back.problem["code"] == "vault.old_share_set"


def test_a_rule_for_the_deals_stage_is_kept(town: Town, tmp_path: Path) -> None:
    town.do(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    holders: list[str | Path] = ["--holder", "seller:chen", "--holder", "buyer:sun", "--holder", "escrow:notary"]
    rule: list[str | Path] = [
        "--rule",
        "S0:buyer",
        "--deal",
        (town.root / "deal.txt").read_text(),
        "--out",
        tmp_path / "ruled",
    ]
    town.two(town.seller, "custody", "split", *SPLIT, *holders, *rule, who="chen", second="wang")
    without: list[str | Path] = [
        "--share",
        tmp_path / "ruled" / "seller-1.share",
        "--share",
        tmp_path / "ruled" / "escrow-1.share",
    ]
    answer = town.tell(town.seller, "custody", "open", *without, who="chen")
    assert (answer.exit, answer.problem["code"]) == (3, "vault.rule_unmet")
    assert not (town.seller.home / "opened.key").exists()
    with_buyer: list[str | Path] = ["--share", tmp_path / "ruled" / "buyer-1.share", *without]
    town.do(town.seller, "custody", "open", *with_buyer, who="chen")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--need", "3", "--group", "a:1", "--holder", "a:x"], "crypto.bad_shares"),
        (["--need", "1", "--group", "a:2", "--holder", "a:x"], "crypto.bad_shares"),
        (["--need", "1", "--group", "a", "--holder", "a:x"], "cli.bad_draft"),
        (["--need", "1", "--group", "a:1", "--holder", "b:x"], "cli.bad_draft"),
        (["--need", "1", "--group", "a:1", "--holder", "a:x", "--rule", "S7:b"], "cli.bad_draft"),
        (["--need", "1", "--group", "a:1", "--holder", "a:x=none.json"], "app.not_readable"),
    ],
)
def test_a_ceremony_that_cannot_be_is_refused(town: Town, words: list[str], code: str) -> None:
    town.do(town.seller, "custody", "open", *given(town, "seller", "buyer"), who="chen")
    answer = town.tell(town.seller, "custody", "split", *words, "--out", town.root / "no", who="chen")
    assert (answer.exit, answer.problem["code"]) == (2, code)
    assert not (town.root / "no").exists()


def test_a_ceremony_that_died_before_the_settings_were_told_is_made_good(town: Town) -> None:
    place = town.seller.home / "tigertally.toml"
    told = place.read_text()
    place.write_text(told.replace("[keeper]", "[keeper_next]"))
    town.do(town.seller, "custody", "open", *given(town, "seller", "escrow"), who="chen")
    assert place.read_text() == told


def test_holders_are_notified_of_what_was_done_with_their_shares(town: Town) -> None:
    town.do(town.seller, "custody", "open", *given(town, "seller", "escrow"), who="chen")
    with closing(sqlite3.connect(town.seller.home / "tigertally.db")) as read:
        rows = read.execute("SELECT body FROM store_outbox WHERE kind = 'custody.notice' ORDER BY id").fetchall()
    said = [json.loads(body) for (body,) in rows]
    assert [(one["what"], one["holder"]) for one in said] == [
        (what, holder) for what in ("dealt", "opened") for holder in ("chen", "sun", "notary")
    ]
