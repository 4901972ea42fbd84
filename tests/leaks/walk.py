"""The walk: canary values go through every verb, some of them killed on the way.

Everything said is kept, so that it can be searched; every long verb runs as a real process whose deleted files stay.
Not a test itself.
"""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.job_acts import killed_at
from tests.leaks.canaries import Canaries, plant
from tests.leaks.search import Hit, Needles
from tests.stories import routes
from tests.stories import town as towns
from tests.stories.town import Answer, Firm, Town
from tests.unit.formats.tokens import Signer, claims

from tigertally.app.verbs import ledger, vault
from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretText

HERE = Path(__file__).parent
CONTEXT = multiprocessing.get_context("forkserver")
SOURCES = ("estate", "planted")
SHIM = "keepdeleted.so"
REFRESH_S = 120


@dataclass(slots=True, kw_only=True)
class Walk:
    """Where the walk takes place, what was said, what was found on the way."""

    base: Path
    town: Town
    canaries: Canaries
    needles: Needles
    said: list[Answer] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    hits: set[Hit] = field(default_factory=set)
    errors: list[BaseException] = field(default_factory=list)
    shown: float = field(default_factory=time.monotonic)
    revealed: str = field(default="", repr=False)
    turn: bool = False

    @property
    def temp(self) -> Path:
        return self.base / "temp"

    @property
    def deleted(self) -> Path:
        return self.base / "deleted"

    def process(
        self, firm: Firm | None, *words: str | Path, who: str = "", given: str = "", keep: bool = True
    ) -> Answer:
        """Run a command as a process with the watched temporary folder."""
        shim = self.base / SHIM
        extra = {"TMPDIR": str(self.temp), "SQLITE_TMPDIR": str(self.temp)}
        if keep and shim.exists():
            extra |= {"LD_PRELOAD": str(shim), "KEEP_DELETED": str(self.deleted)}
        answer = towns.process(towns.arguments(firm, words, who=who), cwd=self.base, given=given, extra=extra)
        self.said.append(answer)
        return answer

    def must(self, firm: Firm | None, *words: str | Path, who: str = "", given: str = "") -> Answer:
        """Run a process that must succeed."""
        self.stay_fresh()
        answer = self.process(firm, *words, who=who, given=given)
        assert answer.exit == 0, (words, answer.err)
        return answer

    def stay_fresh(self) -> None:
        """Show second factors again before they are too old for what is asked, however slow the machine is."""
        if time.monotonic() - self.shown > REFRESH_S:
            towns.refresh(self.town)
            self.shown = time.monotonic()

    def wrong(self, firm: Firm | None, *words: str | Path, who: str = "") -> None:
        """Run a command that must fail, in turn as text in Chinese and as JSON in English."""
        self.turn = not self.turn
        lang, as_json = ("zh", False) if self.turn else ("en", True)
        answer = self.town.tell(firm, *words, who=who, lang=lang, as_json=as_json)
        assert answer.exit not in (0, None), (words, answer.out)

    def look(self) -> None:
        """Search everything written so far, except the sources themselves."""
        sources = [self.town.root / name for name in SOURCES]
        self.hits |= self.needles.search_tree(self.base, except_for=sources)

    def listen(self) -> None:
        """Search everything said; the one value that was allowed to be seen is taken out once."""
        for answer in [*self.said, *self.town.told]:
            out = answer.out
            if self.revealed and "reveal" in answer.words and answer.exit == 0:
                out = out.replace(self.revealed, "", 1)
            place = f"said by {' '.join(answer.words[:3])}"
            self.hits |= self.needles.search(out.encode(), place + " (out)")
            self.hits |= self.needles.search(answer.err.encode(), place + " (err)")
        for number, text in enumerate(self.tracebacks):
            self.hits |= self.needles.search(text.encode(), f"traceback {number}")


