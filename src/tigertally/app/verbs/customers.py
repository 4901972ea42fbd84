"""Verbs on one customer: verify a payment password, replace a value, the history of that; which hashes are weak.

Verifying: the decision and the count of tries are committed before anything is looked at; the work on the password is
done outside of any transaction; what it came to is in the ledger, and a weak hash is gone from the record, before the
answer is given. The answer waits for a full :data:`ANSWER_EVERY_S`, so that it tells little by its time, and is the
same *no* for a wrong password, a customer without one, one for storage only, and one who is not there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from tigertally import vault
from tigertally.access import Action, Actor
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.verbs.vault import scope_keys
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import SubjectId, check_id
from tigertally.base.progress import SILENT, Progress
from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.crypto import passwords
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.ledger import Event, register_event, search
from tigertally.sealing import normalise
from tigertally.store.tx import Tx
from tigertally.vault import KeyPurpose

ANSWER_EVERY_S: Final = 0.5
UPGRADED: Final = "upgrade"
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

PASSWORD_CHECKED: Final = register_event(
    "vault.password.checked",
    Text("验证客户支付密码", "a customer's payment password was checked"),
    "person",
    "subject",
    "scope",
    "right",
    public=False,
)
VALUE_REPLACED: Final = register_event(
    "vault.value.replaced",
    Text("替换客户的值", "a customer's value was replaced"),
    "person",
    "subject",
    "scope",
    "class",
    "slot",
    "version",
    "reason",
    public=False,
)


class Reason(StrEnum):
    """Why a value is replaced."""

    CORRECTION = "correction"
    REISSUED = "reissued"
    REQUEST = "request"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A password was right. ``hash`` is what its hash says of itself now; ``upgraded``: it is a new one."""

    hash: str
    upgraded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A value was replaced. Handles and identifiers are "" if the payload was erased."""

    entry: int
    at: datetime
    person: str
    cls: str
    slot: int
    version: int
    reason: str


def verify(
    house: House, *, actor: Actor, scope: str, whom: str, candidate: SecretText, cost: Argon2Cost = DEFAULT_COST
) -> Verified:
    """Verify a customer's payment password. Raises ``PasswordWrong``, ``TooManyTries``, ``BadId``."""
    begun = time.monotonic()

    def ask(tx: Tx, now: datetime) -> tuple[vault.Hashes, str]:
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        decision = allow(
            house,
            tx,
            actor=actor,
            action=Action.PASSWORD_VERIFY,
            now=now,
            classes=(FieldClass.PASSWORD_HASH,),
            count=1,
            scope=scope,
            details=(("scope", scope),),
        )
        hashes = vault.hashes_of(tx, vault.open_scope(tx, house.keeper, scope=scope), decision=decision, whom=whom)
        who = _who(house, scope, hashes.subject or whom)
        vault.begin_guess(tx, who=who, now=now)
        return hashes, who

    hashes, who = attempt(house, verb="vault.password_verify", work=ask, actor=actor)
    checked = carry_out(
        house,
        verb="vault.password_verify",
        work=lambda: vault.check(hashes, candidate, cost=cost),
        actor=actor,
    )

    def answer(tx: Tx, now: datetime) -> Verified | None:
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        subject = hashes.subject or ""
        right = vault.holds_still(tx, keys, hashes=hashes, checked=checked)
        if right:
            try:
                vault.need_processable(tx, house.ledger, scope=scope, subject=subject)
            except vault.StorageOnly:
                right = False
        person = actor.person.person
        payload: dict[str, Json] = {"person": person, "subject": subject, "scope": scope, "right": right}
        about = (person, subject) if subject else (person,)
        house.ledger.append(tx, Event(kind=PASSWORD_CHECKED, payload=payload, actor=person, about=about), now=now)
        if not right or checked.fits is None:
            return None
        vault.end_guess(tx, who=who)
        upgraded = None
        with suppress(vault.OnHold):  # what is held stays as it is
            vault.need_erasable(tx, house.ledger, scope=scope, subject=subject)
            upgraded = vault.upgrade(tx, keys, hashes=hashes, checked=checked, now=now)
        if upgraded is None or checked.new is None:
            return Verified(hash=checked.fits[2].named, upgraded=False)
        cls = FieldClass.PASSWORD_HASH
        _replaced(house, tx, actor=actor, scope=scope, subject=subject, cls=cls, made=upgraded, why=UPGRADED, now=now)
        return Verified(hash=passwords.read(checked.new.expose()).named, upgraded=True)

    verified = attempt(house, verb="vault.password_verify", work=answer, actor=actor)
    time.sleep(ANSWER_EVERY_S - (time.monotonic() - begun) % ANSWER_EVERY_S)
    if verified is None:
        raise vault.PasswordWrong
    return verified


