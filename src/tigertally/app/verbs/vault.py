"""Verbs on the vault: masked views, revealing one value, finding, grants, keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tigertally import vault
from tigertally.access import Action, Actor, Decision, Grant, Purpose, Role, duties, grants, identities, rules, services
from tigertally.access.duties import Duty
from tigertally.access.errors import ViewForbids
from tigertally.access.serving import is_service
from tigertally.access.views import View, Views, view_of
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.verbs.canaries import Watch, watched
from tigertally.app.verbs.deals import strictest_deal
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.progress import SILENT, Progress
from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.crypto.suites import suite_named
from tigertally.ledger import Event, register_event
from tigertally.store.tx import Tx
from tigertally.vault import KeyInfo, KeyPurpose, MaskedField, MaskedRecord, Place, VaultKeys

VALUE_REVEALED: Final = register_event(
    "vault.value.revealed",
    Text("查看明文", "a clear value was revealed"),
    "person",
    "subject",
    "class",
    "purpose",
    "grant",
    "scope",
    public=False,
)
PART_REVEALED: Final = register_event(
    "vault.part.revealed",
    Text("查看卡号前六位", "the first six digits of a card were revealed"),
    "person",
    "subject",
    "class",
    "purpose",
    "scope",
    public=False,
)
RECORD_VIEWED: Final = register_event(
    "vault.record.viewed",
    Text("查看打码记录", "masked records were viewed"),
    "person",
    "subjects",
    "scope",
    public=False,
)


FOUND_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """A clear value on its way to a person."""

    place: Place
    value: SecretText


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How much one person sees of each class, by the views in force."""

    views: Views
    roles: frozenset[Role]

    def need(self, least: View, *classes: FieldClass) -> None:
        """Raise ``ViewForbids`` for the first class of which less is seen."""
        for cls in classes:
            if view_of(self.views, self.roles, cls) < least:
                raise ViewForbids(field=cls)

    def records(self, found: list[MaskedRecord]) -> list[MaskedRecord]:
        """Return masked records without mask and token (a card's shows its end) of what is hidden."""
        return [replace(one, fields=tuple(self._field(item) for item in one.fields)) for one in found]

    def _field(self, item: MaskedField) -> MaskedField:
        if view_of(self.views, self.roles, item.cls) > View.HIDDEN:
            return item
        return replace(item, token="", masked="")


def seen(house: House, tx: Tx, *, actor: Actor) -> Sight:
    """Return how much the actor sees; a service as much as the person who answers for it."""
    who = str(actor.person.person)
    if is_service(who):
        who = services.owner_of(tx, house.ledger, who, now=house.clock.now())
    person = identities.proved(tx, house.ledger, who)
    views = rules.views_in_force(tx, house.ledger)
    return Sight(views=views, roles=frozenset() if person is None else person.roles)


@contextmanager
def scope_keys(house: House, *, scope: str) -> Iterator[VaultKeys]:
    """Give a scope's opened keys."""
    with house.store.reading() as tx:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
    yield keys


def ensure_scope(house: House, tx: Tx, *, scope: str, actor: str, now: datetime) -> None:
    """Make the keys of ``scope`` if they are not there, and state that they are in their period."""
    made = vault.create_scope_keys(tx, house.keeper, scope=scope, now=now)
    vault.announce(tx, house.ledger, made, actor=actor, now=now)


def show(house: House, *, actor: Actor, scope: str, whom: str) -> list[MaskedRecord]:
    """Return masked records of a subject or of whoever a token stands for; recorded before they are returned."""

    def work(tx: Tx, now: datetime, watch: Watch) -> list[MaskedRecord]:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        found = vault.view(tx, keys, whom=vault.as_stored(tx, keys, token=whom))
        hidden = watch.look(tx, keys, [one.subject for one in found])
        allow(house, tx, actor=actor, action=Action.VIEW, now=now, count=1, details=(("scope", scope),))
        if len(hidden) == len(found):
            raise vault.NoSuchSubject if whom.startswith("sub_") else vault.NoSuchToken
        records = seen(house, tx, actor=actor).records([one for one in found if one.subject not in hidden])
        _viewed(house, tx, actor=actor, scope=scope, subjects=[item.subject for item in records], now=now)
        return records

    return watched(house, verb="vault.show", scope=scope, work=work, actor=actor)


