"""Two counsels witness a ledger, one by a server and one by files; then the seller goes back to an older database.

The installation's own mark notices first; without it, the witness does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.stories import town as towns
from tests.stories.town import Answer, Firm, Town

from tigertally.access import Action, Actor
from tigertally.app.verbs import cosigning
from tigertally.app.wire import House
from tigertally.base.clock import SystemClock
from tigertally.testing.clock import SettableClock

STAFF = {"chen": "lead", "wang": "officer"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """One company, its card, and two witnesses that know its ledger."""
    root = tmp_path_factory.mktemp("witness")
    seller = towns.settle(root / "seller", staff=STAFF)
    town = Town(root=root, seller=seller, buyer=seller)
    town.do(seller, "deal", "card", "--out", root / "seller-card.json")
    (root / "witness.txt").write_text("long-and-invented-witness\n")
    for name in ("counsel", "escrow"):
        made = run(town, "init", root / name, "--name", f"{name}.example/w1")
        town.ids[name], town.ids[f"{name}-pq"] = (str(vkey) for vkey in _list(made, "vkeys"))
        run(town, "trust", root / name, root / "seller-card.json")
    return town


def run(town: Town, *words: str | Path) -> Answer:
    return town.do(None, "witness", *words, "--unlock-file", town.root / "witness.txt")


def _list(answer: Answer, name: str) -> list[object]:
    found = answer.data[name]
    assert isinstance(found, list)
    return list(found)


@contextmanager
def serving(town: Town, name: str) -> Iterator[str]:
    """A witness as a process of its own; gives its address."""
    words = ["witness", "serve", str(town.root / name), "--port", "0", "--lang", "en"]
    words += ["--unlock-file", str(town.root / "witness.txt")]
    with subprocess.Popen([sys.executable, "-m", "tigertally.cli", *words], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()


def policy(town: Town, address: str, *, name: str = "deal.policy", quorum: str = "all counsel escrow") -> Path:
    path = town.root / name
    path.write_text(
        f"# who must have seen it\nwitness counsel {town.ids['counsel']} {address}\n"
        f"witness counsel-pq {town.ids['counsel-pq']} {address}\nwitness escrow {town.ids['escrow']}\n"
        f"group both {quorum}\nquorum both\n"
    )
    return path


def checks(answer: Answer) -> dict[int, str]:
    found = answer.data["checks"]
    assert isinstance(found, list)
    return {int(str(check["step"])): str(check["outcome"]) for check in found if isinstance(check, dict)}


def grow(town: Town, firm: Firm, times: int = 1) -> None:
    """Leave some entries."""
    for _ in range(times):
        town.do(firm, "ledger", "show", "0", who="chen")


def test_a_quorum_sees_the_ledger_and_the_ledger_going_back(town: Town) -> None:
    root, seller = town.root, town.seller
    with serving(town, "counsel") as address:
        wanted = policy(town, address)
        short = town.tell(seller, "ledger", "cosign", "--policy", wanted)
        assert (short.exit, short.data["witnesses"]) == (3, ["counsel", "counsel-pq"])
        assert (short.data["lacking"], short.data["failed"]) == (["escrow"], {})
        proof = root / "early.tlog-proof"
        shutil.copyfile(wanted, seller.home / "witnesses.policy")
        town.do(seller, "ledger", "prove", "1", "--out", proof, who="chen")
        card = ("--trust", root / "seller-card.json")
        assert town.tell(None, "verify", proof, *card).exit == 0
        failed = town.tell(None, "verify", proof, *card, "--trust", wanted)
        assert (failed.exit, checks(failed)[6]) == (7, "fails")
        assert "escrow" in failed.out

        town.do(seller, "ledger", "ask", "escrow", "--out", root / "request.txt")
        run(town, "cosign", root / "escrow", root / "request.txt", "--out", root / "answer.txt")
        town.tell(seller, "ledger", "cosign")
        taken = town.do(seller, "ledger", "take", root / "request.txt", root / "answer.txt")
        assert taken.data["quorum"] is True
        (root / "seen.checkpoint").write_text(taken.text("checkpoint"))
        town.do(None, "verify", root / "seen.checkpoint", *card, "--trust", wanted)
        town.do(seller, "ledger", "prove", "1", "--out", proof, who="chen")
        proved = town.do(None, "verify", proof, *card, "--trust", wanted)
        assert checks(proved)[6] == "holds"

        town.do(seller, "ledger", "publish", root / "public")
        assert (root / "public" / "checkpoint").read_text() == taken.text("checkpoint"), "what a quorum has seen"
        towns.keep(town, "then")
        grow(town, seller, 3)
        town.tell(seller, "ledger", "cosign")

        # Back to the older database, and another history from there on.
        shutil.copyfile(root.with_name(f"{root.name}-then") / "seller" / "tigertally.db", seller.home / "tigertally.db")
        for rest in ("-wal", "-shm"):
            (seller.home / f"tigertally.db{rest}").unlink(missing_ok=True)
        shut = town.tell(seller, "ledger", "cosign")
        assert (shut.exit, shut.problem["code"]) == (7, "app.ledger_rolled_back")
        assert town.tell(seller, "fsck").exit == 7
        (seller.home / "ledger.mark").unlink()
        assert town.tell(seller, "fsck", "--kept", root / "seen.checkpoint").exit == 0
        back = town.tell(seller, "ledger", "cosign")
        assert (back.exit, back.data["quorum"]) == (3, False)
        assert list(_dict(back, "failed").values()) == ["conflict"], "the witness has seen more"
        logged = town.do(seller, "ledger", "log")
        assert "app.mark.missing" in logged.out
        grow(town, seller, 9)
        other = town.tell(seller, "ledger", "cosign")
        assert list(_dict(other, "failed").values()) == ["proof"], "another history than the witness has seen"
        (evidence,) = (root / "counsel" / "evidence").iterdir()
        assert b"tigertally.invalid" in evidence.read_bytes()


def _dict(answer: Answer, name: str) -> dict[str, object]:
    found = answer.data[name]
    assert isinstance(found, dict)
    return dict(found)


def test_a_witness_that_is_not_there_fails_alone(town: Town) -> None:
    """Nobody listens at the address; the checkpoint is signed all the same."""
    gone = policy(town, "http://127.0.0.1:9/", name="gone.policy", quorum="any counsel escrow")
    answer = town.tell(town.seller, "ledger", "cosign", "--policy", gone)
    assert list(_dict(answer, "failed").values()) == ["no answer"]
    odd = policy(town, "ftp://127.0.0.1/", name="odd.policy")
    assert list(_dict(town.tell(town.seller, "ledger", "cosign", "--policy", odd), "failed").values()) == ["address"]


def test_what_a_witness_refuses(town: Town) -> None:
    root = town.root
    secret = ("--unlock-file", root / "witness.txt")
    (root / "bad.txt").write_text("old 0\n\nnothing\n")
    refused = town.tell(None, "witness", "cosign", root / "escrow", root / "bad.txt", "--out", root / "x", *secret)
    assert (refused.exit, refused.problem["code"]) == (5, "app.witness_refused")
    assert not (root / "x").exists()
    again = town.tell(None, "witness", "init", root / "escrow", "--name", "x", *secret)
    assert again.problem["code"] == "app.witness_exists"
    for name in ("a b", "a+b", "", "见证"):
        named = town.tell(None, "witness", "init", root / "new", "--name", name, *secret)
        assert named.problem["code"] == "app.bad_witness_name"
    assert not (root / "new").exists()
    (root / "wrong.txt").write_text("another passphrase\n")
    shut = town.tell(None, "witness", "show", root / "escrow", "--unlock-file", root / "wrong.txt")
    assert shut.problem["code"] == "formats.wrong_passphrase"
    assert town.tell(None, "witness", "show", root / "none", *secret).problem["code"] == "app.no_witness"
    assert run(town, "show", root / "escrow").data["vkeys"] == [town.ids["escrow"], town.ids["escrow-pq"]]


def deal_policy(town: Town, address: str) -> Path:
    """Both sides' witnesses, in the deal's own policy."""
    path = town.root / "both.policy"
    path.write_text(
        f"# two sides\nwitness counsel {town.ids['counsel']} {address}\nwitness escrow {town.ids['escrow']}\n"
        "group both all counsel escrow\nquorum both\n"
    )
    return path


def test_a_deal_has_its_own_quorum_set_by_two_and_acts_of_it_rest_on_that(tmp_path: Path, town: Town) -> None:
    """Nobody sets it alone; a policy of one side or of nobody is refused; who is missing is named everywhere."""
    firm = towns.settle(tmp_path / "firm", staff=STAFF)
    here = Town(root=town.root, seller=firm, buyer=firm)
    here.do(firm, "deal", "card", "--out", tmp_path / "firm-card.json")
    for name in ("counsel", "escrow"):
        run(town, "trust", town.root / name, tmp_path / "firm-card.json")
    opened = ("deal", "open", "--structure", "D2")
    deal = here.do(firm, *opened, "--title", "虚构出售", who="chen").text("deal")
    other = here.do(firm, *opened, "--title", "另一虚构出售", "--scope", "b", who="chen").text("deal")
    card = ("--trust", tmp_path / "firm-card.json")
    refused_policies(town, here, deal, tmp_path / "weak.policy")
    with serving(town, "counsel") as address:
        wanted = deal_policy(town, address)
        nobody = here.tell(firm, "ledger", "cosign", "--deal", deal)
        assert nobody.problem["code"] == "app.no_quorum_policy"
        alone = here.tell(firm, "ledger", "quorum", wanted, "--deal", deal, who="chen")
        assert (alone.exit, here.tell(firm, "ledger", "cosign", "--deal", deal).exit) == (3, 4)
        here.two(firm, "ledger", "quorum", wanted, "--deal", deal, who="chen", second="wang")
        (listed,) = _rows(here.do(firm, "ledger", "quorums"))
        assert (listed["deal"], listed["met"], listed["lacking"]) == (deal, False, ["counsel", "escrow"])
        short = here.tell(firm, "ledger", "cosign", "--deal", deal)
        assert (short.exit, short.data["lacking"], short.data["deals"]) == (3, ["escrow"], [])
        missing = here.tell(firm, "ledger", "export", tmp_path / "none", "--witnessed", "--deal", deal, who="chen")
        assert (missing.problem["code"], "escrow" in str(missing.problem)) == ("app.no_quorum", True)
        here.do(firm, "ledger", "ask", "escrow", "--deal", deal, "--out", tmp_path / "ask.txt")
        run(town, "cosign", town.root / "escrow", tmp_path / "ask.txt", "--out", tmp_path / "answer.txt")
        took = here.tell(firm, "ledger", "take", "--deal", deal, tmp_path / "ask.txt", tmp_path / "answer.txt")
        assert took.data["deals"] == [], "the counsel has not seen this size"
        here.tell(firm, "ledger", "cosign", "--deal", deal)
        here.do(firm, "ledger", "ask", "escrow", "--deal", deal, "--out", tmp_path / "ask.txt")
        here.tell(firm, "ledger", "cosign", "--deal", deal)
        run(town, "cosign", town.root / "escrow", tmp_path / "ask.txt", "--out", tmp_path / "answer.txt")
        took = here.do(firm, "ledger", "take", "--deal", deal, tmp_path / "ask.txt", tmp_path / "answer.txt")
        assert took.data["deals"] == [deal]
    with firm.house() as house:
        actor = firm.actor(house, "chen")
        assert unmet(actor, house, deal) == set()
        assert unmet(actor, house, other) == {"witnessed"}, "another deal has no quorum by this one's policy"
    here.do(firm, "ledger", "export", tmp_path / "seen", "--witnessed", "--deal", deal, who="chen")
    seen = here.tell(None, "verify", tmp_path / "seen", *card)
    assert (seen.exit, checks(seen)[12]) == (0, "holds")
    here.do(firm, "ledger", "export", tmp_path / "head", who="chen")
    head = here.tell(None, "verify", tmp_path / "head", *card)
    assert (head.exit, checks(head)[12], "escrow" in head.out) == (0, "unknown", True)
    strict = here.tell(None, "verify", tmp_path / "head", *card, "--trust", wanted)
    assert (strict.exit, checks(strict)[11]) == (7, "fails")
    in_time(firm, actor, deal, (tmp_path / "ask.txt").read_bytes(), (tmp_path / "answer.txt").read_bytes())


def in_time(firm: Firm, actor: Actor, deal: str, asked: bytes, answer: bytes) -> None:
    """Old cosignatures, taken once more, bring no new month."""
    later = SettableClock(SystemClock().now() + timedelta(days=20))
    with firm.house(later) as house:
        policy_now = cosigning.need_policy(house, deal)
        cosigning.take(house, policy=policy_now, asked=asked, answer=answer)
        assert unmet(actor, house, deal) == set()
        later.advance(12 * 24 * 3600)
        cosigning.take(house, policy=policy_now, asked=asked, answer=answer)
        assert unmet(actor, house, deal) == {"witnessed"}


def refused_policies(town: Town, here: Town, deal: str, weak: Path) -> None:
    """Of nobody, of one witness alone (under two keys, too), with a card for a name: not even asked about."""
    firm = here.seller
    counsel, escrow = f"witness a {town.ids['counsel']}", f"witness b {town.ids['counsel-pq']}"
    for lines, what in (
        ("quorum none", "none"),
        (f"{counsel}\nquorum a", "one"),
        (f"{counsel}\n{escrow}\ngroup g all a b\nquorum g", "one"),
        (f"log {town.ids['counsel'].replace('+', '+')}\nquorum none", ""),
        (f"witness 4111111111111111 {town.ids['counsel']}\nquorum 4111111111111111", "name"),
    ):
        weak.write_text(lines + "\n")
        refused = here.tell(firm, "ledger", "quorum", weak, "--deal", deal, who="chen")
        assert (refused.exit, what in str(refused.problem)) == (2, True), lines
        assert "4111111111111111" not in refused.out + refused.err


def unmet(actor: Actor, house: House, deal: str) -> set[str]:
    """Whether a release of this deal would lack witnesses."""
    with house.store.reading() as tx:
        request = house.access.request(tx, actor=actor, action=Action.RELEASE, now=house.clock.now(), deal=deal)
        return {item.condition for item in house.access.judge(tx, request).unmet} & {"witnessed"}


def _rows(answer: Answer) -> list[dict[str, object]]:
    found = json.loads(answer.out)
    assert isinstance(found, list)
    return found
