"""Why a decision came out as it did: what was asked, what was known and which entry proves it, what was missing.

Read back from the decision's own entry, so it is what counted then, not what would count now. A payload that was
erased leaves a ground without content: its entry still proves that there was one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.access import events
from tigertally.access.errors import NoSuchDecision
from tigertally.access.rules import in_force
from tigertally.access.unmet import ALL
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.formats import leaf as leaves
from tigertally.ledger import Ledger, event_kinds, fact_kinds, sql
from tigertally.ledger.errors import LedgerBroken, NoSuchEntry
from tigertally.ledger.facts import FACT_STATED
from tigertally.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Something that the decision rested on: its entry, what it is, and what it said (None if erased)."""

    entry: int
    at: datetime
    title: Text
    said: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One decision. ``asked`` are the members of its entry; ``present_rules`` whether the rules are still the same."""

    entry: int
    at: datetime
    allowed: bool
    asked: Mapping[str, Json]
    missing: tuple[tuple[str, Text], ...]
    waived: tuple[tuple[str, Text], ...]
    grounds: tuple[Ground, ...]
    present_rules: bool


_ASKED: Final = ("decision", "person", "action", "classes", "count", "purpose", "deal", "act", "policy")


def explain(tx: Tx, ledger: Ledger, *, entry: int) -> Explanation:
    """Explain the decision in ``entry``.

    Raises :class:`NoSuchDecision` if it is none or its content was erased; ``NoSuchEntry``, ``LedgerBroken``.
    """
    raw = sql.read_leaf(tx, entry)
    if raw is None:
        raise NoSuchEntry(index=entry)
    leaf = leaves.parse(raw)
    if leaf.kind != events.DECISION_MADE.name:
        raise NoSuchDecision(entry=entry)
    payload = ledger.payload_of(tx, entry, kind=events.DECISION_MADE)
    if payload is None:
        raise NoSuchDecision(entry=entry)
    if not isinstance(payload, dict):
        raise LedgerBroken(index=entry, what="payload")
    codes = [str(code) for code in _list(payload, "unmet")]
    used = [index for index in _list(payload, "facts") if isinstance(index, int)]
    return Explanation(
        entry=entry,
        at=leaf.at,
        allowed=payload.get("allowed") is True,
        asked={name: payload[name] for name in _ASKED} | _owner(payload),
        missing=tuple((code, _title(code)) for code in codes),
        waived=tuple((code, _title(code)) for code in map(str, _list(payload, "waived"))),
        grounds=tuple(_ground(tx, ledger, index) for index in used),
        present_rules=payload["policy"] == in_force(tx, ledger).digest,
    )


def last_decision(tx: Tx, ledger: Ledger, person: str) -> int:
    """Return the entry of the newest decision about a person; :class:`NoSuchDecision` if there is none."""
    for index in reversed(ledger.about(tx, person)):
        raw = sql.read_leaf(tx, index)
        if raw is not None and leaves.parse(raw).kind == events.DECISION_MADE.name:
            return index
    raise NoSuchDecision(entry=0)


def _ground(tx: Tx, ledger: Ledger, index: int) -> Ground:
    raw = sql.read_leaf(tx, index)
    if raw is None:
        raise NoSuchEntry(index=index)
    leaf = leaves.parse(raw)
    said = ledger.payload_of(tx, index)
    kind = event_kinds().get(leaf.kind)
    title = Text(leaf.kind, leaf.kind) if kind is None else kind.title
    if leaf.kind == FACT_STATED.name and isinstance(said, dict):
        stated = fact_kinds().get(str(said.get("kind")))
        title = title if stated is None else stated.title
    return Ground(entry=index, at=leaf.at, title=title, said=said)


def _owner(payload: Mapping[str, Json]) -> dict[str, Json]:
    """Return who answers for it, if a service asked."""
    inputs = payload.get("inputs")
    return {"owner": inputs["owner"]} if isinstance(inputs, dict) and "owner" in inputs else {}


def _title(code: str) -> Text:
    found = ALL.get(code)
    return Text(code, code) if found is None else found.title


def _list(payload: Mapping[str, Json], name: str) -> list[Json]:
    found = payload.get(name)
    return found if isinstance(found, list) else []