def begin(base: Path, *, passphrases: frozenset[str]) -> Walk:
    """Found the town, plant the canaries; ``passphrases`` are looked for, too."""
    (base / "temp").mkdir()
    (base / "deleted").mkdir()
    if compiler := shutil.which("cc"):
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(base / SHIM), str(HERE / "keepdeleted.c"), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
    town = towns.found_town(base / "town")
    canaries = plant(town.estate, passphrases)
    return Walk(base=base, town=town, canaries=canaries, needles=canaries.needles())


def until_sealed(walk: Walk) -> None:
    """Discover, plan, seal (killed once, then again), protect, look masked, find, reveal, rotate."""
    town, root, seller = walk.town, walk.town.root, walk.town.seller
    inventory = root / "inventory.json"
    walk.must(seller, "discover", town.estate, "--out", inventory, "--record", who="chen")
    opened = town.do(seller, "deal", "open", "--title", "Invented", "--structure", "D2", who="chen")
    town.ids["deal"] = opened.text("deal")
    (root / "deal.txt").write_text(town.ids["deal"])
    town.do(None, "plan", "propose", town.estate, "--out", root / "plan.toml")
    town.do(None, "plan", "check", root / "plan.toml", town.estate, "--inventory", inventory)
    child(killed_at, root, "seal", 9)
    walk.look()
    walk.must(seller, "seal", root / "plan.toml", town.estate, "--inventory", inventory, who="qian")
    walk.look()
    protected = root / "protected"
    child(killed_at, root, "protect", 5)
    walk.look()
    words = ("protect", root / "plan.toml", town.estate, "--inventory", inventory, "--out", protected)
    walk.must(seller, *words, who="qian")
    town.do(None, "discover", protected, "--possible")
    _live(walk)
    token = towns.some_token(town)
    town.do(seller, "show", token, who="zhao")
    found = walk.must(seller, "find", "--class", "pan", who="zhao", given=f"{walk.canaries.card}\n")
    assert walk.canaries.card[-4:] in found.out
    town.tell(seller, "reveal", token, "--purpose", "refund", who="zhao")
    asked = town.do(seller, "grant", "ask", "--class", "pan", "--purpose", "refund", who="zhao")
    town.do(seller, "grant", "approve", asked.text("grant"), who="wang")
    reveal = ("reveal", token, "--purpose", "refund", "--grant", asked.text("grant"))
    walk.revealed = walk.must(seller, *reveal, who="zhao").text("value")
    assert walk.revealed in walk.canaries.values["pan"]
    town.tell(seller, "reveal", token, "--purpose", "refund", "--grant", asked.text("grant"), who="zhao")
    _many(walk, token)
    _desk(walk, token)
    _two(walk, "keys", "rotate")
    _retention(walk)
    _canaries(walk, token)
    _two(walk, "keys", "migrate", "--suite", "guomi-1")
    town.do(seller, "keys", "cbom", "--out", walk.town.root / "cbom.json")
    for plain in ("grant list", "keys list", "people list", "approve", "fsck", "status"):
        for as_json in (False, True):
            assert town.tell(seller, *plain.split(), who="chen", as_json=as_json).exit == 0
    _while_open(walk, token)
    _service(walk, token)


def _service(walk: Walk, token: str) -> None:
    """A program is made, shows itself, looks, is refused what it may not, and ends."""
    town, seller, root, signer = walk.town, walk.town.seller, walk.town.root, Signer()
    (root / "till.pem").write_bytes(signer.pem)
    (root / "next.pem").write_bytes(Signer().pem)
    words = ("service", "add", "till", "--owner", "zhao", "--for", "vault.view", "--key", root / "till.pem")
    made = town.two(seller, *words, who="chen", second="wang")
    town.two(seller, "service", "key", "till", "--key", root / "next.pem", who="chen", second="wang")
    shown = ("--assertion-file", root / "till.jwt")
    for number, asked in enumerate(
        (("show", token), ("reveal", token, "--purpose", "refund"), ("people", "pledge", "--yes"))
    ):
        said = claims(
            made.text("service"), made.text("audience"), SystemClock().now(), jti=f"number-of-use-{number:03}"
        )
        (root / "till.jwt").write_bytes(signer.token(said))
        if number == 0:
            town.do(seller, *asked, *shown, who="svc:till")
        walk.wrong(seller, *asked, *shown, who="svc:till")
    (root / "till.jwt").write_text(walk.canaries.card)
    walk.wrong(seller, "show", token, *shown, who="svc:till")
    (root / "till.jwt").unlink()  # what was typed wrongly is the walk's own
    walk.wrong(seller, "show", token, who="svc:till")
    for as_json in (False, True):
        town.tell(seller, "service", "list", as_json=as_json)
    town.do(seller, "service", "end", "till", who="chen")