def find(house: House, *, actor: Actor, scope: str, cls: FieldClass, value: SecretText) -> list[MaskedRecord]:
    """Return masked records of the subjects that hold ``value``, found by its keyed digest."""

    def work(tx: Tx, now: datetime, watch: Watch) -> list[MaskedRecord]:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        allow(house, tx, actor=actor, action=Action.VIEW, now=now, classes=(cls,), details=(("scope", scope),))
        sight = seen(house, tx, actor=actor)
        sight.need(View.MASKED, cls)  # a search would answer what may not be seen
        subjects = vault.find(tx, keys, cls=cls, value=value.expose())
        hidden = watch.look(tx, keys, subjects)
        subjects = [one for one in subjects if one not in hidden]
        records = sight.records([item for subject in subjects for item in vault.view(tx, keys, whom=subject)])
        _viewed(house, tx, actor=actor, scope=scope, subjects=list(subjects), now=now)
        return records

    return watched(house, verb="vault.find", scope=scope, work=work, actor=actor)


def find_tail(house: House, *, actor: Actor, scope: str, tail: str) -> tuple[int, list[MaskedRecord]]:
    """Return how many subjects have a card that ends in ``tail``, and the first :data:`FOUND_MAX` masked records."""

    def work(tx: Tx, now: datetime, watch: Watch) -> tuple[int, list[MaskedRecord]]:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        details = (("scope", scope),)
        allow(house, tx, actor=actor, action=Action.VIEW, now=now, classes=(FieldClass.PAN,), details=details)
        sight = seen(house, tx, actor=actor)
        sight.need(View.MASKED, FieldClass.PAN)
        subjects = vault.find_tail(tx, scope=scope, tail=tail)
        hidden = watch.look(tx, keys, subjects)
        subjects = [one for one in subjects if one not in hidden]
        shown = subjects[:FOUND_MAX]
        records = sight.records([item for subject in shown for item in vault.view(tx, keys, whom=subject)])
        _viewed(house, tx, actor=actor, scope=scope, subjects=list(shown), now=now)
        return len(subjects), records

    return watched(house, verb="vault.find", scope=scope, work=work, actor=actor)


def shared_values(house: House, *, actor: Actor, scope: str) -> dict[FieldClass, vault.Shared]:
    """Return, by class, how many different values there are and how many of them several subjects hold."""

    def work(tx: Tx, now: datetime) -> dict[FieldClass, vault.Shared]:
        allow(house, tx, actor=actor, action=Action.VIEW, now=now, details=(("scope", scope),))
        return vault.shared(tx, scope=scope)

    return attempt(house, verb="vault.duplicates", work=work, actor=actor)


def respell(house: House, *, actor: Actor, scope: str, progress: Progress = SILENT) -> int:
    """Index names and numbers of a scope anew by their one spelling; return how many records were looked at.

    A killed run goes on where it was; a scope that is done is left alone. Nothing is given away: the rule is sealing's.
    """

    def work(tx: Tx, now: datetime) -> None:
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)  # no such scope, nothing to ask for
        allow(house, tx, actor=actor, action=Action.SEAL, now=now, details=(("respell", scope),))

    attempt(house, verb="vault.respell", work=work, actor=actor)

    def respelled() -> int:
        with scope_keys(house, scope=scope) as keys:
            begin, person = house.store.transaction, actor.person.person
            return vault.respell(begin, house.ledger, keys, actor=person, now=house.clock.now, progress=progress)

    return carry_out(house, verb="vault.respell", work=respelled, actor=actor)


