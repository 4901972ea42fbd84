"""The first gates: what a deal must have before it enters a stage. Pure: facts in, every unmet condition out.

A gate is a list of conditions (:mod:`~tigertally.deals.conditions`), to which the legal route adds what it asks at that
gate, and the closing all that the deal's structure and the route ask. A condition that is unmet keeps the gate closed,
unless it may be waived and two persons waived it for this deal, for a reason and a time
(:mod:`~tigertally.deals.waivers`). Sides differ: only the seller has an estate to purge, seal and destroy; both need
the other party, the agreement, the release and a drilled plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tigertally.access import Unmet
from tigertally.access.policy import STAGES
from tigertally.deals.conditions import CONDITIONS, GateFacts, Work, required, structure_of
from tigertally.deals.facts import WAIVED
from tigertally.deals.structure import STRUCTURES
from tigertally.ledger import Fact
from tigertally.ledger.facts import well_typed

WAIVER_MAX: Final = timedelta(days=90)
CLOSING: Final = "S7"
GATES: Final[dict[str, tuple[str, ...]]] = {
    "S0": (),
    "S1": ("lead", "structure", "inventory", "inventory_unread"),
    "S2": (),
    "S3": ("parties", "agreement"),
    "S4": ("impact_assessment",),
    "S5": ("sad_purged",),
    "S6": ("parties", "agreement"),
    "S7": ("parties", "agreement", "route", "sealed", "protected", "released", "drill"),
    "S8": ("received", "destroyed"),
    "S9": ("not_destroyed",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A gate's answer, with the entries of the facts that met conditions and of the waivers that stood in."""

    unmet: tuple[Unmet, ...]
    facts: tuple[int, ...]
    waivers: tuple[int, ...]


def gate(stage: str, known: GateFacts) -> list[Unmet]:
    """Return every condition that keeps the deal from entering ``stage``; an empty list opens the gate."""
    return list(judge(stage, known).unmet)


def judge(stage: str, known: GateFacts) -> Judgement:
    """Return the same with what it rests on. An unknown stage is a ``ValueError``."""
    if stage not in GATES:
        raise ValueError(stage)
    unmet: list[Unmet] = []
    used: set[int] = set()
    waivers: set[int] = set()
    for code in asked(stage, known):
        condition = CONDITIONS[code]
        work = Work(known=known)
        if condition.holds is not None and condition.holds(work):
            used |= work.used
            continue
        waiver = waiver_of(code, known) if condition.waivable else None
        if waiver is not None:
            waivers.add(waiver.entry)
        else:
            why, how = condition.words(work)
            unmet.append(Unmet(condition=code, why=why, how=how))
    return Judgement(unmet=tuple(unmet), facts=tuple(sorted(used)), waivers=tuple(sorted(waivers)))


def asked(stage: str, known: GateFacts) -> tuple[str, ...]:
    """Return the codes of the conditions that apply to this side and structure, in order."""
    codes = [*GATES[stage]]
    if stage == CLOSING:
        structure = structure_of(Work(known=known))
        codes += STRUCTURES[structure].conditions if structure is not None else ("structure",)
    closing = STAGES[: STAGES.index(CLOSING) + 1] if stage == CLOSING else (stage,)
    codes += [
        condition for at, condition, _ in required(Work(known=known)) if at in closing and condition in CONDITIONS
    ]
    return tuple(code for code in dict.fromkeys(codes) if known.side in CONDITIONS[code].sides)


def waiver_of(code: str, known: GateFacts) -> Fact | None:
    """Return the newest waiver of ``code`` that holds: by two persons, for at most 90 days, not over."""
    found = None
    for fact in known.facts:
        if (fact.kind, fact.subject) != (WAIVED.name, known.deal) or not fact.current(known.now):
            continue
        value = fact.value
        if not well_typed(WAIVED, value) or value["condition"] != code:
            continue
        two = value["asker"] and value["approver"] and value["asker"] != value["approver"]
        if two and fact.until is not None and fact.until - fact.start <= WAIVER_MAX:
            found = fact if found is None or fact.entry > found.entry else found
    return found