def until_received(walk: Walk) -> None:
    """Deal, release, bundle (killed once), receive (killed once), receipt."""
    town, root = walk.town, walk.town.root
    towns.sell(town)
    routes.advise(town)
    town.do(None, "deal", "route", "questions")
    town.do(town.seller, "deal", "route", "look", town.ids["deal"], "--answers", root / "answers.toml")
    for paper in ("invitation", "acceptance", "release-signed", "seller-card", "route", "opinion"):
        town.do(None, "deal", "read", root / f"{paper}.json")
    town.do(None, "processor", "list")
    towns.to_processor(town)
    town.do(town.seller, "bundle", town.ids["deal"], "--dry-run", who="chen")
    child(killed_at, root, "bundle", 8)
    walk.look()
    walk.must(town.seller, "bundle", town.ids["deal"], "--out", root / "bundle", who="qian")
    shutil.copytree(root / "bundle", root / "arrived")
    child(killed_at, root, "receive", 12)
    walk.look()
    words = ("receive", root / "arrived", "--deal", town.ids["deal"], "--out", root / "receipt.json")
    walk.must(town.buyer, *words, who="sun")
    town.do(None, "verify", root / "arrived", *town.trust)
    town.do(None, "deal", "read", root / "arrived" / "manifest.json", *town.trust)
    town.do(town.buyer, "verify", root / "arrived", "--open", *town.trust)
    town.do(town.seller, "receipt", root / "receipt.json", who="chen")
    walk.look()


def until_destroyed(walk: Walk) -> None:
    """Plan the destruction, destroy (killed once), certify, export, verify."""
    town, root, seller = walk.town, walk.town.root, walk.town.seller
    planned = town.do(seller, "destroy", town.ids["deal"], who="chen").text("plan")
    (root / "destruction.txt").write_text(planned)
    certificate, signed = root / "certificate.json", root / "certificate-signed.json"
    words = ("destroy", town.ids["deal"], "--plan", planned, "--out", certificate)
    begun = town.tell(seller, *words, who="chen")
    town.do(seller, "approve", str(begun.problem["approval"]), who="wang")
    child(killed_at, root, "destroy", 9)
    walk.look()
    # Without what keeps deleted files: this time the originals are among them.
    done = walk.process(seller, *words, who="chen", keep=False)
    assert done.exit == 0, done.err
    town.do(town.buyer, "certificate", "validate", certificate, "--out", signed, who="sun")
    town.do(seller, "certificate", "keep", signed, who="chen")
    town.do(seller, "closing-book", "make", town.ids["deal"], "--out", root / "closing-book", who="chen")
    town.do(None, "verify", root / "closing-book", *town.trust)
    towns.advance(town, "S8")
    town.do(seller, "ledger", "export", root / "seller-ledger", who="chen")
    town.do(town.buyer, "ledger", "export", root / "buyer-ledger", who="sun")
    town.do(seller, "ledger", "publish", root / "published")
    (seller.home / "feeds.toml").write_text(f'[lake]\nurl = "file://{root / "fed.jsonl"}"\n')
    town.do(seller, "feed", "run")
    town.do(seller, "feed", "status")
    town.do(None, "policy", "write", root / "rules")
    town.do(seller, "policy", "waivers")
    (root / "rules.toml").write_text('["vault.erase"]\ntrained = true\n')
    town.do(seller, "policy", "simulate", root / "rules.toml", who="chen")
    town.tell(seller, "policy", "change", root / "rules.toml", who="chen")
    town.do(seller, "policy", "show")
    town.do(None, "verifier", root / "verify.pyz")
    for name in ("receipt.json", "certificate-signed.json", "seller-ledger", "buyer-ledger"):
        town.do(None, "verify", root / name, *town.trust)
    for firm, who in ((seller, "chen"), (town.buyer, "sun")):
        town.do(firm, "ledger", "log", "-n", "500")
        town.do(firm, "ledger", "show", "7", who=who)
        town.do(firm, "ledger", "checkpoint")
        town.do(firm, "why", who=who)
        town.do(firm, "ledger", "beat")
        town.do(firm, "ledger", "quorums")
        town.do(firm, "ledger", "facts", who, who=who)
        town.do(firm, "ledger", "seen", "--from", "2020-01-01", "--until", "2099-01-01", who=who)
        town.do(firm, "ledger", "prove", "3", "--out", root / f"{who}-3.proof", who=who)
        walk.said.append(_whole_ledger(firm, who))


