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
from tigertally.access.policy import policy_digest
from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.formats import leaf as leaves
from tigertally.ledger import Ledger, event_kinds, fact_kinds, sql
from tigertally.ledger.errors import LedgerBroken, NoSuchEntry
from tigertally.ledger.facts import FACT_STATED
from tigertally.store.tx import Tx

# Every code of an unmet condition, by what it is about.
CONDITIONS: Final[Mapping[str, Text]] = {
    "action": Text("操作在策略表中", "the action is in the policy table"),
    "role": Text("有该操作所需的角色", "a role for this action"),
    "frozen": Text("此人未被冻结", "the person is not frozen"),
    "factor": Text("第二因素在有效时间内", "a fresh second factor"),
    "trained": Text("培训合格且未过期", "training in force"),
    "screened": Text("背景审查通过且未过期", "screening in force"),
    "pledged": Text("保密承诺有效", "a confidentiality pledge in force"),
    "grant": Text("另一人批准的授权，目的、字段、次数、时间均相符", "a grant by another person that fits"),
    "second_person": Text("第二人批准了这一操作本身", "a second person approved exactly this act"),
    "agreement": Text("保密协议涵盖所请求的字段", "an agreement in force that covers the field classes"),
    "stage": Text("交易阶段允许此操作", "a stage of the deal that permits this"),
    "class": Text("该类字段可以显示", "field classes that are ever shown"),
    "clear_stage": Text("本方在此阶段可以查看明文", "a stage at which this side sees clear values"),
}


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
        asked={name: payload[name] for name in _ASKED},
        missing=tuple((code, CONDITIONS.get(code, Text(code, code))) for code in codes),
        grounds=tuple(_ground(tx, ledger, index) for index in used),
        present_rules=payload["policy"] == policy_digest(),
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


def _list(payload: Mapping[str, Json], name: str) -> list[Json]:
    found = payload.get(name)
    return found if isinstance(found, list) else []
