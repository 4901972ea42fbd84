"""The clock goes backwards before every command that writes: refused by name, in both languages, and nothing changed.

The whole job is done once. Before each command the clock is put back behind the newest entry, to an instant at which
whoever acts is logged in and what they need is in force: only the clock can be the reason. The command runs in Chinese
and in English; nothing in the folder may differ; then time catches up. The list of verbs is closed against the product.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.faults import ceremony, clock_people, desk
from tests.faults.clocked import BETWEEN_S, ClockedTown, clocked_town, everything
from tests.leaks.walk import live_plan
from tests.stories import routes
from tests.stories import town as towns
from tests.stories.test_commands import has_chinese
from tests.stories.town import Answer, Firm

import tigertally
from tigertally.access import Purpose
from tigertally.app.verbs import aftermath, retention
from tigertally.app.verbs import beat as beat_verbs
from tigertally.app.verbs import vault as vault_verbs
from tigertally.app.wire import House
from tigertally.base.errors import Problem
from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretText
from tigertally.base.text import Lang
from tigertally.formats.cosignature import TYPE_COSIGNED, VKey

INVENTORY = "/inventory.json"
KEPT = ("orders.db",)
A_WEEK_S = 8 * 86_400
BACK_S = 9  # more than the ledger lifts to its newest entry
VERBS = {
    "approve": "access.approve",
    "bundle": "handover.bundle",
    "canary plant": "vault.canary_plant",
    "canary withdraw": "vault.canary_withdraw",
    "certificate keep": "handover.keep",
    "certificate validate": "handover.validate",
    "closing-book make": "handover.book",
    "confirm": "access.confirm",
    "copies register": "handover.copy",
    "customer history": "vault.history",
    "customer passwords": "vault.passwords",
    "customer update": "vault.update",
    "customer verified": "vault.password_verify",  # called as a verb
    "custody close": "custody.close",
    "custody move": "custody.move",
    "custody open": "custody.open",
    "custody proofs": "custody.proofs",
    "custody reshare": "custody.reshare",
    "custody split": "custody.split",
    "deal accept": "deals.accept",
    "deal conclude": "deals.conclude",
    "deal confirm": "deals.party_confirm",
    "deal engage": "deals.party_engage",
    "deal import": "deals.party_import",
    "deal invite": "deals.invite",
    "deal open": "deals.open",
    "deal route decide": "deals.route",
    "deal route opinion": "deals.opine",
    "deal route take": "deals.opinion_take",
    "deal sign": "deals.sign",
    "deal stage": "deals.move",
    "deal structure": "deals.structure",
    "deal done": "deals.task_done",
    "deal waive": "deals.waive",
    "destroy": "handover.destroy",
    "enrol": "access.enrol",
    "me devices": "access.end",
    "me factor": "access.new_factor",
    "me passkey --answer": "access.passkey_add",
    "me passkey --origin": "access.passkey_ask",
    "me passphrase": "access.new_passphrase",
    "me recovery": "access.new_recovery",
    "provider bind": "access.provider_bind",
    "provider end": "access.provider_end",
    "provider trust": "access.provider_trust",
    "provider unbind": "access.provider_unbind",
    "shown by a provider": "access.provider_shown",  # called as a verb
    "signed in by a provider": "access.provider_login",  # called as a verb
    "people reset": "access.reset",
    "recover": "access.recover",
    "show passkey": "access.passkey_show",
    "backup erasures": "vault.erasures",
    "backup make": "vault.backup",
    "destroy plan": "handover.plan",
    "discover": "discovery.record",
    "duplicates": "vault.duplicates",
    "erase": "vault.erase",
    "find": "vault.find",
    "hold lift": "vault.hold_lift",
    "hold place": "vault.hold_place",
    "fsck": "ledger.check",
    "glass break": "access.glass_break",
    "glass review": "access.glass_review",
    "grant approve": "access.grant_approve",
    "grant ask": "access.grant_ask",
    "in-place commit": "sealing.rewrite_commit",
    "in-place rewrite": "sealing.rewrite",
    "in-place undo": "sealing.rewrite_undo",
    "keys migrate": "vault.migrate",
    "keys rotate": "vault.rotate",
    "ledger beat": "ledger.beat",
    "ledger checkpoint": "ledger.checkpoint",
    "ledger export": "ledger.export",
    "ledger facts": "ledger.facts",
    "ledger prove": "ledger.prove",
    "ledger quorum": "ledger.quorum_set",
    "ledger seen": "ledger.seen",
    "ledger show": "ledger.entry",
    "login": "access.login",
    "respell": "vault.respell",
    "people add": "access.person_add",
    "people devices": "access.devices",
    "people disable": "access.disable",
    "people freeze": "people.freeze",
    "people pledge": "people.pledge",
    "people review": "access.review",
    "people roles": "access.roles",
    "people screen": "people.screen",
    "people train": "people.train",
    "people unfreeze": "people.unfreeze",
    "policy change": "access.rules_change",
    "policy simulate": "access.simulate",
    "policy waive": "access.waive",
    "processor answer": "handover.answer",
    "processor export": "handover.export",
    "processor rehearse": "handover.rehearse",
    "bundle trial": "handover.trial",
    "protect": "sealing.protect",
    "receipt": "handover.receipt",
    "receive": "handover.receive",
    "release accept": "handover.accept_release",
    "release countersign": "handover.countersign",
    "release propose": "handover.release",
    "replaced keys": "vault.replace_keys",  # called as a verb
    "retention count": "vault.retention_count",  # called as a verb
    "retention event": "vault.retention_event",
    "retention run": "vault.retention_run",
    "retention set": "vault.retention_set",
    "reveal": "vault.reveal",
    "reveal-many": "vault.reveal_many",
    "revealed in part": "vault.reveal_part",  # called as a verb
    "seal": "sealing.seal",
    "service add": "access.service_add",
    "service end": "access.service_end",
    "service key": "access.service_key",
    "shown by a service": "access.service_in",  # called as a verb
    "show": "vault.show",
    "trace": "vault.trace",
    "why": "ledger.why",
}
# Adds to a checkpoint what others signed; their signatures have times of their own.
HARMLESS = {"ledger.cosign"}

WITNESS = VKey(name="counsel.example/w1", kind=TYPE_COSIGNED, public=b"\1" * 32)
NAMED = "ledger.clock_went_back"
REFUSED = 3
UNAVAILABLE = 6
Run = Callable[[str], tuple[int, str, str]]


@dataclass(slots=True, kw_only=True)
class Behind(ClockedTown):
    """Runs everything first at an hour that is past; ``refused`` are the verbs that the clock stopped, by name."""

    refused: set[str] = field(default_factory=set)

    def tell(
        self, firm: Firm | None, *words: str | Path, who: str = "", lang: str = "en", as_json: bool = True
    ) -> Answer:
        """Run the command too early, in each language; then as it should be."""

        def early(spoken: str) -> tuple[int, str, str]:
            answer = self.at_once(firm, *words, who=who, lang=spoken, as_json=spoken == "en")
            code = "" if answer.exit == 0 else NAMED if spoken != "en" else str(answer.problem["code"])
            return answer.exit, code, answer.err

        if firm is not None:
            spelled = " ".join(str(word) for word in words)
            names = [name for name in VERBS if f"{spelled} ".startswith(f"{name} ")]
            name = "destroy plan" if names == ["destroy"] and "--plan" not in words else "".join(names)
            dry = {"processor export": "processor rehearse", "bundle": "bundle trial"}
            name = dry.get(name, name) if "--dry-run" in words else name
            self.too_early(firm, VERBS.get(name, ""), early, who=who)
        return self.at_once(firm, *words, who=who, lang=lang, as_json=as_json)

    def call(self, firm: Firm, verb: str, work: Callable[[House], object], *, who: str = "") -> None:
        """Call a verb too early; then as it should be."""

        def early(spoken: str) -> tuple[int, str, str]:
            try:
                with self.open(firm) as house:
                    work(house)
            except Problem as problem:
                return UNAVAILABLE, problem.code, problem.say(Lang(spoken))
            return 0, "", ""

        self.too_early(firm, verb, early, who=who)
        with self.open(firm) as house:
            work(house)

    def too_early(self, firm: Firm, verb: str, run: Run, *, who: str) -> None:
        """Run at an hour behind the newest entry, in each language: it is refused, and nothing changed."""
        self.clock.advance(BETWEEN_S)
        if who:
            self.show_factor(firm, who)
        self.clock.advance(BACK_S + 1)
        with self.open(firm) as house:
            beat_verbs.beat(house, every_s=31_536_000)
        self.clock.set_back(BACK_S)
        before = everything(self)
        for lang in ("zh", "en"):
            code, named, told = run(lang)
            assert code in (0, REFUSED, UNAVAILABLE), (verb, told)
            assert not code or has_chinese(told) is (lang == "zh"), told
            if code == UNAVAILABLE:
                assert named == NAMED, (verb, told)
                self.refused.add(verb)
        after = everything(self)
        # What a scan found, and what a command that only reads wrote to a file, stands for itself.
        written = {path for path in after if path not in before and (not verb or path.endswith(INVENTORY))}
        assert {path: one for path, one in after.items() if path not in written} == before, verb
        self.clock.advance(BACK_S + 1)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """The whole job, each command too early first."""
    root = tmp_path_factory.mktemp("clock") / "town"
    with clocked_town(root) as made:
        town = Behind(
            root=root, seller=made.seller, buyer=made.buyer, clock=made.clock, houses=made.houses, ids=made.ids
        )
        clock_people.steps(town)
        towns.fill(town, customers=100, only=KEPT)
        towns.seal(town)
        _look(town)
        _rules(town)
        towns.sell(town)
        routes.advise(town)
        _hand_over(town)
        _evidence(town)
        yield town


def _rules(town: Behind) -> None:
    document = town.root / "rules.toml"
    document.write_text('["vault.erase"]\ntrained = true\n')
    town.do(town.seller, "policy", "simulate", document, who="chen")
    town.two(town.seller, "policy", "change", document, who="chen", second="wang")


def _look(town: Behind) -> None:
    firm, token = town.seller, towns.some_token(town)
    town.clock.advance(300)  # the glass is over
    town.call(firm, "vault.replace_keys", aftermath.replace_keys)
    town.do(firm, "show", token, who="zhao")
    missing = SecretText("13800138000")

    def find(house: House) -> None:
        vault_verbs.find(house, actor=firm.actor(house, "zhao"), scope="main", cls=FieldClass.MOBILE, value=missing)

    town.call(firm, "vault.find", find, who="zhao")
    asked = town.do(firm, "grant", "ask", "--class", "pan", "--purpose", "refund", who="zhao").text("grant")
    town.do(firm, "grant", "approve", asked, who="wang")
    town.do(firm, "reveal", token, "--purpose", "refund", "--grant", asked, who="zhao")
    town.do(firm, "duplicates", who="zhao")
    town.do(firm, "respell", who="chen")

    def first_six(house: House) -> None:
        actor = firm.actor(house, "zhao")
        vault_verbs.reveal_bin(house, actor=actor, scope="main", token=token, purpose=Purpose.REFUND)

    town.call(firm, "vault.reveal_part", first_six, who="zhao")
    words = ("policy", "waive", "witnessed", "--for", "handover.release", "--reason", "not_yet")
    town.two(firm, *words, who="chen", second="wang")
    many = town.do(firm, "grant", "ask", "--many", "--class", "pan", "--purpose", "refund", who="zhao").text("grant")
    town.do(firm, "grant", "approve", many, who="wang")
    listed = town.root / "tokens.csv"
    listed.write_text(f"token\n{token}\n")
    asks = ("reveal-many", listed, "--out", town.root / "values.csv", "--purpose", "refund", "--grant", many)
    town.two(firm, *asks, who="zhao", second="wang")
    town.two(firm, "keys", "rotate", who="chen", second="wang")
    town.two(firm, "keys", "migrate", "--suite", "guomi-1", who="chen", second="wang")
    whom = town.do(firm, "show", token, who="zhao").text("subject")
    desk.serve(town, whom)
    live = town.root / "live"
    live.mkdir()
    shutil.copy(town.estate / "orders.db", live / "orders.db")
    place = (live_plan(town.root), live)
    for last in (("undo", "--reason", "rehearsal"), ("commit", "--reason", "accepted", "--purge-unknown")):
        town.do(firm, "in-place", "rewrite", *place, "--live", who="qian")
        town.two(firm, "in-place", last[0], *place, *last[1:], "--live", who="qian", second="wang")
    town.do(firm, "hold", "place", "--class", "pan", "--reason", "court", who="wang")
    town.two(firm, "hold", "lift", "--class", "pan", who="wang", second="chen")
    town.two(firm, "erase", whom, who="chen", second="wang")
    _retention(town)
    word = town.root / "backup-word.txt"
    word.write_text("long-and-invented-backup-word\n")
    town.do(None, "custody", "holder", "backup", "--out", town.root / "backup-key", "--key-passphrase-file", word)
    to = ("--to", town.root / "backup-key" / "holder.json")
    town.do(firm, "backup", "make", town.root / "backup", *to, who="chen")
    town.do(firm, "backup", "erasures", "--out", town.root / "erasures.json", who="chen")
    town.do(firm, "deal", "structure", town.ids["deal"], "D2", who="chen")


def _retention(town: Behind) -> None:
    firm = town.seller
    rules = town.root / "retention.toml"
    rules.write_text(town.do(firm, "retention", "show", "--shipped").text("document"))
    town.two(firm, "retention", "set", rules, who="chen", second="wang")
    town.do(firm, "retention", "event", "relation-ended", "--on", "2020-01-31", who="wang")
    town.call(firm, "vault.retention_count", retention.count)
    plan = town.at_once(firm, "retention", "run").text("plan")
    town.two(firm, "canary", "plant", "--recipient", "night-shift", "--count", "2", who="chen", second="wang")
    town.two(firm, "canary", "withdraw", "--recipient", "night-shift", who="chen", second="wang")
    town.do(firm, "trace", rules, who="wang")
    town.two(firm, "retention", "run", "--plan", plan, who="chen", second="wang")


def _hand_over(town: Behind) -> None:
    root, deal = town.root, town.ids["deal"]
    towns.to_processor(town)
    town.do(town.seller, "bundle", deal, "--dry-run", who="chen")
    town.do(town.seller, "bundle", deal, "--out", root / "bundle", who="qian")
    shutil.copytree(root / "bundle", root / "arrived")
    town.do(town.buyer, "receive", root / "arrived", "--deal", deal, "--out", root / "receipt.json", who="sun")
    town.do(town.seller, "receipt", root / "receipt.json", who="chen")
    planned = town.do(town.seller, "destroy", deal, who="chen").text("plan")
    shutil.copytree(town.estate, root / "aside")
    shutil.rmtree(town.estate)
    shutil.copytree(root / "aside", town.estate)  # restored from a backup: another identity
    listed = town.do(town.seller, "copies", "list", deal).data["items"]
    assert isinstance(listed, list)
    number = next(str(one["copy"]) for one in listed if isinstance(one, dict) and one["place"] == str(town.estate))
    town.two(town.seller, "copies", "register", deal, number, who="chen", second="wang")
    planned = town.do(town.seller, "destroy", deal, who="chen").text("plan")
    certificate, signed = root / "certificate.json", root / "certificate-signed.json"
    town.two(town.seller, "destroy", deal, "--plan", planned, "--out", certificate, who="chen", second="wang")
    town.do(town.buyer, "certificate", "validate", certificate, "--out", signed, who="sun")
    town.do(town.seller, "certificate", "keep", signed, who="chen")
    town.do(town.seller, "closing-book", "make", deal, "--out", root / "closing-book", who="chen")


def _evidence(town: Behind) -> None:
    firm = town.seller
    town.do(firm, "ledger", "beat", "--every", "31536000")
    (town.root / "own.policy").write_text(f"witness w {WITNESS}\nquorum w\n")
    town.two(firm, "ledger", "quorum", town.root / "own.policy", who="chen", second="wang")
    town.do(firm, "ledger", "checkpoint")
    town.do(firm, "ledger", "show", "7", who="chen")
    town.do(firm, "ledger", "facts", "chen", who="chen")
    town.do(firm, "ledger", "seen", "--from", "2020-01-01", "--until", "2099-01-01", who="chen")
    town.do(firm, "ledger", "prove", "3", "--out", town.root / "3.proof", who="chen")
    town.do(firm, "ledger", "export", town.root / "ledger", who="chen")
    town.do(firm, "why", who="chen")
    # Nothing of the kind is to be done: what is too early is refused before that is looked at.
    town.tell(firm, "deal", "done", town.ids["deal"], "return", "--document", town.root / "minutes.txt", who="chen")
    words = ("custody", "move", "--to", "passphrase", "--with", "file=root-2.key", "--new-unlock-file", firm.unlock)
    town.two(firm, *words, who="chen", second="wang")
    town.houses.forget()
    ceremony.play(town)
    town.clock.advance(A_WEEK_S)  # a check is not stated again before
    town.do(firm, "fsck")


def test_the_list_of_verbs_is_closed() -> None:
    rooms = (Path(tigertally.__file__).parent / "app").rglob("*.py")
    named = {name for room in rooms for name in re.findall(r'verb="([a-z_.]+)"', room.read_text("utf-8"))}
    assert named == {*VERBS.values(), *HARMLESS}


def test_every_verb_that_writes_is_refused_by_name(town: Behind) -> None:
    assert set(VERBS.values()) - town.refused == set()


def test_a_feed_goes_on_it_writes_no_entry(town: Behind) -> None:
    """What it delivers has times of its own, and its cursor is a number: it needs no clock."""
    firm, taken = town.seller, town.root / "taken.jsonl"
    (firm.home / "feeds.toml").write_text(f'[collector]\nurl = "file://{taken}"\n')
    town.houses.forget()
    town.clock.set_back(A_WEEK_S)
    items = town.at_once(firm, "feed", "run").data["items"]
    town.clock.advance(A_WEEK_S)
    assert isinstance(items, list)
    (fed,) = items
    assert isinstance(fed, dict)
    assert (fed["delivered"], fed["failed"]) == (fed["entries"], "")
    assert len(taken.read_text().splitlines()) == fed["entries"]


def test_both_ledgers_are_whole(town: Behind) -> None:
    for firm in (town.seller, town.buyer):
        answer = town.at_once(firm, "fsck")
        assert (answer.exit, answer.data["clean"]) == (0, True), answer.out
    assert town.at_once(None, "verify", town.root / "ledger", *town.trust).exit == 0