def _whole_ledger(firm: Firm, who: str) -> Answer:
    """Everything that ``ledger show`` would tell, of every entry, as one answer."""
    with firm.house() as house:
        actor = firm.actor(house, who)
        listed = ledger.recent(house, count=2_000)
        told = [str(ledger.entry(house, actor=actor, index=index)) for index, _ in listed]
    return Answer(words=("ledger", "show", "all"), exit=0, out="\n".join(told), err="")


def child(target: Callable[..., None], *arguments: object) -> None:
    """Run a function in a process of its own that ends as it ends."""
    process = CONTEXT.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -9, process.exitcode


def _many(walk: Walk, token: str) -> None:
    """A list of values, written where nobody searches: it is the one file that may hold them. And who shares values."""
    town, seller = walk.town, walk.town.seller
    walk.must(seller, "duplicates", who="zhao")
    walk.must(seller, "respell", who="chen")
    asked = town.do(seller, "grant", "ask", "--many", "--class", "pan", "--purpose", "refund", who="zhao")
    town.do(seller, "grant", "approve", asked.text("grant"), who="wang")
    listed = town.root / "tokens.csv"
    listed.write_text(f"{token}\n")
    with tempfile.TemporaryDirectory(dir=walk.base.parent) as apart:
        out = Path(apart) / "values.csv"
        words = ("reveal-many", listed, "--out", out, "--purpose", "refund", "--grant", asked.text("grant"))
        begun = town.tell(seller, *words, who="zhao")
        town.do(seller, "approve", str(begun.problem["approval"]), who="wang")
        # What that process deleted is not kept: it may be the file itself.
        assert walk.process(seller, *words, who="zhao", keep=False).exit == 0
        assert walk.revealed in out.read_text()


def _desk(walk: Walk, token: str) -> None:
    """A customer's password and a value of theirs, typed; nobody finds them afterwards."""
    town, seller = walk.town, walk.town.seller
    whom = town.do(seller, "show", token, who="zhao").text("subject")
    verify = ("customer", "verify", whom)
    assert walk.process(seller, *verify, who="zhao", given=f"{walk.canaries.password}\n").exit != 0
    update = ("customer", "update", whom, "--class", "password_hash", "--reason", "reset")
    walk.must(seller, *update, who="chen", given=f"{walk.canaries.password}\n")
    walk.must(seller, *verify, who="zhao", given=f"{walk.canaries.password}\n")
    email = ("customer", "update", whom, "--class", "email", "--reason", "correction", "--slot", "250")
    assert walk.process(seller, *email, who="chen", given=f"{walk.canaries.mail}\n").exit != 0
    walk.must(seller, "customer", "history", whom, who="zhao")
    walk.must(seller, "customer", "passwords", who="chen")
    assert walk.process(seller, "customer", "verify", walk.canaries.card, who="zhao", given="x\n").exit != 0
    walk.look()


