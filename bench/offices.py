"""Two installations and their people, for benches of the whole job: everything through the verbs of ``app``.

A :class:`Job` is what one process hands to the next: where the folder is, whose second factors, which deal, and the
hour. The clock is set, not running, so that a slow machine does not make a second factor old; Argon2id is at its
lower bound, because a bench of bulk work is not one of passphrases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from tigertally import people as wing
from tigertally.access import Action, Actor, NotAllowed, Role
from tigertally.access.waivers import WaivedBecause
from tigertally.app import wire
from tigertally.app.verbs import deals, identity, rules
from tigertally.app.verbs import people as verbs
from tigertally.app.wire import House
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import totp
from tigertally.crypto.kdf import Argon2Cost
from tigertally.deals import WaiverReason
from tigertally.people import Screening
from tigertally.testing.clock import SettableClock

T = TypeVar("T")

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SCOPE = "main"
CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
PEOPLE: Mapping[str, Mapping[str, frozenset[Role]]] = {
    "seller": {
        "chen": frozenset({Role.LEAD}),
        "wang": frozenset({Role.OFFICER}),
        "qian": frozenset({Role.CUSTODIAN}),
    },
    "buyer": {"sun": frozenset({Role.LEAD}), "li": frozenset({Role.OFFICER})},
}
_PASSPHRASE = "obviously-not-a-real-passphrase"  # noqa: S105 - made up


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one phase leaves to the next. ``factors`` are generated test persons' second factors."""

    home: Path
    at: datetime = START
    deal: str = ""
    factors: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def estate(self) -> Path:
        """The seller's systems."""
        return self.home / "estate"

    @property
    def copy(self) -> Path:
        """The protected copy."""
        return self.home / "estate-protected"

    @property
    def outbox(self) -> Path:
        """Where the seller writes the bundle."""
        return self.home / "outbox"

    @property
    def bundle(self) -> Path:
        """The bundle as the buyer got it."""
        return self.home / "bundle"

    def later(self) -> Job:
        """Return the same job two minutes on."""
        return replace(self, at=self.at + timedelta(minutes=2))


class Office:
    """One installation, opened, with everybody logged in."""

    def __init__(self, house: House, actors: Mapping[str, Actor]) -> None:
        self.house = house
        self.actors = actors

    def two(self, act: Callable[[Actor], T], *, first: str, second: str) -> T:
        """Carry out a two-person act: begun by one, approved by the other."""
        try:
            act(self.actors[first])
        except NotAllowed as refused:
            verbs.approve(self.house, actor=self.actors[second], approval=refused.approval)
        return act(self.actors[first])


def create(job: Job, side: str) -> Job:
    """Make one side's installation and its trained, screened and pledged people."""
    lead, *others = PEOPLE[side]
    made = wire.create(
        job.home / side,
        name=f"Fictional {side}",
        database="sqlite:///tigertally.db",
        root_passphrase=SecretText(_PASSPHRASE),
        lead_handle=lead,
        lead_passphrase=SecretText(_PASSPHRASE),
        clock=SettableClock(job.at),
        cost=CHEAP,
    )
    factors = {**job.factors, lead: made.totp.expose()}
    with _opened(job, side) as house:
        first = _login(house, lead, factors)
        for handle in others:
            added = verbs.add_person(house, actor=first, handle=handle, roles=PEOPLE[side][handle])
            own = SecretText(_PASSPHRASE)
            enrolled = identity.enrol(house, handle=handle, code=added.code, passphrase=own, cost=CHEAP)
            factors[handle] = enrolled.totp.expose()
        actors = {lead: first, **{handle: _login(house, handle, factors) for handle in others}}
        for handle, actor in actors.items():
            drawn = verbs.quiz()
            right = [{at for at, option in enumerate(question.options) if option.right} for question in drawn.questions]
            verbs.train(house, actor=actor, drawn=drawn, answers=right)
            verbs.pledge(house, actor=actor, digest=wing.current_pledge().digest)
            by = actors[others[0] if handle == lead else lead]
            verbs.screen(house, actor=by, handle=handle, outcome=Screening.PASS)
    return replace(job, factors=factors).later()


@contextmanager
def office(job: Job, side: str) -> Iterator[Office]:
    """Open one side's installation and log everybody in."""
    with _opened(job, side) as house:
        yield Office(house, {handle: _login(house, handle, job.factors) for handle in PEOPLE[side]})


def waive(side: Office, *, deal: str, condition: str, first: str, second: str) -> None:
    """Waive a condition that was met elsewhere."""
    side.two(
        lambda actor: deals.waive(
            side.house,
            actor=actor,
            deal=deal,
            condition=condition,
            reason=WaiverReason.DONE_ELSEWHERE,
            days=30,
            document="0" * 64,
        ),
        first=first,
        second=second,
    )


def without_witnesses(side: Office, *, first: str, second: str) -> None:
    """Two persons let releases and destructions go on without witnesses."""
    side.two(
        lambda actor: rules.waive(
            side.house,
            actor=actor,
            condition="witnessed",
            actions=(Action.RELEASE, Action.DESTROY),
            reason=WaivedBecause.NOT_YET,
            days=30,
        ),
        first=first,
        second=second,
    )


@contextmanager
def _opened(job: Job, side: str) -> Iterator[House]:
    clock = SettableClock(job.at)
    with wire.open_house(job.home / side, root_passphrase=SecretText(_PASSPHRASE), clock=clock) as house:
        yield house


def _login(house: House, handle: str, factors: Mapping[str, bytes]) -> Actor:
    code = totp.code_at(SecretBytes(factors[handle]), house.clock.now())
    token = verbs.login(house, handle=handle, passphrase=SecretText(_PASSPHRASE), code=code)
    return verbs.actor_of(house, handle=handle, token=token)
