"""The wrong turns: canary values in arguments, plans, papers and broken files, and errors nobody foresaw.

Whatever a command says to these is kept by the :class:`~tests.leaks.walk.Walk` and searched. Not a test itself.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from tests.leaks.canaries import EXTRA_CSV
from tests.leaks.walk import Walk
from tests.stories import town as towns
from tests.stories.town import Firm

from tigertally import discovery
from tigertally.app.verbs import sealing
from tigertally.base.text import Text


class Bomb:
    """A clock and a progress that fail with a customer's value in the exception, at the n-th call."""

    def __init__(self, value: str, at: int, clock: Callable[[], datetime]) -> None:
        self.value, self.left, self.clock = value, at, clock

    def _tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise ValueError(f"could not take {self.value}")

    def begin(self, what: Text, total: int | None) -> None:
        """A phase begins."""
        del what, total
        self._tick()

    def advance(self, done: int) -> None:
        """A batch is done."""
        del done
        self._tick()

    def now(self) -> datetime:
        """The time, or not."""
        self._tick()
        return self.clock()


def explode(walk: Walk) -> Iterator[BaseException]:
    """Let unexpected exceptions with values in them happen inside verbs; give what came out."""
    firm, root, value = walk.town.seller, walk.town.root, walk.canaries.card
    text = (root / "plan.toml").read_text()
    inventory = discovery.from_json((root / "inventory.json").read_text())
    for number in (2, 3, 4, 5, 6):
        with firm.house() as calm:
            actor = firm.actor(calm, "qian")
        bomb = Bomb(value, number, calm.clock.now)
        try:
            with firm.house(bomb) as house:
                sealing.seal(house, actor=actor, text=text, root=walk.town.estate, inventory=inventory, scope="main")
        except Exception as error:  # noqa: BLE001 - anything may come, that is the point
            walk.tracebacks.append("".join(traceback.format_exception(error)))
            yield error


def damage(home: Path, how: str) -> None:
    """Break an installation's files."""
    path = home / "tigertally.db"
    if how == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    elif how == "noise":
        data = bytearray(path.read_bytes())
        data[8192::97] = bytes(len(data[8192::97]))
        path.write_bytes(data)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "missing table":
        _sql(path, "DROP TABLE vault_run")
    elif how == "constraint":
        tables = _sql(path, "SELECT name FROM sqlite_master WHERE type='table' AND name LIKE 'vault%'")
        for (name,) in tables:
            _sql(path, f"CREATE TRIGGER no_{name} BEFORE INSERT ON {name} BEGIN SELECT RAISE(ABORT, 'no'); END")
    elif how == "settings":
        (home / "tigertally.toml").write_text("[installation]\nparty = 7\n")
    elif how == "root key":
        data = bytearray((home / "root.key").read_bytes())
        data[-3] ^= 1
        (home / "root.key").write_bytes(data)
    else:
        raise ValueError(how)