def _live(walk: Walk) -> None:
    """Rewrite a live copy of the estate's database, put it back; then again, and commit. It is nobody's to search."""
    town, seller = walk.town, walk.town.seller
    live = walk.base / "live"
    live.mkdir()
    shutil.copy(town.estate / "orders.db", live / "orders.db")
    words = (live_plan(town.root), live)
    town.tell(seller, "in-place", "rewrite", *words, who="qian")
    for last in (("undo", "--reason", "rehearsal"), ("commit", "--reason", "accepted", "--purge-unknown")):
        town.do(seller, "in-place", "rewrite", *words, "--live", who="qian")
        town.do(seller, "in-place", "status", *words, who="qian")
        town.two(seller, "in-place", last[0], *words, *last[1:], "--live", who="qian", second="wang")
    walk.look()
    town.tell(seller, "in-place", "undo", *words, "--reason", "rehearsal", "--live", who="qian")
    shutil.rmtree(live)
    towns.refresh(town)  # it takes a while


def live_plan(root: Path) -> Path:
    """Write that part of the proposed plan that is about the database."""
    begin, *sources = (root / "plan.toml").read_text(encoding="utf-8").split("[[source]]")
    path = root / "live.toml"
    mine = (one for one in sources if 'kind = "sqlite"' in one and "!/" not in one)
    path.write_text("[[source]]".join([begin, *mine]), encoding="utf-8")
    return path


def _two(walk: Walk, *words: str) -> None:
    begun = walk.town.tell(walk.town.seller, *words, who="chen")
    walk.town.do(walk.town.seller, "approve", str(begun.problem["approval"]), who="wang")
    walk.must(walk.town.seller, *words, who="chen")


def _retention(walk: Walk) -> None:
    """Rules, an event, a count, and a run in which nobody is due: everybody is needed later."""
    town, seller, rules = walk.town, walk.town.seller, walk.town.root / "retention.toml"
    rules.write_text(town.do(seller, "retention", "show", "--shipped").text("document"))
    _two(walk, "retention", "set", str(rules))
    town.do(seller, "retention", "event", "relation-ended", "--on", "2020-01-31", who="wang")
    for as_json in (False, True):
        assert town.tell(seller, "retention", "show", as_json=as_json).exit == 0
        assert town.tell(seller, "retention", "run", as_json=as_json).exit == 0
    _two(walk, "retention", "run", "--plan", town.do(seller, "retention", "run").text("plan"))


def _canaries(walk: Walk, token: str) -> None:
    """Some are planted, listed and withdrawn; a file with a value and a token in it is traced."""
    town, seller, leaked = walk.town, walk.town.seller, walk.base.parent / "leaked.csv"
    _two(walk, "canary", "plant", "--recipient", "night-shift", "--count", "3")
    for as_json in (False, True):
        assert town.tell(seller, "canary", "list", as_json=as_json).exit == 0
    _two(walk, "canary", "withdraw", "--recipient", "night-shift")
    leaked.write_text(f"{walk.canaries.card},{token}\n{walk.revealed}\n")
    assert walk.must(seller, "trace", leaked, who="wang").text("named") == "zhao"
    assert town.tell(seller, "trace", leaked, who="wang", as_json=False).exit == 0
    leaked.unlink()


def _while_open(walk: Walk, token: str) -> None:
    """Search while the database is open, its write-ahead log full and uncommitted work in it."""
    firm = walk.town.seller
    with firm.house() as house:
        actor = firm.actor(house, "zhao")
        found = vault.show(house, actor=actor, scope="main", whom=token)
        assert found
        vault.find(house, actor=actor, scope="main", cls=FieldClass.NAME, value=SecretText(walk.canaries.name))
        assert (firm.home / "tigertally.db-wal").stat().st_size > 0
        with house.store.transaction():
            walk.look()