def update(
    house: House,
    *,
    actor: Actor,
    scope: str,
    subject: str,
    cls: FieldClass,
    slot: int | None,
    value: SecretText,
    reason: Reason,
    cost: Argon2Cost = DEFAULT_COST,
) -> tuple[int, int]:
    """Replace a customer's value of a class; return its slot and the record's new version.

    ``value`` of the class of password hashes is the password, which is hashed here. Raises ``NoSuchSubject``,
    ``SeveralValues``, ``SameValue``, ``ValueNotAccepted``, ``OnHold``, ``StorageOnly``, ``SadRefused``.
    """
    check_id(subject, "sub")

    def ready() -> SecretText:
        if cls is FieldClass.PASSWORD_HASH:
            return SecretText(passwords.remade(value, cost=cost))
        (new,) = normalise(cls, [value.expose()])
        if new is None:
            raise vault.ValueNotAccepted(field=cls, reason="form")
        return SecretText(new)

    clear = carry_out(house, verb="vault.update", work=ready, actor=actor)

    def work(tx: Tx, now: datetime) -> tuple[int, int]:
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        details = (("scope", scope), ("subject", subject), ("reason", reason.value))
        allow(house, tx, actor=actor, action=Action.UPDATE, now=now, classes=(cls,), count=1, details=details)
        vault.need_processable(tx, house.ledger, scope=scope, subject=subject)
        vault.need_erasable(tx, house.ledger, scope=scope, subject=subject)
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        made = vault.replace_value(tx, keys, subject=SubjectId(subject), cls=cls, slot=slot, value=clear, now=now)
        if cls is FieldClass.PASSWORD_HASH:
            vault.end_guess(tx, who=_who(house, scope, subject))
        _replaced(house, tx, actor=actor, scope=scope, subject=subject, cls=cls, made=made, why=reason.value, now=now)
        return made

    return attempt(house, verb="vault.update", work=work, actor=actor)


def history(house: House, *, actor: Actor, scope: str, subject: str) -> list[Version]:
    """Return what was replaced of a customer in a scope, oldest first: when, by whom, which class; no value."""
    check_id(subject, "sub")

    def work(tx: Tx, now: datetime) -> None:
        allow(house, tx, actor=actor, action=Action.VIEW, now=now, count=1, details=(("scope", scope),))

    attempt(house, verb="vault.history", work=work, actor=actor)
    with house.store.reading() as tx:
        within = search.window(tx, start=_EVER, until=house.clock.now() + timedelta(days=1))
        found = search.about(tx, house.ledger, names=[subject], within=within, kinds=(VALUE_REPLACED,))
        return [version for one in found if (version := _version(one, scope)) is not None]


def weak_hashes(house: House, *, actor: Actor, scope: str, progress: Progress = SILENT) -> Mapping[vault.HashKind, int]:
    """Return how many password hashes of a scope are of which algorithm, cost and strength."""

    def work(tx: Tx, now: datetime) -> None:
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        cls = FieldClass.PASSWORD_HASH
        allow(house, tx, actor=actor, action=Action.VIEW, now=now, classes=(cls,), details=(("scope", scope),))

    attempt(house, verb="vault.passwords", work=work, actor=actor)

    def counted() -> Mapping[vault.HashKind, int]:
        with scope_keys(house, scope=scope) as keys, house.store.reading() as tx:
            return vault.hash_kinds(tx, keys, progress=progress)

    return carry_out(house, verb="vault.passwords", work=counted, actor=actor)


def _who(house: House, scope: str, whom: str) -> str:
    """Return under which name tries are counted."""
    return house.ledger.pseudonym(f"password|{scope}|{whom}")


def _replaced(
    house: House,
    tx: Tx,
    *,
    actor: Actor,
    scope: str,
    subject: str,
    cls: FieldClass,
    made: tuple[int, int],
    why: str,
    now: datetime,
) -> None:
    person = actor.person.person
    payload: dict[str, Json] = {
        "person": person,
        "subject": subject,
        "scope": scope,
        "class": cls.value,
        "slot": made[0],
        "version": made[1],
        "reason": why,
    }
    event = Event(kind=VALUE_REPLACED, payload=payload, actor=person, about=(person, subject))
    house.ledger.append(tx, event, now=now)


def _version(found: search.Found, scope: str) -> Version | None:
    said: dict[str, Json] = found.payload if isinstance(found.payload, dict) else {}
    if said and said.get("scope") != scope:
        return None
    slot, version = said.get("slot"), said.get("version")
    return Version(
        entry=found.index,
        at=found.at,
        person=str(said.get("person", "")),
        cls=str(said.get("class", "")),
        slot=slot if isinstance(slot, int) else 0,
        version=version if isinstance(version, int) else 0,
        reason=str(said.get("reason", "")),
    )
