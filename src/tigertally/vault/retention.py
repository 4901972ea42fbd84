"""Retention: how long values are kept, as data; who is past it, in counts; the next ones to go.

1. a rule says of a class (or of ``*``: every class that has no rule of its own) how long, from when, what then
   (``erase``, or ``tell``: only say so), which text asks for it and whether that was found, is unverified or is a
   default; what is unverified never erases (law facts: a lawyer sees it first);
2. a period begins when the record was last sealed or grew; with an event's name, when that was stated of the scope, but
   never before that; months and years are the calendar's, cut at a month's end, so that nothing is ever gone early;
3. a customer is erased whole, so they are due only if **each** class of theirs has rules, all of them are past and none
   only tells: what must be kept longest keeps the rest, and a class without a rule keeps it for good;
4. what is under a legal hold (``holds``) is counted and left;
5. the rules in force, an event, and how many are overdue are facts: whoever takes one away is noticed.

Left to others: who may set rules and erase (two persons: ``app.verbs.retention``). Nothing here is opened.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.access.facts import INSTALLATION
from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.fields import BY_CODE, FIELD_RULES, SEALABLE, FieldClass
from tigertally.base.ids import SubjectId
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Fact, Ledger, facts, register_fact
from tigertally.ledger.entries import LOCK
from tigertally.store.schema import to_micros
from tigertally.store.tx import Tx
from tigertally.vault import entries, holds, spelling
from tigertally.vault.errors import BadRetention, NoRetention
from tigertally.vault.rows import sql as sql_rows

RULES: Final = register_fact(
    "vault.retention", Text("保存期限规则", "the rules of retention"),
    version=int, document=str, digest=str, by=str, approver=str,
)  # fmt: skip
EVENT: Final = register_fact(
    "vault.retention_event", Text("保存期限起算事件", "an event from which a retention runs"), event=str, on=str, by=str
)
OVERDUE: Final = register_fact(
    "vault.retention_overdue",
    Text("已过保存期限的客户", "customers past their retention"),
    due=int, told=int, held=int, day=str,
)  # fmt: skip
BYTES_MAX: Final = 65_536
PAGE: Final = 512
SEALED: Final = "sealed"
MARKS: Final = ("found", "unverified", "default")
_EVERY: Final = "*"
_MEMBERS: Final = {"class", "period", "from", "action", "source", "mark"}
_PERIOD: Final = re.compile(r"([1-9][0-9]{0,4})([dmy])", re.ASCII)
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
_SOURCE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,120}")
_DIGITS: Final = re.compile(r"\d{9}")
_NEVER, _ALWAYS = -(2**63), 2**63 - 1
_CODES: Final = 256
_YEARS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One rule. ``cls`` is None for every class without one of its own; ``start`` is ``sealed`` or an event's name."""

    cls: FieldClass | None
    months: int
    days: int
    start: str
    erase: bool
    source: str
    mark: str

    def cutoff(self, day: date) -> int:
        """Return the last instant (microseconds) that is past on ``day``, at its first moment in UTC."""
        years, month = divmod(day.year * 12 + day.month - 1 - self.months, 12)
        begun = date(years, month + 1, min(day.day, monthrange(years, month + 1)[1])) - timedelta(days=self.days)
        return to_micros(datetime(begun.year, begun.month, begun.day, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The rules in force: their digest and version."""

    terms: tuple[Term, ...]
    version: int
    digest: str

    def of(self, cls: FieldClass) -> list[Term]:
        """Return the rules of a class."""
        return [term for term in self.terms if term.cls is cls] or [term for term in self.terms if term.cls is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A scope on a day, in customers: all, due, those only told of, held, and past in some classes but not in others.

    ``past`` counts customers by class; ``plan`` is a digest of the rules, the day and the very customers due.
    """

    day: date
    customers: int
    due: int
    told: int
    held: int
    partly: int
    past: Mapping[FieldClass, int]
    plan: str


def parse(text: str) -> Mapping[str, object]:
    """Return the document in TOML text. Raises ``BadRetention``, which says where."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise BadRetention(where="TOML") from None
    terms_of(found, version=1)
    return found


def shipped() -> str:
    """Return the rules that come with the product, to be edited: in force nowhere by themselves."""
    return (resources.files("tigertally.data") / "retention" / "cn.toml").read_text("utf-8")


def terms_of(document: Mapping[str, object], *, version: int) -> Terms:
    """Return what a document says. Raises ``BadRetention``."""
    given = document.get("rule")
    if document.keys() != {"rule"} or not isinstance(given, list) or not given:
        raise BadRetention(where="rule")
    terms = tuple(_term(one, number) for number, one in enumerate(given, 1))
    return Terms(terms=terms, version=version, digest=sha256_hex(canon.dumps(_plain(document))))


def in_force(tx: Tx, ledger: Ledger) -> Terms:
    """Return the rules in force. Raises ``NoRetention``."""
    fact = newest(tx, ledger)
    if fact is None:
        raise NoRetention
    document = canon.loads(str(fact.value["document"]).encode())
    version = fact.value["version"]
    if not isinstance(document, dict) or not isinstance(version, int):
        raise BadRetention(where="ledger")
    return terms_of(document, version=version)


def newest(tx: Tx, ledger: Ledger) -> Fact | None:
    """Return the fact of the rules in force, None if there are none."""
    standing = _standing(tx, ledger, RULES.name, INSTALLATION)
    return standing[-1] if standing else None


def put(tx: Tx, ledger: Ledger, document: Mapping[str, object], *, actor: str, approver: str, now: datetime) -> Terms:
    """Put a document in force in place of the one there is. Two persons decided that before."""
    before = newest(tx, ledger)
    version = before.value["version"] if before is not None else 0
    terms = terms_of(document, version=(version if isinstance(version, int) else 0) + 1)
    value: dict[str, Json] = {
        "version": terms.version,
        "document": canon.dumps(_plain(document)).decode(),
        "digest": terms.digest,
        "by": actor,
        "approver": approver,
    }
    facts.replace(tx, ledger, RULES, subject=INSTALLATION, value=value, start=now, until=None, actor=actor, now=now)
    return terms


def check_event(event: str, *, on: date, now: datetime) -> None:
    """Raise ``BadRetention`` unless it is a word, and not to come."""
    if not _WORD.fullmatch(event) or event == SEALED or on > now.date():
        raise BadRetention(where="event")


def happened(tx: Tx, ledger: Ledger, *, scope: str, event: str, on: date, actor: str, now: datetime) -> int:
    """State when an event was, in place of what was stated of it before; return the entry. Raises ``BadRetention``."""
    check_event(event, on=on, now=now)
    for fact in events(tx, ledger, scope=scope):
        if fact.value["event"] == event:
            facts.withdraw(tx, ledger, entry=fact.entry, reason="replaced", actor=actor, now=now)
    value: dict[str, Json] = {"event": event, "on": on.isoformat(), "by": actor}
    return facts.state(
        tx, ledger, EVENT, subject=_name(scope), value=value, start=now, until=None, actor=actor, now=now
    )


def events(tx: Tx, ledger: Ledger, *, scope: str) -> list[Fact]:
    """Return the events stated of a scope."""
    return _standing(tx, ledger, EVENT.name, _name(scope))


def survey(tx: Tx, ledger: Ledger, terms: Terms, *, scope: str, day: date) -> Survey:
    """Count a scope on a day. Memory does not grow with it."""
    limits, erasing = _limits(tx, ledger, terms, scope=scope, day=day)
    everybody, spared = holds.spared(tx, ledger, scope=scope)
    hashed = hashlib.sha256(f"{scope}|{day}|{terms.digest}|".encode())
    counts, past = np.zeros(5, np.int64), np.zeros(_CODES, np.int64)
    for page in _pages(tx, scope=scope, after=-1, limits=limits, erasing=erasing):
        held = [everybody or (bool(spared) and ledger.pseudonym(one) in spared) for one in page.due]
        for one, kept in zip(page.due, held, strict=True):
            hashed.update(b"" if kept else one.encode())
        counts += (page.customers, len(held) - sum(held), page.told, sum(held), page.partly)
        past += page.past
    by_class = {BY_CODE[code]: int(past[code]) for code in np.flatnonzero(past).tolist()}
    customers, due, told, kept_back, partly = counts.tolist()
    return Survey(
        day=day, customers=customers, due=due, told=told, held=kept_back, partly=partly,
        past=by_class, plan=hashed.hexdigest(),
    )  # fmt: skip


def next_due(
    tx: Tx, ledger: Ledger, terms: Terms, *, scope: str, day: date, after: int
) -> tuple[list[SubjectId], int, int | None]:
    """Return who is due among the next records, how many of them are held, and where to go on (None: at the end).

    The scope and the ledger are locked, so that no hold is placed before the transaction ends.
    """
    tx.lock(f"vault:{scope}")
    tx.lock(LOCK)
    limits, erasing = _limits(tx, ledger, terms, scope=scope, day=day)
    everybody, spared = holds.spared(tx, ledger, scope=scope)
    page = next(_pages(tx, scope=scope, after=after, limits=limits, erasing=erasing, size=PAGE), None)
    if page is None:
        return [], 0, None
    going = [one for one in page.due if not everybody and not (spared and ledger.pseudonym(one) in spared)]
    return going, len(page.due) - len(going), page.last


def note(tx: Tx, ledger: Ledger, found: Survey, *, scope: str, now: datetime) -> None:
    """State how many are overdue, unless that stands already."""
    value: dict[str, Json] = {
        "due": found.due,
        "told": found.told,
        "held": found.held,
        "day": found.day.isoformat(),
    }
    standing = overdue(tx, ledger, scope=scope)
    if standing is None or dict(standing.value) != value:
        facts.replace(tx, ledger, OVERDUE, subject=_name(scope), value=value, start=now, until=None, actor="", now=now)


def overdue(tx: Tx, ledger: Ledger, *, scope: str) -> Fact | None:
    """Return what was last counted of a scope, None if nothing was."""
    standing = _standing(tx, ledger, OVERDUE.name, _name(scope))
    return standing[-1] if standing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    customers: int
    due: list[SubjectId]
    told: int
    partly: int
    past: npt.NDArray[np.int64]
    last: int


def _pages(
    tx: Tx,
    *,
    scope: str,
    after: int,
    limits: npt.NDArray[np.int64],
    erasing: npt.NDArray[np.bool_],
    size: int = 16 * PAGE,
) -> Iterator[_Page]:
    while found := sql_rows.aged_after(tx, scope=scope, after=after, limit=size):
        there = entries.heads([head for _, _, head, _ in found])
        aged = np.fromiter((to_micros(sealed) for _, _, _, sealed in found), np.int64, len(found))
        over = aged[there.record] <= limits[there.code]
        some, all_ = np.zeros(len(found), np.bool_), np.ones(len(found), np.bool_)
        some[there.record[over]] = True
        all_[there.record[~over]] = False
        all_ &= there.counts > 0
        telling = np.zeros(len(found), np.bool_)
        telling[there.record[~erasing[there.code]]] = True
        different = np.unique((there.record << 8 | there.code)[over])
        due = np.flatnonzero(all_ & ~telling).tolist()
        after = found[-1][0]
        yield _Page(
            customers=len(found),
            due=[SubjectId(one) for one in spelling.subjects_text([found[at][1] for at in due])] if due else [],
            told=int((all_ & telling).sum()),
            partly=int((some & ~all_).sum()),
            past=np.bincount(different & (_CODES - 1), minlength=_CODES),
            last=after,
        )


def _limits(
    tx: Tx, ledger: Ledger, terms: Terms, *, scope: str, day: date
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return, by class code, until when what was sealed is past, and whether being past erases."""
    stated = {
        str(fact.value["event"]): date.fromisoformat(str(fact.value["on"])) for fact in events(tx, ledger, scope=scope)
    }
    limits, erasing = np.full(_CODES, _NEVER, np.int64), np.zeros(_CODES, np.bool_)
    for cls in SEALABLE:
        mine = terms.of(cls)
        code = FIELD_RULES[cls].code
        limits[code] = min((_limit(term, stated, day) for term in mine), default=_NEVER)
        erasing[code] = bool(mine) and all(term.erase for term in mine)
    return limits, erasing


def _limit(term: Term, stated: Mapping[str, date], day: date) -> int:
    cutoff = term.cutoff(day)
    if term.start == SEALED:
        return cutoff
    on = stated.get(term.start)
    begun = _ALWAYS if on is None else to_micros(datetime(on.year, on.month, on.day, tzinfo=UTC))
    return cutoff if begun <= cutoff else _NEVER


def _term(given: object, number: int) -> Term:
    where = f"rule {number}"
    if (
        not isinstance(given, dict)
        or given.keys() != _MEMBERS
        or not all(isinstance(one, str) for one in given.values())
    ):
        raise BadRetention(where=where)
    words: Mapping[str, str] = given
    classes: dict[str, FieldClass | None] = {_EVERY: None, **{cls.value: cls for cls in SEALABLE}}
    period = _PERIOD.fullmatch(words["period"])
    length, unit = (int(period[1]), period[2]) if period else (0, "")
    years = {"d": length / 365, "m": length / 12, "y": length}.get(unit, 0)
    checks = {
        "class": words["class"] in classes,
        "period": 0 < years <= _YEARS_MAX,
        "from": bool(_WORD.fullmatch(words["from"])),
        "action": words["action"] in {"erase", "tell"},
        "source": bool(_SOURCE.fullmatch(words["source"])) and not _DIGITS.search(words["source"]),
        "mark": words["mark"] in MARKS,
        "action of an unverified rule": words["mark"] != "unverified" or words["action"] == "tell",
    }
    for name, good in checks.items():
        if not good:
            raise BadRetention(where=f"{where}, {name}")
    return Term(
        cls=classes[words["class"]],
        months=length * {"d": 0, "m": 1, "y": 12}[unit],
        days=length if unit == "d" else 0,
        start=words["from"],
        erase=words["action"] == "erase",
        source=words["source"],
        mark=words["mark"],
    )


def _plain(document: Mapping[str, object]) -> dict[str, Json]:
    rules: Sequence[Mapping[str, str]] = document["rule"]  # type: ignore[assignment]  # terms_of looked
    return {"rule": [dict(one) for one in rules]}


def _standing(tx: Tx, ledger: Ledger, kind: str, subject: str) -> list[Fact]:
    return [fact for fact in facts.read(tx, ledger=ledger, kinds=[kind], subjects=[subject]) if not fact.withdrawn]


def _name(scope: str) -> str:
    return f"retention:{scope}"
