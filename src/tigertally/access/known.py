"""What is known when a decision is made: facts by kind and subject, newest first. Built once per question.

Beside reading and proving the facts this is cheap, and it leaves to the decision a look-up per condition. What is
withdrawn is not kept; nor is what is ill typed, except a freeze, which binds all the same: it is the one fact whose
absence permits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from tigertally.access.facts import PERSON_FROZEN
from tigertally.ledger import Fact, FactKind, fact_kinds
from tigertally.ledger.facts import well_typed

_entry: Final = attrgetter("entry")
_FROZEN: Final = PERSON_FROZEN.name


class Known:
    """Facts as the decision looks them up: ``found`` by kind and subject, newest first; none about nobody."""

    __slots__ = ("found",)

    def __init__(self, facts: Iterable[Fact]) -> None:
        kinds = fact_kinds()
        found: dict[tuple[str, str], list[Fact]] = {}
        for fact in facts:
            kind = kinds.get(fact.kind)
            if fact.withdrawn or kind is None or not fact.subject:
                continue
            if fact.kind == _FROZEN or _readable(kind, fact):
                found.setdefault((fact.kind, fact.subject), []).append(fact)
        for listed in found.values():
            listed.sort(key=_entry, reverse=True)
        self.found = found

    def of(self, kind: str, subject: str) -> Sequence[Fact]:
        """Return the facts of ``kind`` about ``subject``, newest first; those that begin later or are over included."""
        return self.found.get((kind, subject), ())


def _readable(kind: FactKind, fact: Fact) -> bool:
    try:
        return well_typed(kind, fact.value)
    except (TypeError, AttributeError):
        return False
