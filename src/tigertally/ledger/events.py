"""Event kinds: the closed set of what can be written, each with the exact members of its payload.

A wing registers its kinds in its ``actions`` room at definition; the registry is generated into
docs/EVENTS.md. ``public`` says whether the payload may leave in an export: kinds about single customers say
no (their leaf still proves that something happened, when, and the payload can be disclosed one by one).
Payloads hold identifiers, counts, digests, codes and instants; never a customer's value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.formats.leaf import KIND


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """One kind: ``name`` is ``wing.noun.past``, ``members`` the exact payload members."""

    name: str
    title: Text
    members: frozenset[str]
    public: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened: ``actor`` a person's id or "", ``about`` ids of whom or what it concerns.

    ``counted`` are the names under which the roll counts it (see ``roll``), so that it cannot be taken away unseen.
    """

    kind: EventKind
    payload: Mapping[str, Json]
    actor: str = ""
    about: tuple[str, ...] = field(default=())
    counted: tuple[tuple[str, str], ...] = field(default=())


_KINDS: dict[str, EventKind] = {}


def register_event(name: str, title: Text, *members: str, public: bool = True) -> EventKind:
    """Register and return a kind; a second registration under one name is a programmer's error."""
    if not KIND.fullmatch(name) or name in _KINDS:
        raise ValueError(name)
    kind = EventKind(name=name, title=title, members=frozenset(members), public=public)
    _KINDS[name] = kind
    return kind


def event_kinds() -> Mapping[str, EventKind]:
    """Return all registered kinds by name."""
    return dict(sorted(_KINDS.items()))


def check(event: Event) -> None:
    """Raise ``ValueError`` unless the kind is registered and the payload has exactly its members."""
    kind = event.kind
    if _KINDS.get(kind.name) is not kind:
        raise ValueError(f"{kind.name} is not registered")
    if event.payload.keys() != kind.members:
        raise ValueError(f"{kind.name}: {sorted(event.payload.keys() ^ kind.members)}")