def reveal(house: House, *, actor: Actor, scope: str, token: str, purpose: Purpose, grant: str) -> Revealed:
    """Return one clear value. The decision and the entry are durable before the value is opened.

    The deal that the scope is being sold in, if any, is part of the request, so its stage decides too.
    """

    def work(tx: Tx, now: datetime, watch: Watch) -> tuple[Decision, Place]:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        place = vault.resolve(tx, scope=scope, token=vault.as_stored(tx, keys, token=token))[0]
        hidden = watch.look(tx, keys, [place.subject])
        decision = allow(
            house,
            tx,
            actor=actor,
            action=Action.REVEAL,
            now=now,
            classes=(place.cls,),
            count=1,
            purpose=purpose.value,
            deal=strictest_deal(house, tx, scope=scope, now=now),
            scope=scope,
            key=vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope).key,
            grant=grant,
            details=(("token", token),),
        )
        seen(house, tx, actor=actor).need(View.CLEAR, place.cls)
        vault.need_processable(tx, house.ledger, scope=scope, subject=place.subject)
        if hidden:
            raise vault.NoSuchToken
        payload: dict[str, Json] = {
            "person": actor.person.person,
            "subject": place.subject,
            "class": place.cls.value,
            "purpose": purpose.value,
            "grant": grant,
            "scope": scope,
        }
        about = (actor.person.person, place.subject)
        event = Event(kind=VALUE_REVEALED, payload=payload, actor=actor.person.person, about=about)
        entry = house.ledger.append(tx, event, now=now)
        raws, _ = vault.recognise(tx, keys, texts=[vault.as_stored(tx, keys, token=token)])
        vault.canaries.give(tx, keys, recipient=actor.person.handle, entry=entry, piece=0, raws=raws)
        return decision, place

    decision, place = watched(house, verb="vault.reveal", scope=scope, work=work, actor=actor)

    def opened() -> Revealed:
        with house.store.reading() as tx:
            keys = vault.open_scope(tx, house.keeper, scope=scope)
            return Revealed(place=place, value=vault.open_value(tx, keys, decision=decision, place=place))

    return carry_out(house, verb="vault.reveal", work=opened, actor=actor)


def reveal_bin(house: House, *, actor: Actor, scope: str, token: str, purpose: Purpose) -> Revealed:
    """Return the first six digits of a card, recorded before. Raises ``CardTooShort``, for what is no card too."""

    def work(tx: Tx, now: datetime, watch: Watch) -> tuple[Decision, Place]:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        place = vault.resolve(tx, scope=scope, token=vault.as_stored(tx, keys, token=token))[0]
        hidden = watch.look(tx, keys, [place.subject])
        if place.cls is not FieldClass.PAN:
            raise vault.CardTooShort
        decision = allow(
            house,
            tx,
            actor=actor,
            action=Action.REVEAL_PART,
            now=now,
            classes=(place.cls,),
            count=1,
            purpose=purpose.value,
            deal=strictest_deal(house, tx, scope=scope, now=now),
            scope=scope,
            key=vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope).key,
            details=(("token", token),),
        )
        seen(house, tx, actor=actor).need(View.FIRST_SIX, place.cls)
        vault.need_processable(tx, house.ledger, scope=scope, subject=place.subject)
        if hidden:
            raise vault.NoSuchToken
        payload: dict[str, Json] = {
            "person": actor.person.person,
            "subject": place.subject,
            "class": place.cls.value,
            "purpose": purpose.value,
            "scope": scope,
        }
        about = (actor.person.person, place.subject)
        house.ledger.append(
            tx, Event(kind=PART_REVEALED, payload=payload, actor=actor.person.person, about=about), now=now
        )
        return decision, place

    decision, place = watched(house, verb="vault.reveal_part", scope=scope, work=work, actor=actor)

    def opened() -> Revealed:
        with house.store.reading() as tx:
            keys = vault.open_scope(tx, house.keeper, scope=scope)
            return Revealed(place=place, value=vault.open_bin(tx, keys, decision=decision, place=place))

    return carry_out(house, verb="vault.reveal_part", work=opened, actor=actor)


def ask_grant(
    house: House,
    *,
    actor: Actor,
    scope: str,
    classes: Sequence[FieldClass],
    purpose: Purpose,
    uses: int,
    length_s: int,
    many: bool = False,
) -> Grant:
    """Ask for a grant to reveal values of a scope, one by one or ``many`` at once to a file."""

    def work(tx: Tx, now: datetime) -> Grant:
        allow(house, tx, actor=actor, action=Action.GRANT_ASK, now=now, classes=tuple(classes))
        return grants.ask(
            tx,
            house.ledger,
            asker=actor.person.person,
            classes=classes,
            purpose=purpose,
            deal=strictest_deal(house, tx, scope=scope, now=now),
            scope=scope,
            uses=uses,
            length_s=length_s,
            now=now,
            action=Action.REVEAL_MANY if many else Action.REVEAL,
        )

    return attempt(house, verb="access.grant_ask", work=work, actor=actor)


