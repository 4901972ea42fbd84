"""The papers of a sharing: the set (who holds, who recovers, commitments) and the plan of a redistribution.

docs/formats/share.md §3 and §6. Nothing in them is secret. A set is a statement of kind ``shares``, a plan one of kind
``reshare``, both signed by the party whose root key it is; signatures are the caller's to verify.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.ids import PartyId, ShareSetId
from tigertally.crypto import curve
from tigertally.crypto.curve import Point
from tigertally.crypto.errors import BadKey, BadShares
from tigertally.crypto.hpke import TransferPublic
from tigertally.crypto.shares import GROUPS_MAX, MEMBERS_MAX, Commitments, Seat, Share, Structure, fits
from tigertally.formats import share as share_format
from tigertally.formats.errors import OtherShare, WrongShare
from tigertally.formats.shape import Reader, to_b64
from tigertally.formats.share import TaggedShare
from tigertally.formats.statement import Kind, Statement

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_STAGE: Final = re.compile(r"S[0-9]")
_ROOT_BYTES: Final = 16
_SEAT: Final = re.compile(r"([1-9]|1[0-6])\.([1-9]|1[0-6])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has a seat; without a key their share is on paper only."""

    name: str
    key: TransferPublic | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A company's holders, of whom ``need`` are needed."""

    name: str
    need: int
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """From ``stage`` of the deal on, holders of ``group`` must be among those who recover."""

    stage: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who holds and who recovers: what a set and a plan have in common."""

    set: ShareSetId
    epoch: int
    party: PartyId
    deal: str
    need: int
    groups: tuple[Group, ...]
    rules: tuple[Rule, ...]
    previous: str
    created: datetime

    @property
    def structure(self) -> Structure:
        """The numbers in it. Raises ``BadShares`` if they cannot be."""
        return Structure(need=self.need, groups=tuple((group.need, len(group.holders)) for group in self.groups))

    def holder(self, seat: Seat) -> Holder:
        """Return who has a seat."""
        return self.groups[seat[0] - 1].holders[seat[1] - 1]

    def title(self, seat: Seat) -> str:
        """Return a seat in words: group, number, name."""
        return f"{self.groups[seat[0] - 1].name} {seat[1]} ({self.holder(seat).name})"

    def head(self) -> dict[str, Json]:
        """Return the members that both papers have, the groups without points."""
        return {
            "set": self.set,
            "epoch": self.epoch,
            "party": self.party,
            "deal": self.deal,
            "need": self.need,
            "rules": [{"stage": rule.stage, "group": rule.group} for rule in self.rules],
            "previous": self.previous,
            "created": clock.to_text(self.created),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareSet:
    """The set. ``root`` is the root key's id, ``sealed`` the root key under what the shares recover."""

    terms: Terms
    root: str
    commitments: Commitments
    sealed: bytes

    def body(self) -> Json:
        """Return the payload."""
        return {
            **self.terms.head(),
            "root": self.root,
            "points": spelled(self.commitments.outer),
            "groups": [
                {**_group(group), "points": spelled(points)}
                for group, points in zip(self.terms.groups, self.commitments.groups, strict=True)
            ],
            "sealed": to_b64(self.sealed),
        }

    def admit(self, tagged: TaggedShare) -> Share:
        """Return the share if it is one of this set; :class:`OtherShare` or :class:`WrongShare` name it if not."""
        terms, seat = self.terms, tagged.share.seat
        if tagged.tag != share_format.tag_of(terms.set, terms.epoch):
            older = [n for n in range(1, terms.epoch) if tagged.tag == share_format.tag_of(terms.set, n)]
            raise OtherShare(which=f"epoch {older[0]}" if older else "another ceremony")
        if seat not in terms.structure.seats:
            raise OtherShare(which=f"seat {spell_seat(seat)}")
        if not fits(self.commitments, tagged.share):
            raise WrongShare(group=terms.groups[seat[0] - 1].name, member=seat[1])
        return tagged.share


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A redistribution that is to be. ``givers``: the seats of the present set whose holders deal."""

    terms: Terms
    givers: tuple[Seat, ...]

    def body(self) -> Json:
        """Return the payload."""
        groups: list[Json] = [_group(group) for group in self.terms.groups]
        return {**self.terms.head(), "groups": groups, "from": [spell_seat(seat) for seat in self.givers]}


def read_set(statement: Statement) -> ShareSet:
    """Return the set in ``statement``. Raises ``Malformed``."""
    reader = statement.expect(Kind.SHARES).reader()
    outer = points_of(reader, "points")
    inner = reader.bodies("groups")
    points = tuple(points_of(group, "points") for group in inner)
    found = ShareSet(
        terms=_terms(reader, inner),
        root=reader.hexbytes("root", length=_ROOT_BYTES).hex(),
        commitments=Commitments(outer=outer, groups=points),
        sealed=reader.b64("sealed"),
    )
    reader.end()
    try:
        found.commitments.check(found.terms.structure)
    except BadShares:
        raise reader.wrong("points") from None
    return found


def read_plan(statement: Statement) -> Plan:
    """Return the plan in ``statement``. Raises ``Malformed``."""
    reader = statement.expect(Kind.RESHARE).reader()
    terms = _terms(reader, reader.bodies("groups"))
    seats = reader.texts("from", chars_max=5)
    reader.end()
    givers = tuple(seat for seat in map(read_seat, seats) if seat is not None)
    keys = [holder.key for group in terms.groups for holder in group.holders]
    if not givers or len(givers) != len(seats) or list(givers) != sorted(set(givers)):
        raise reader.wrong("from")
    if None in keys:
        raise reader.wrong("groups.key")
    if terms.epoch == 1:
        raise reader.wrong("epoch")
    return Plan(terms=terms, givers=givers)


def spelled(points: Sequence[Point]) -> list[Json]:
    """Return points as lower-case hex."""
    return [curve.encode(point).hex() for point in points]


def points_of(reader: Reader, name: str) -> tuple[Point, ...]:
    """Return a member's points. Raises ``Malformed``."""
    texts = reader.texts(name, chars_max=2 * curve.POINT_BYTES)
    try:
        points = tuple(curve.decode(bytes.fromhex(text)) for text in texts)
    except (BadKey, ValueError):
        raise reader.wrong(name) from None
    if not 1 <= len(points) <= max(GROUPS_MAX, MEMBERS_MAX) or spelled(points) != list(texts):
        raise reader.wrong(name)
    return points


