"""Two companies, made cheaply, whose people type commands: what stories, leak and fault tests start from.

Passphrases are stretched at the lowest cost the product accepts; everything else is what a user's installation is.
Not a test itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
from tests.stories import routes
from tests.stories.keys import own_key, show_key

from tigertally import people
from tigertally.access import Actor, Role
from tigertally.access.errors import LoginFailed
from tigertally.app import wire
from tigertally.app.settings import DATABASE_DEFAULT, write_whole
from tigertally.app.verbs import identity
from tigertally.app.verbs import people as people_verbs
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.base.clock import Clock, SystemClock
from tigertally.base.secret import SecretText
from tigertally.cli.base import run
from tigertally.cli.houses import Houses
from tigertally.crypto import totp
from tigertally.crypto.kdf import Argon2Cost
from tigertally.people import Screening
from tigertally.testing.authenticator import Authenticator
from tigertally.testing.estate import ORDERS_DB, build
from tigertally.testing.truth import Truth

CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
CUSTOMERS = 120
SELLER = {"chen": "lead", "wang": "officer", "qian": "custodian", "zhao": "operator"}
BUYER = {"sun": "lead", "li": "officer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command came to."""

    words: tuple[str, ...]
    exit: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Json]:
        """The JSON of standard output; a list is under ``items``."""
        found = json.loads(self.out)
        return found if isinstance(found, dict) else {"items": found}

    @property
    def problem(self) -> dict[str, Json]:
        """The problem told on standard error as JSON."""
        found = json.loads(self.err)["problem"]
        assert isinstance(found, dict)
        return found

    def text(self, name: str) -> str:
        """One text of the JSON, or of its first item."""
        data = self.data
        items = data.get("items")
        if isinstance(items, list) and isinstance(items[0], dict):
            data = items[0]
        return str(data[name])

    @property
    def unmet(self) -> list[str]:
        """The conditions that a refusal listed."""
        points = self.problem.get("unmet", [])
        assert isinstance(points, list)
        return [str(point["condition"]) for point in points if isinstance(point, dict)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """One company's installation and the secrets of its people (invented, one per name)."""

    home: Path
    unlock: Path
    totp: dict[str, str]
    keys: dict[str, Authenticator] = field(default_factory=dict)
    """Passkeys of those who look at clear values."""

    def house(self, clock: Clock | None = None) -> contextlib.AbstractContextManager[House]:
        """Open the installation."""
        passphrase = SecretText(self.unlock.read_text().strip())
        return wire.open_house(self.home, root_passphrase=passphrase, clock=clock or SystemClock())

    def actor(self, house: House, who: str) -> Actor:
        """Who acts, by the session on disk."""
        token = SecretText((self.home / "sessions" / who).read_text().strip())
        return people_verbs.actor_of(house, handle=who, token=token)

    def code(self, who: str, at: datetime) -> SecretText:
        """A one-time code."""
        return totp.code_at(totp.from_base32(SecretText(self.totp[who])), at)


def passphrase_of(who: str) -> str:
    """A person's passphrase in every test."""
    return f"long-and-invented-{who}"


@dataclass(slots=True, kw_only=True)
class Town:
    """A folder with both companies, their estate and what passed between them."""

    root: Path
    seller: Firm
    buyer: Firm
    told: list[Answer] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    houses: Houses | None = None

    @property
    def estate(self) -> Path:
        return self.root / "estate"

    @property
    def trust(self) -> tuple[str, ...]:
        """Words that name both party cards."""
        cards = (self.root / "seller-card.json", self.root / "buyer-card.json")
        return tuple(word for card in cards for word in ("--trust", str(card)))

    def tell(
        self, firm: Firm | None, *words: str | Path, who: str = "", lang: str = "en", as_json: bool = True
    ) -> Answer:
        """Run a command in this process."""
        spelled = arguments(firm, words, who=who, lang=lang, as_json=as_json)
        heard, wrong = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(wrong):
            code = run(spelled, houses=self.houses)
        answer = Answer(words=tuple(spelled), exit=code, out=heard.getvalue(), err=wrong.getvalue())
        self.told.append(answer)
        return answer

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep installations open meanwhile, as a server does: most of a command's time goes into opening one."""
        if self.houses is not None:
            yield
            return
        with Houses() as self.houses:
            yield
        self.houses = None

    def do(self, firm: Firm | None, *words: str | Path, who: str = "") -> Answer:
        """Run a command that must succeed."""
        answer = self.tell(firm, *words, who=who)
        assert answer.exit == 0, (words, answer.out, answer.err)
        return answer

    def with_a_code(self, who: str) -> None:
        """Let the seller's ``who`` show a one-time code in place of the passkey."""
        with self.seller.house() as house:
            token = SecretText((self.seller.home / "sessions" / who).read_text().strip())
            later = house.clock.now() + timedelta(seconds=30)
            people_verbs.confirm(house, handle=who, token=token, code=self.seller.code(who, later))

    def two(self, firm: Firm, *words: str | Path, who: str, second: str) -> Answer:
        """Run a two-person act to its end."""
        begun = self.tell(firm, *words, who=who)
        assert (begun.exit, begun.unmet) == (3, ["second_person"]), (words, begun.out, begun.err)
        self.do(firm, "approve", str(begun.problem["approval"]), who=second)
        return self.do(firm, *words, who=who)


def arguments(
    firm: Firm | None, words: Iterable[str | Path], *, who: str = "", lang: str = "en", as_json: bool = True
) -> list[str]:
    """A command line in full."""
    spelled = [str(word) for word in words] + ["--lang", lang] + ["--json"] * as_json
    if firm is not None:
        spelled += ["--home", str(firm.home), "--unlock-file", str(firm.unlock)]
    return spelled + (["--as", who] if who else [])


def process(
    words: Iterable[str],
    *,
    cwd: Path,
    given: str = "",
    extra: Mapping[str, str] | None = None,
    wait_s: float = 120,
    file_bytes_max: int | None = None,
) -> Answer:
    """Run a command as a real process without a terminal; no file may grow past ``file_bytes_max``: a full disk."""
    spelled = tuple(words)
    # The limit is the child's only: a shell sets it (in blocks of 512 bytes) and becomes the command.
    limit = [] if file_bytes_max is None else ["sh", "-c", f'ulimit -f {file_bytes_max // 512}; exec "$@"', "sh"]
    done = subprocess.run(
        [*limit, sys.executable, "-m", "tigertally.cli", *spelled],
        cwd=cwd,
        input=given.encode(),
        capture_output=True,
        timeout=wait_s,
        env={**os.environ, "PYTHONUTF8": "1", **(extra or {})},
        check=False,
        start_new_session=True,
    )
    return Answer(words=spelled, exit=done.returncode, out=done.stdout.decode("utf-8"), err=done.stderr.decode("utf-8"))


def settle(home: Path, *, staff: Mapping[str, str], clock: Clock | None = None, url: str = DATABASE_DEFAULT) -> Firm:
    """Make an installation whose people are trained, screened, pledged and logged in."""
    clock = clock or SystemClock()
    lead, *others = staff
    unlock = home.with_name(f"{home.name}-root.txt")
    unlock.write_text(f"long-and-invented-root-of-{home.name}\n")
    made = wire.create(
        home,
        name=home.name,
        database=url,
        root_passphrase=SecretText(unlock.read_text().strip()),
        lead_handle=lead,
        lead_passphrase=SecretText(passphrase_of(lead)),
        clock=clock,
        cost=CHEAP,
    )
    firm = Firm(home=home, unlock=unlock, totp={lead: totp.base32_of(made.totp).expose()})
    with firm.house(clock) as house:
        log_in(firm, house, lead)
        for who in others:
            by = firm.actor(house, lead)
            added = people_verbs.add_person(house, actor=by, handle=who, roles={Role(staff[who])})
            own = SecretText(passphrase_of(who))
            enrolled = identity.enrol(house, handle=who, code=added.code, passphrase=own, cost=CHEAP)
            firm.totp[who] = totp.base32_of(enrolled.totp).expose()
            log_in(firm, house, who)
            if staff[who] == "operator":
                own_key(firm, house, who)
        for who in staff:
            actor = firm.actor(house, who)
            drawn = people_verbs.quiz()
            right = [{at for at, choice in enumerate(one.options) if choice.right} for one in drawn.questions]
            assert people_verbs.train(house, actor=actor, drawn=drawn, answers=right).passed
            people_verbs.pledge(house, actor=actor, digest=people.current_pledge().digest)
            by = firm.actor(house, others[0] if who == lead else lead)
            people_verbs.screen(house, actor=by, handle=who, outcome=Screening.PASS)
    return firm


def log_in(firm: Firm, house: House, who: str, *, later: bool = False) -> None:
    """Open a session; ``later`` uses the next code, for whoever logged in within half a minute."""
    at = house.clock.now() + timedelta(seconds=30 * later)
    token = people_verbs.login(house, handle=who, passphrase=SecretText(passphrase_of(who)), code=firm.code(who, at))
    (firm.home / "sessions").mkdir(mode=0o700, exist_ok=True)
    write_whole(firm.home / "sessions" / who, token.expose().encode())
    if who in firm.keys:
        show_key(firm, house, who)


def found_town(root: Path) -> Town:
    """Both companies with their people, nothing else."""
    root.mkdir(parents=True, exist_ok=True)
    return Town(root=root, seller=settle(root / "seller", staff=SELLER), buyer=settle(root / "buyer", staff=BUYER))


def fill(town: Town, *, customers: int = CUSTOMERS, seed: int = 1, only: Sequence[str] = ()) -> Truth:
    """Write the estate (of its files, ``only`` some) and discover it; its inventory is beside it."""
    truth = build(town.estate, customers=customers, seed=seed)
    for path in [path for path in town.estate.rglob("*") if path.is_file()] if only else []:
        if path.relative_to(town.estate).as_posix() not in only:
            path.unlink()
    town.do(town.seller, "discover", town.estate, "--out", town.root / "inventory.json", "--record", who="chen")
    return truth


def seal(town: Town) -> None:
    """Open the deal, plan, seal, protect."""
    root, seller = town.root, town.seller
    opened = town.do(seller, "deal", "open", "--title", "Invented", "--structure", "D2", who="chen")
    town.ids["deal"] = opened.text("deal")
    inventory = ("--inventory", root / "inventory.json")
    town.do(None, "plan", "propose", town.estate, *inventory, "--out", root / "plan.toml")
    town.do(None, "plan", "check", root / "plan.toml", town.estate, *inventory)
    town.do(seller, "seal", root / "plan.toml", town.estate, *inventory, who="qian")
    town.do(seller, "protect", root / "plan.toml", town.estate, *inventory, "--out", root / "protected", who="qian")


def meet(town: Town) -> None:
    """Exchange and confirm the party cards."""
    cards = [
        town.do(firm, "deal", "card", "--out", town.root / f"{firm.home.name}-card.json")
        for firm in (town.seller, town.buyer)
    ]
    town.do(town.seller, "deal", "import", town.root / "buyer-card.json", who="chen")
    town.do(town.buyer, "deal", "import", town.root / "seller-card.json", who="sun")
    for firm, card, who, second in ((town.seller, cards[1], "chen", "wang"), (town.buyer, cards[0], "sun", "li")):
        words = ("deal", "confirm", card.text("party"), "--fingerprint", card.text("fingerprint"))
        town.two(firm, *words, who=who, second=second)
    town.ids["buyer"] = cards[1].text("party")


def agree(town: Town, *, days: int = 365) -> None:
    """Conclude the agreement."""
    invitation, acceptance = town.root / "invitation.json", town.root / "acceptance.json"
    words = ("deal", "invite", town.ids["deal"], "--buyer", town.ids["buyer"], "--purpose", "refund")
    town.do(town.seller, *words, "--days", str(days), "--out", invitation, who="chen")
    town.do(town.buyer, "deal", "accept", invitation, "--out", acceptance, who="sun")
    town.do(town.seller, "deal", "conclude", acceptance, who="chen")
    for firm, staff in ((town.seller, ("chen", "qian", "zhao")), (town.buyer, ("sun",))):
        for who in staff:
            town.do(firm, "deal", "sign", town.ids["deal"], "--yes", who=who)


def advance(town: Town, *stages: str) -> None:
    """Move both sides' deal."""
    for to in stages:
        town.do(town.seller, "deal", "stage", town.ids["deal"], to, who="chen")
        town.do(town.buyer, "deal", "stage", town.ids["deal"], to, who="sun")


def waive(town: Town, *conditions: str) -> None:
    """Waive what this version cannot check, by two persons on each side that needs it."""
    paper = town.root / "minutes.txt"
    paper.write_text("Kept by counsel (fictional).\n")
    rest = ("--reason", "done_elsewhere", "--document", paper)
    for condition in conditions:
        words = ("deal", "waive", town.ids["deal"], condition, *rest)
        town.two(town.seller, *words, who="chen", second="wang")
        if condition == "drill":
            town.two(town.buyer, *words, who="sun", second="li")


def without_witnesses(town: Town) -> None:
    """These companies have no witnesses: two persons of each say so, for a time."""
    what = ("--for", "handover.release", "--for", "handover.destroy")
    words = ("policy", "waive", "witnessed", *what, "--reason", "not_yet")
    town.two(town.seller, *words, who="chen", second="wang")
    town.two(town.buyer, *words, who="sun", second="li")


def release(town: Town) -> None:
    """Sign the release on both sides and close."""
    proposed, signed = town.root / "release.json", town.root / "release-signed.json"
    words = ("release", "propose", town.ids["deal"], "--out", proposed)
    town.two(town.seller, *words, who="chen", second="wang")
    town.two(town.buyer, "release", "countersign", proposed, "--out", signed, who="sun", second="li")
    town.do(town.seller, "release", "accept", signed, who="chen")


def sell(town: Town, *, days: int = 365) -> None:
    """Everything from cards to the closing stage, where a bundle may be written; ``days`` the agreement is in force."""
    with town.at_work():
        meet(town)
        agree(town, days=days)
        advance(town, "S1", "S2", "S3")
        waive(town, "impact_assessment")
        advance(town, "S4", "S5", "S6")
        routes.decide(town)
        waive(town, *routes.ASKS)
        without_witnesses(town)
        release(town)
        advance(town, "S7")


OWN_FORMAT = """
name = "own"
zh = "自有"
en = "own"
source = "invented"
found = "2026-03-02"
verified = true
lines_max = 1000
bytes_max = 1000000
runs_max = 2
answer = ["id", "new"]
columns = [
    { name = "id", value = "subject", required = true },
    { name = "card", value = "pan", required = true },
    { name = "holder", value = "name" },
    { name = "txn", value = "scheme_txn_id", wanted = true },
]
"""


def to_processor(town: Town) -> Path:
    """A processor's files, tried and then written, and its answer; needs a standing release. Return their folder."""
    root, seller, deal = town.root, town.seller, town.ids["deal"]
    (root / "own.toml").write_text(OWN_FORMAT, encoding="utf-8")
    (root / "desk.age").write_text(str(pyrage.x25519.Identity.generate().to_public()))
    (root / "answer.csv").write_text("id,new\n")
    words = ("processor", "export", deal, "--to", root / "own.toml")
    tried = town.do(seller, *words, "--dry-run", who="chen")
    place = root / "to-own"
    done = town.two(seller, *words, "--recipient", root / "desk.age", "--out", place, who="chen", second="wang")
    assert done.data["lines"] == tried.data["lines"] != 0
    taken = ("processor", "answer", deal, root / "answer.csv", "--to", root / "own.toml", "--out", root / "map.csv")
    town.do(seller, *taken, who="chen")
    return place


def some_token(town: Town) -> str:
    """A card's token, as an operator reads it in the protected order system."""
    with closing(sqlite3.connect(town.root / "protected" / ORDERS_DB)) as database:
        (token,) = database.execute("SELECT card_no FROM cards ORDER BY card_id LIMIT 1").fetchone()
    return str(token)


def keep(town: Town, name: str = "kept") -> Path:
    """Set a copy of the town aside; it is put back in its place, since its ledger knows where things are."""
    aside = town.root.with_name(f"{town.root.name}-{name}")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(town.root, aside)
    return aside


def is_kept(town: Town, name: str) -> bool:
    """Whether :func:`keep` set such a copy aside."""
    return town.root.with_name(f"{town.root.name}-{name}").exists()


def put_back(town: Town, name: str = "kept") -> None:
    """Restore what :func:`keep` set aside."""
    shutil.rmtree(town.root)
    shutil.copytree(town.root.with_name(f"{town.root.name}-{name}"), town.root)


def refresh(town: Town) -> None:
    """Show everybody's second factor again, where the last code is old enough: slow machines take their time."""
    for firm, staff in ((town.seller, SELLER), (town.buyer, BUYER)):
        with firm.house() as house:
            now = house.clock.now()
            for who in staff:
                if who in firm.keys:
                    show_key(firm, house, who)
                    continue
                token = SecretText((firm.home / "sessions" / who).read_text().strip())
                with contextlib.suppress(LoginFailed):  # this code was used already, so it is fresh enough
                    people_verbs.confirm(house, handle=who, token=token, code=firm.code(who, now))