def approve_grant(house: House, *, actor: Actor, grant: str) -> Grant:
    """Approve a grant that somebody else asked for."""

    def work(tx: Tx, now: datetime) -> Grant:
        allow(house, tx, actor=actor, action=Action.GRANT_APPROVE, now=now, details=(("grant", grant),))
        return grants.approve(tx, house.ledger, grant_id=grant, approver=actor.person.person, now=now)

    return attempt(house, verb="access.grant_approve", work=work, actor=actor)


def list_grants(house: House) -> list[Grant]:
    """Return all grants."""
    with house.store.reading() as tx:
        return grants.everything(tx)


def list_keys(house: House) -> list[KeyInfo]:
    """Return every key's state and age; no key material."""
    with house.store.reading() as tx:
        return vault.list_keys(tx)


def rotate(house: House, *, actor: Actor, scope: str, progress: Progress = SILENT) -> int:
    """Make a new vault key for ``scope`` and re-wrap every subject key; return how many were re-wrapped.

    A killed run goes on where it was: running again with a rotation under way only re-wraps the rest.
    """

    def work(tx: Tx, now: datetime) -> None:
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)  # no such scope, nothing to ask for
        allow(house, tx, actor=actor, action=Action.ROTATE, now=now, details=(("scope", scope),))
        vault.rotate(tx, house.ledger, house.keeper, scope=scope, actor=actor.person.person, now=now)
        duties.done(tx, house.ledger, duty=Duty.REPLACE_KEYS, actor=actor.person.person, now=now)

    attempt(house, verb="vault.rotate", work=work, actor=actor)
    return _rewrap(house, verb="vault.rotate", actor=actor, scope=scope, progress=progress)


def migrate(house: House, *, actor: Actor, scope: str, suite: str, progress: Progress = SILENT) -> int:
    """Let ``scope`` be sealed under ``suite`` (by name) and seal every record anew; return how many this run changed.

    Two persons decide when the new vault key is made. A run that was killed goes on where it was, without asking
    again; one that finished changes nothing. Raises ``UnknownSuite``, ``SuiteUnavailable``, ``NoSuchKey``.
    """
    wanted = suite_named(suite)

    def work(tx: Tx, now: datetime) -> bool:
        active = vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        if active.suite is wanted:
            return active.version > 1  # made by a migration or rotation, whose work may not be done
        details = (("scope", scope), ("suite", wanted.label))
        allow(house, tx, actor=actor, action=Action.ROTATE, now=now, details=details)
        vault.rotate(tx, house.ledger, house.keeper, scope=scope, actor=actor.person.person, now=now, suite=wanted)
        duties.done(tx, house.ledger, duty=Duty.REPLACE_KEYS, actor=actor.person.person, now=now)
        return True

    if not attempt(house, verb="vault.migrate", work=work, actor=actor):
        return 0
    return _rewrap(house, verb="vault.migrate", actor=actor, scope=scope, progress=progress)


def _rewrap(house: House, *, verb: str, actor: Actor, scope: str, progress: Progress) -> int:
    def work() -> int:
        with scope_keys(house, scope=scope) as keys:
            return vault.rewrap(
                house.store.transaction,
                house.ledger,
                keys,
                actor=actor.person.person,
                now=house.clock.now,
                progress=progress,
            )

    return carry_out(house, verb=verb, work=work, actor=actor)


def _viewed(house: House, tx: Tx, *, actor: Actor, scope: str, subjects: Sequence[str], now: datetime) -> None:
    person = actor.person.person
    payload: dict[str, Json] = {"person": person, "subjects": len(subjects), "scope": scope}
    event = Event(kind=RECORD_VIEWED, payload=payload, actor=person, about=(person, *subjects))
    house.ledger.append(tx, event, now=now)