def spell_seat(seat: Seat) -> str:
    """Return ``2.1`` for the first member of the second group."""
    return f"{seat[0]}.{seat[1]}"


def read_seat(text: str) -> Seat | None:
    """Return the seat of that spelling, or None."""
    found = _SEAT.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]))


def _group(group: Group) -> dict[str, Json]:
    holders: list[Json] = [
        {"name": holder.name, "key": "" if holder.key is None else to_b64(holder.key.raw)} for holder in group.holders
    ]
    return {"name": group.name, "need": group.need, "holders": holders}


def _terms(reader: Reader, groups: Sequence[Reader]) -> Terms:
    epoch = reader.integer("epoch", minimum=1, maximum=1_000_000)
    terms = Terms(
        set=ShareSetId(reader.ident("set", "shs")),
        epoch=epoch,
        party=PartyId(reader.ident("party", "pty")),
        deal=_deal(reader),
        need=reader.integer("need", minimum=1, maximum=GROUPS_MAX),
        groups=tuple(_read_group(group) for group in groups),
        rules=_rules(reader),
        previous="" if epoch == 1 and reader.text("previous", empty=True) == "" else _previous(reader, epoch),
        created=reader.instant("created"),
    )
    names = [group.name for group in terms.groups]
    if len(set(names)) != len(names) or not {rule.group for rule in terms.rules} <= set(names):
        raise reader.wrong("groups")
    try:
        _ = terms.structure
    except BadShares:
        raise reader.wrong("need") from None
    return terms


def _previous(reader: Reader, epoch: int) -> str:
    if epoch == 1:
        raise reader.wrong("previous")
    return reader.digest("previous")


def _deal(reader: Reader) -> str:
    if not reader.has("deal"):
        raise reader.wrong("deal")
    found = reader.json("deal")
    if found == "":
        return ""
    again = Reader({"deal": found}, what="shares")
    return again.ident("deal", "dea")


def _read_group(reader: Reader) -> Group:
    name = reader.text("name", chars_max=40)
    need = reader.integer("need", minimum=1, maximum=MEMBERS_MAX)
    holders = tuple(_read_holder(holder) for holder in reader.bodies("holders"))
    reader.end()
    if not _NAME.fullmatch(name):
        raise reader.wrong("name")
    return Group(name=name, need=need, holders=holders)


def _read_holder(reader: Reader) -> Holder:
    name = reader.text("name", chars_max=40)
    text = reader.text("key", chars_max=4096, empty=True)
    reader.end()
    if not name.isprintable():
        raise reader.wrong("name")
    if not text:
        return Holder(name=name, key=None)
    again = Reader({"key": text}, what="shares", where="holders")
    try:
        return Holder(name=name, key=TransferPublic(again.b64("key")))
    except BadKey:
        raise reader.wrong("key") from None


def _rules(reader: Reader) -> tuple[Rule, ...]:
    found = []
    for item in reader.bodies("rules"):
        rule = Rule(stage=item.text("stage", chars_max=2), group=item.text("group", chars_max=40))
        item.end()
        if not _STAGE.fullmatch(rule.stage):
            raise item.wrong("stage")
        found.append(rule)
    order = [(rule.stage, rule.group) for rule in found]
    if order != sorted(set(order)):
        raise reader.wrong("rules")
    return tuple(found)