DAMAGES = ("truncated", "noise", "empty", "missing table", "constraint", "settings", "root key")


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def _sql(path: Path, statement: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as database:
        found: list[tuple[str]] = database.execute(statement).fetchall()
        database.commit()
    return found


def break_things(walk: Walk) -> None:
    """Every wrong key, file and argument that a user or a disk can come up with, after sealing."""
    _typed(walk)
    _plans(walk)
    _papers(walk)
    _sources(walk)
    _houses(walk)


def _inventory(walk: Walk) -> tuple[str | Path, ...]:
    return ("--inventory", walk.town.root / "inventory.json")


def _answers(walk: Walk, value: str) -> Path:
    path = walk.base.with_name("answers.toml")  # where nobody looks: it holds what a user typed wrongly
    path.write_text(f"persons = '{value}'\n'{value}' = true\n")
    return path


def _typed(walk: Walk) -> None:
    seller, out = walk.town.seller, walk.town.root / "never.json"
    canaries = walk.canaries
    others = (canaries.national_id, canaries.name, canaries.mail, canaries.password, canaries.iban)
    for number, value in enumerate((canaries.card, *others)):
        for words in (
            ("show", value),
            ("reveal", value, "--purpose", "refund"),
            ("grant", "approve", value),
            ("approve", value),
            ("ledger", "prove", value, "--out", out),
            ("deal", "stage", value, "S1"),
            ("deal", "structure", value, "D2"),
            ("deal", "sign", value, "--yes"),
            ("deal", "agreement", value),
            ("deal", "pdf", out, "--for", value, "--out", out),
            ("deal", "engage", value, "--role", "counsel"),
            ("deal", "route", "look", walk.town.ids["deal"], "--answers", _answers(walk, value)),
            ("deal", "route", "decide", value, "--answers", _answers(walk, value), "--out", out),
            ("deal", "done", value, "return", "--document", walk.town.seller.unlock),
            ("deal", "confirm", value, "--fingerprint", value),
            ("release", "propose", value, "--out", out),
            ("destroy", value),
            ("bundle", value, "--out", out),
            ("processor", "export", value, "--to", "stripe", "--dry-run"),
            ("processor", "export", value, "--to", value, "--dry-run"),
            ("processor", "answer", value, value, "--to", "stripe", "--out", out),
            ("retention", "event", value, "--on", "2020-01-31"),
            ("retention", "run", "--plan", value),
            ("canary", "plant", "--recipient", value),
            ("canary", "withdraw", "--recipient", value),
            ("trace", out),
            ("people", "freeze", value, "--reason", "investigation"),
            ("people", "roles", value, "--roles", "lead"),
        )[number % 2 :: 2]:
            walk.wrong(seller, *words, who="chen")
    for value in (canaries.card, canaries.national_id):
        for bare in (
            (value,),
            ("deal", value),
            ("show",),
            ("find", "--class", value),
            ("keys", "rotate", "--scope", value),
            ("keys", "migrate", "--scope", value, "--suite", "guomi-1"),
            ("ledger", "show", value),
            ("show", value, value),
            ("--nosuch", value),
            (f"--nosuch={value}",),
            ("reveal", "x", "--purpose", value),
            ("grant", "ask", "--class", "pan", "--purpose", "refund", "--uses", f"{value}x"),
            ("people", "train", "--answers", value),
            ("login", value, "--passphrase-file", walk.town.seller.unlock, "--code", value),
            ("receipt", value),
            ("seal", value, value),
            ("deal", "stage", walk.town.ids["deal"], value),
        ):
            walk.wrong(seller, *bare, who="chen")
        for bare in (("verify", value), ("discover", value), ("plan", "check", value, value)):
            walk.wrong(None, *bare)


def _plans(walk: Walk) -> None:
    root, seller, canaries = walk.town.root, walk.town.seller, walk.canaries
    planted = root / "planted"
    planted.mkdir()
    good = (root / "plan.toml").read_text()
    for number, text in enumerate(
        (
            f"{canaries.card}\n",
            f'name = "{canaries.name}\n',
            good + f'\n[[source]]\nobject = "{canaries.card}"\n',
            good.replace("pan", canaries.card),
            good.replace('"seal"', f'"{canaries.mail}"'),
            good.replace("card_no", canaries.card),
            good + f"\n{canaries.password} = 1\n",
            "\x00" + canaries.card,
            good + f'\nname = "{canaries.iban}',
        )
    ):
        plan = planted / f"plan{number}.toml"
        plan.write_text(text)
        walk.wrong(None, "plan", "check", plan, walk.town.estate)
        walk.wrong(seller, "seal", plan, walk.town.estate, *_inventory(walk), who="qian")
    stored = json.loads((root / "inventory.json").read_text())
    stored["findings"][0]["class"] = canaries.card
    for number, text in enumerate((json.dumps(stored), f'{{"{canaries.name}": ', f'["{canaries.card}"]')):
        inventory = planted / f"inventory{number}.json"
        inventory.write_text(text)
        words = ("plan", "check", root / "plan.toml", walk.town.estate, "--inventory", inventory)
        walk.wrong(None, *words)


def _papers(walk: Walk) -> None:
    planted, seller, canaries = walk.town.root / "planted", walk.town.seller, walk.canaries
    card = json.loads((walk.town.seller.home / "party.json").read_text())
    card["payloadType"] = canaries.card
    answers = planted / "answers.json"
    for number, text in enumerate((json.dumps(card), f'{{"name": "{canaries.name}"', canaries.card * 9)):
        paper = planted / f"paper{number}.json"
        paper.write_text(text)
        for words in (
            ("deal", "import", paper),
            ("deal", "accept", paper, "--out", planted / "never"),
            ("deal", "conclude", paper),
            ("release", "countersign", paper, "--out", planted / "never"),
            ("release", "accept", paper),
            ("receipt", paper),
            ("certificate", "validate", paper, "--out", planted / "never"),
            ("certificate", "keep", paper),
        ):
            walk.wrong(seller, *words, who="chen")
        walk.wrong(None, "verify", paper)
        walk.wrong(None, "deal", "read", paper)
        walk.wrong(seller, "closing-book", "make", canaries.card, "--out", planted / "never", who="chen")
        answers.write_text(text)
    walk.wrong(seller, "people", "train", "--answers", answers, who="chen")


def _sources(walk: Walk) -> None:
    """Sources that broke or changed after the plan was made; whatever the commands say, no value is in it."""
    town, root = walk.town, walk.town.root
    broken = root / "planted" / "estate"
    changes: tuple[Callable[[], object], ...] = (
        lambda: _cut(broken / "orders.db"),
        lambda: _sql(broken / "orders.db", "ALTER TABLE cards RENAME COLUMN card_no TO other"),
        lambda: _sql(broken / "orders.db", "DROP TABLE customers"),
        lambda: _cut(broken / "finance" / "退款.xlsx"),
        lambda: _cut(broken / "backup" / "old-2023.zip"),
        lambda: _cut(broken / "logs" / "gateway-2025-12.log.gz"),
        lambda: (broken / EXTRA_CSV).write_bytes((broken / EXTRA_CSV).read_bytes().replace(b",", b'"', 9)),
        lambda: (broken / EXTRA_CSV).write_bytes(b"\x00" * 100 + (broken / EXTRA_CSV).read_bytes()),
        lambda: (broken / EXTRA_CSV).write_bytes((broken / EXTRA_CSV).read_bytes().decode("gb18030").encode()),
        lambda: (broken / "api" / "bindings.jsonl").write_text(f'{{"customer_no": "{walk.canaries.card}'),
    )
    for number, change in enumerate(changes):
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(town.estate, broken)
        change()
        town.tell(None, "discover", broken)
        town.tell(None, "plan", "check", root / "plan.toml", broken)
        words = (root / "plan.toml", broken, *_inventory(walk), "--scope", f"broken{number}")
        town.tell(town.seller, "seal", *words, who="qian")
        town.tell(town.seller, "protect", *words, "--out", root / f"protected{number}", who="qian")
    shutil.rmtree(broken)


def _houses(walk: Walk) -> None:
    town, root = walk.town, walk.town.root
    home = root / "damaged"
    bad = Firm(home=home, unlock=town.seller.unlock, totp={})
    for how in DAMAGES:
        shutil.copytree(town.seller.home, home)
        damage(home, how)
        for words in (
            ("show", towns.some_token(town)),
            ("seal", root / "plan.toml", town.estate, *_inventory(walk)),
            ("seal", root / "plan.toml", town.estate, *_inventory(walk), "--scope", "other"),
            ("reveal", towns.some_token(town), "--purpose", "refund"),
            ("fsck",),
            ("status",),
        ):
            town.tell(bad, *words, who="qian", as_json=how > "m")
        walk.look()
        shutil.rmtree(home)
    for firm in (
        Firm(home=town.seller.home, unlock=town.buyer.unlock, totp={}),
        Firm(home=root / "nowhere", unlock=town.buyer.unlock, totp={}),
    ):
        walk.wrong(firm, "show", towns.some_token(town), who="qian")
    words = ("seal", root / "plan.toml", town.estate, *_inventory(walk), "--scope", "full")
    full = towns.arguments(town.seller, words, who="qian")
    for limit in (1 << 12, 1 << 19):
        answer = towns.process(full, cwd=walk.base, file_bytes_max=limit, extra={"TMPDIR": str(walk.temp)})
        walk.said.append(answer)
        walk.look()
