"""The confidentiality pledge: each person signs the text itself, by its digest, for a year.

A new version of the text makes every earlier signature stale. The decision looks at the fact alone, so stale ones
have to be withdrawn: ``app`` calls :func:`withdraw_stale` when an installation is opened or upgraded.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Final

from tigertally.access import PERSON_PLEDGED
from tigertally.base import canon
from tigertally.base.text import Text
from tigertally.crypto.digest import same, sha256_hex
from tigertally.formats.shape import Reader
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.people import events
from tigertally.people.errors import PledgeChanged
from tigertally.people.standing import need_person
from tigertally.store.tx import Tx

VALID_DAYS: Final = 365
_TEXT_CHARS_MAX: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledge:
    """The text in both languages, its version, and SHA-256 (hex) over the canonical JSON of all three."""

    version: int
    text: Text
    digest: str


@cache
def current_pledge() -> Pledge:
    """Return the shipped text. Reads ``data/pledges`` once."""
    file = resources.files("tigertally.data").joinpath("pledges", "confidentiality.toml")
    return parse(file.read_text(encoding="utf-8"))


def parse(content: str) -> Pledge:
    """Return the pledge in TOML text. Raises ``Malformed``."""
    raw = tomllib.loads(content)
    reader = Reader(raw, what="pledge")
    version = reader.integer("version", minimum=1)
    words = reader.body("text")
    text = Text(words.text("zh", chars_max=_TEXT_CHARS_MAX), words.text("en", chars_max=_TEXT_CHARS_MAX))
    words.end()
    reader.end()
    return Pledge(version=version, text=text, digest=sha256_hex(canon.dumps(raw)))


def sign(tx: Tx, ledger: Ledger, *, person: str, digest: str, now: datetime) -> int:
    """Record that ``person`` signs the text with ``digest``, the one they were shown; return the fact's entry.

    Raises ``NoSuchPerson``, :class:`PledgeChanged` if that is not the present text.
    """
    need_person(tx, person)
    pledge = current_pledge()
    if not same(digest.encode(), pledge.digest.encode()):
        raise PledgeChanged
    payload: dict[str, canon.Json] = {"person": person, "text_digest": pledge.digest, "version": pledge.version}
    ledger.append(tx, Event(kind=events.PLEDGE_SIGNED, payload=payload, actor=person, about=(person,)), now=now)
    return facts.replace(
        tx,
        ledger,
        PERSON_PLEDGED,
        subject=person,
        value={"text_digest": pledge.digest, "version": pledge.version},
        start=now,
        until=now + timedelta(days=VALID_DAYS),
        actor=person,
        now=now,
    )


def stale(fact: Fact, *, pledge: Pledge | None = None) -> bool:
    """Return whether ``fact`` is a signature under another text than ``pledge`` (the shipped one, unless given)."""
    present = current_pledge() if pledge is None else pledge
    return (fact.value.get("text_digest"), fact.value.get("version")) != (present.digest, present.version)


def withdraw_stale(tx: Tx, ledger: Ledger, *, now: datetime, pledge: Pledge | None = None) -> int:
    """Withdraw every signature under another text; return how many. Doing it again changes nothing."""
    found = [
        fact
        for fact in facts.read(tx, ledger=ledger, kinds=[PERSON_PLEDGED.name])
        if not fact.withdrawn and stale(fact, pledge=pledge)
    ]
    for fact in found:
        facts.withdraw(tx, ledger, entry=fact.entry, reason="text_changed", actor="", now=now)
    return len(found)
