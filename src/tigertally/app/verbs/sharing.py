"""Verbs on a root key in shares: deal them, open and close custody with them, pass them on, record who proved theirs.

The set lies in the installation's folder (``shares.json``) and says nothing secret; which set holds is a fact in the
ledger, so an older one, or one that nobody approved, opens nothing here. Opening leaves the root key in the folder
under a passphrase chosen for it (``opened.key``) until custody is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tigertally import deals, vault
from tigertally.access import Action, Actor, duties
from tigertally.access.duties import Duty
from tigertally.app.errors import NotReadable, NotShared
from tigertally.app.keeping import IN_SHARES, OPENED_NAME, SET_NAME, SET_NEXT_NAME, KeeperKind
from tigertally.app.settings import CARD_NAME, write_whole
from tigertally.app.verbs import people as people_verbs
from tigertally.app.verbs.attempt import allow, attempt, carry_out
from tigertally.app.wire import House, house_with, settled
from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.clock import Clock
from tigertally.base.ids import ShareSetId, new_id
from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.base.progress import SILENT, Progress
from tigertally.base.secret import SecretText
from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.crypto.shares import Seat
from tigertally.formats import dealing as dealing_format
from tigertally.formats import party, shareset
from tigertally.formats import share as share_format
from tigertally.formats import statement as dsse
from tigertally.formats.dealing import Dealing, HoldingProof
from tigertally.formats.share import TaggedShare
from tigertally.formats.shareset import Group, Plan, Rule, ShareSet, Terms, spell_seat
from tigertally.formats.statement import Kind, Statement
from tigertally.ledger import Event, EventKind, facts
from tigertally.store import outbox
from tigertally.store.tx import Tx
from tigertally.vault import (
    CUSTODY_CLOSED,
    CUSTODY_OPENED,
    RESHARE_PLANNED,
    SHARES_DEALT,
    SHARES_HOLD,
    SHARES_PROVEN,
    OldShareSet,
    RootedKeeper,
)

NOTICE: Final = "custody.notice"
PROOF_AGE_MAX: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Who is to hold and who recovers."""

    need: int
    groups: tuple[Group, ...]
    rules: tuple[Rule, ...] = ()
    deal: str = ""

    @property
    def digest(self) -> str:
        """What two persons agree on, as SHA-256 (hex)."""
        body: dict[str, Json] = {
            "need": self.need,
            "groups": [
                [group.name, group.need, [[one.name, one.key.key_id if one.key else ""] for one in group.holders]]
                for group in self.groups
            ],
            "rules": [[rule.stage, rule.group] for rule in self.rules],
            "deal": self.deal,
        }
        return sha256_hex(canon.dumps(body))

    def terms(self, house: House, *, set_id: str, epoch: int, previous: str, now: datetime) -> Terms:
        """Return the terms of a set or a plan."""
        return Terms(
            set=ShareSetId(set_id),
            epoch=epoch,
            party=house.settings.party,
            deal=self.deal,
            need=self.need,
            groups=self.groups,
            rules=tuple(sorted(self.rules, key=lambda rule: (rule.stage, rule.group))),
            previous=previous,
            created=now,
        )


def deal_shares(house: House, *, actor: Actor, draft: Draft, out: Path, progress: Progress = SILENT) -> Statement:
    """Deal shares of a new root key, move custody to them, and write each holder's file to ``out``; return the set.

    Afterwards custody is closed. A run that was killed before custody moved is run again with another folder.
    """
    draft_terms = draft.terms(house, set_id=new_id("shs"), epoch=1, previous="", now=house.clock.now())
    _ = draft_terms.structure  # refuse what cannot be before somebody approves it
    details = (("act", "deal"), ("draft", draft.digest))
    attempt(house, verb="custody.split", work=_allowing(house, actor, Action.CUSTODY, details), actor=actor)

    def work() -> Statement:
        whole, dealt, keeper = vault.share_root(draft_terms)
        paper = dsse.make(Kind.SHARES, whole.body(), house.signing)
        out.mkdir(parents=True, exist_ok=False, mode=0o700)
        write_whole(out / SET_NAME, paper.to_bytes(), mode=0o644)
        for tagged in dealt:
            _write_share(out, whole.terms, tagged, paper.digest)
            tagged.share.wipe()
        write_whole(house.settings.home / SET_NAME, paper.to_bytes(), mode=0o644)
        replace(house.settings, keeper_next=IN_SHARES).save()
        vault.move(
            house.store.transaction,
            house.ledger,
            old=house.keeper,
            new=keeper,
            settings_digest=IN_SHARES.digest,
            names=(house.settings.keeper.kind.value, KeeperKind.SHARES.value),
            actor=actor.person.person,
            now=house.clock.now,
            progress=progress,
            also=lambda tx, now: _state_set(house, tx, whole.terms, paper.digest, actor=actor, now=now),
        )
        keeper.close()
        replace(house.settings, keeper=IN_SHARES, keeper_next=None).save()
        # If custody was in shares before, what was opened then is of no use any more.
        (house.settings.home / OPENED_NAME).unlink(missing_ok=True)
        return paper

    return carry_out(house, verb="custody.split", work=work, actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What an opening came to."""

    terms: Terms
    seats: tuple[Seat, ...]
    stage: str


def open_custody(
    home: Path,
    *,
    given: Sequence[TaggedShare],
    passphrase: SecretText,
    handle: str,
    token: SecretText,
    clock: Clock,
    cost: Argon2Cost = DEFAULT_COST,
) -> Opened:
    """Recover the root key from shares, if the ledger's set, its rules and the decision allow; keep it in the folder.

    Raises what ``vault.recover`` and ``vault.need_rules`` raise; ``OldShareSet``; ``NotShared``.
    """
    settings = settled(home)
    if settings.keeper != IN_SHARES:
        raise NotShared
    paper = _set_for(home, given)
    whole = shareset.read_set(paper)
    with vault.recover(whole, given) as root:
        keeper = RootedKeeper(root)
        seats = tuple(sorted({tagged.share.seat for tagged in given}))
        with house_with(settings, keeper=keeper, clock=clock) as house:
            actor = people_verbs.actor_of(house, handle=handle, token=token)

            def work(tx: Tx, now: datetime) -> str:
                _need_present(house, tx, paper)
                stage = _stage(house, tx, whole.terms, now)
                vault.need_rules(whole.terms, seats, stage=stage)
                details = (("set", whole.terms.set), ("epoch", str(whole.terms.epoch)))
                allow(house, tx, actor=actor, action=Action.CUSTODY_OPEN, now=now, details=details)
                said: dict[str, Json] = {"seats": " ".join(map(spell_seat, seats)), "stage": stage}
                _record(house, tx, CUSTODY_OPENED, whole.terms, said, actor=actor, now=now)
                _notify(tx, whole.terms, what="opened", now=now)
                return stage

            stage = attempt(house, verb="custody.open", work=work, actor=actor)
            (home / OPENED_NAME).unlink(missing_ok=True)
            vault.create_passphrase_keeper(home / OPENED_NAME, passphrase=passphrase, cost=cost, root=root)
    if (home / SET_NEXT_NAME).exists():
        write_whole(home / SET_NAME, paper.to_bytes(), mode=0o644)
        (home / SET_NEXT_NAME).unlink()
    return Opened(terms=whole.terms, seats=seats, stage=stage)


def close_custody(house: House, *, actor: Actor) -> None:
    """Forget the root key: nothing opens until enough holders come again."""
    paper = present_set(house)
    terms = shareset.read_set(paper).terms

    def work(tx: Tx, now: datetime) -> None:
        allow(house, tx, actor=actor, action=Action.CUSTODY_OPEN, now=now, details=(("set", terms.set),))
        _record(house, tx, CUSTODY_CLOSED, terms, {}, actor=actor, now=now)

    attempt(house, verb="custody.close", work=work, actor=actor)
    (house.settings.home / OPENED_NAME).unlink(missing_ok=True)


def present_set(house: House) -> Statement:
    """Return the set that holds, signed by us and known to the ledger. Raises ``NotShared``, ``OldShareSet``."""
    if house.settings.keeper != IN_SHARES:
        raise NotShared
    home = house.settings.home
    names = [name for name in (SET_NEXT_NAME, SET_NAME) if (home / name).exists()]
    with house.store.reading() as tx:
        for name in names:
            paper = _own_set(home, name)
            try:
                _need_present(house, tx, paper)
            except OldShareSet:
                continue
            return paper
    raise OldShareSet


def plan_reshare(house: House, *, actor: Actor, draft: Draft, givers: Sequence[Seat]) -> Statement:
    """Return the signed plan by which the present holders at ``givers`` deal to those of ``draft``; two persons."""
    old_paper = present_set(house)
    old = shareset.read_set(old_paper)
    at = house.clock.now()
    terms = draft.terms(house, set_id=old.terms.set, epoch=old.terms.epoch + 1, previous=old_paper.digest, now=at)
    plan = Plan(terms=terms, givers=tuple(sorted(givers)))
    vault.need_plan(plan, old)
    shareset.read_plan(dsse.make(Kind.RESHARE, plan.body(), house.signing))
    details = (("act", "reshare"), ("draft", draft.digest), ("from", " ".join(map(spell_seat, plan.givers))))

    def work(tx: Tx, now: datetime) -> Statement:
        allow(house, tx, actor=actor, action=Action.CUSTODY, now=now, details=details)
        paper = dsse.make(Kind.RESHARE, plan.body(), house.signing)
        _record(house, tx, RESHARE_PLANNED, terms, {"digest": paper.digest}, actor=actor, now=now)
        _notify(tx, old.terms, what="reshare", now=now)
        return paper

    return attempt(house, verb="custody.reshare", work=work, actor=actor)


def finish_reshare(house: House, *, actor: Actor, paper: Statement, dealings: Sequence[Dealing]) -> Statement:
    """Return the next set, signed and in the ledger; the old shares open nothing here from now on. Two persons."""
    paper.require({"party": house.signing.public})
    plan, old_paper = shareset.read_plan(paper), present_set(house)
    if plan.terms.previous != old_paper.digest:
        raise OldShareSet
    whole = vault.conclude(plan, paper.digest, shareset.read_set(old_paper), dealings, now=house.clock.now())
    made = dsse.make(Kind.SHARES, whole.body(), house.signing)
    home = house.settings.home
    details = (("act", "finish"), ("plan", paper.digest))

    def work(tx: Tx, now: datetime) -> Statement:
        allow(house, tx, actor=actor, action=Action.CUSTODY, now=now, details=details)
        _state_set(house, tx, whole.terms, made.digest, actor=actor, now=now)
        # Allowed and written, not committed yet: from the commit on, only this set opens, so it has to be there before.
        write_whole(home / SET_NEXT_NAME, made.to_bytes(), mode=0o644)
        return made

    attempt(house, verb="custody.reshare", work=work, actor=actor)
    write_whole(home / SET_NAME, made.to_bytes(), mode=0o644)
    (home / SET_NEXT_NAME).unlink(missing_ok=True)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One seat and whether its holder proved lately that they have their share."""

    seat: Seat
    title: str
    proved: bool


def holdings(paper: Statement, proofs: Sequence[HoldingProof], *, now: datetime) -> list[Holding]:
    """Return every seat of a set with whether one of ``proofs`` shows its share was held in the last seven days."""
    whole = shareset.read_set(paper)
    good = {
        proof.seat
        for proof in proofs
        if proof.of == paper.digest and now - PROOF_AGE_MAX <= proof.at <= now + timedelta(minutes=5)
        if proof.seat in whole.terms.structure.seats and proof.holds(whole.commitments)
    }
    return [
        Holding(seat=seat, title=whole.terms.title(seat), proved=seat in good) for seat in whole.terms.structure.seats
    ]


def record_holdings(house: House, *, actor: Actor, proofs: Sequence[HoldingProof]) -> list[Holding]:
    """Record in the ledger who proved lately that they hold their share; return all seats."""
    paper = present_set(house)
    found = holdings(paper, proofs, now=house.clock.now())

    def work(tx: Tx, now: datetime) -> None:
        terms = shareset.read_set(paper).terms
        allow(house, tx, actor=actor, action=Action.CUSTODY_OPEN, now=now, details=(("set", terms.set),))
        proved = " ".join(spell_seat(one.seat) for one in found if one.proved)
        _record(house, tx, SHARES_PROVEN, terms, {"seats": proved}, actor=actor, now=now)

    attempt(house, verb="custody.proofs", work=work, actor=actor)
    return found


def _allowing(
    house: House, actor: Actor, action: Action, details: tuple[tuple[str, str], ...]
) -> Callable[[Tx, datetime], None]:
    def work(tx: Tx, now: datetime) -> None:
        allow(house, tx, actor=actor, action=action, now=now, details=details)

    return work


def _write_share(out: Path, terms: Terms, tagged: TaggedShare, digest: str) -> None:
    seat = tagged.share.seat
    name = f"{terms.groups[seat[0] - 1].name}-{seat[1]}"
    key = terms.holder(seat).key
    if key is not None:
        sealed = dealing_format.seal_share(tagged, of=digest, key=key)
        write_whole(out / f"{name}.sealed.json", sealed.to_bytes(), mode=0o644)
    else:
        write_whole(out / f"{name}.share", (tagged.to_text().expose() + "\n").encode())


def _record(
    house: House, tx: Tx, kind: EventKind, terms: Terms, more: dict[str, Json], *, actor: Actor, now: datetime
) -> None:
    payload: dict[str, Json] = {"set": terms.set, "epoch": terms.epoch, **more}
    house.ledger.append(tx, Event(kind=kind, payload=payload, actor=actor.person.person, about=(terms.set,)), now=now)


def _state_set(house: House, tx: Tx, terms: Terms, digest: str, *, actor: Actor, now: datetime) -> None:
    """Say in the ledger that this set holds and the one before no longer does, and tell the holders."""
    person = actor.person.person
    for fact in facts.read(tx, ledger=house.ledger, kinds=[SHARES_HOLD.name]):
        if not fact.withdrawn:
            facts.withdraw(tx, house.ledger, entry=fact.entry, reason="replaced", actor=person, now=now)
    duties.done(tx, house.ledger, duty=Duty.DEAL_SHARES, actor=person, now=now)
    said: dict[str, Json] = {"digest": digest, "need": terms.need, "holders": len(terms.structure.seats)}
    _record(house, tx, SHARES_DEALT, terms, said, actor=actor, now=now)
    value: dict[str, Json] = {"set": terms.set, "epoch": terms.epoch, "digest": digest}
    facts.state(
        tx, house.ledger, SHARES_HOLD, subject=terms.set, value=value, start=now, until=None, actor=person, now=now
    )
    _notify(tx, terms, what="dealt", now=now)


def _notify(tx: Tx, terms: Terms, *, what: str, now: datetime) -> None:
    """Leave a message for each holder; whoever delivers messages takes it from there."""
    for seat in terms.structure.seats:
        group, holder = terms.groups[seat[0] - 1].name, terms.holder(seat).name
        body: dict[str, Json] = {"set": terms.set, "epoch": terms.epoch, "group": group, "holder": holder, "what": what}
        outbox.put(tx, kind=NOTICE, body=canon.dumps(body), now=now)


def _need_present(house: House, tx: Tx, paper: Statement) -> None:
    found = facts.read(tx, ledger=house.ledger, kinds=[SHARES_HOLD.name])
    if not any(not fact.withdrawn and fact.value["digest"] == paper.digest for fact in found):
        raise OldShareSet


def _stage(house: House, tx: Tx, terms: Terms, now: datetime) -> str:
    """Return the deal's stage, or nothing if it is not known: then every rule counts."""
    found = [deal.stage for deal in deals.all_deals(tx, house.ledger, now=now) if deal.deal == terms.deal]
    return found[0] if found else ""


def _set_for(home: Path, given: Sequence[TaggedShare]) -> Statement:
    """Return our set that the shares are tagged for, or else the one that is in place."""
    papers = [_own_set(home, name) for name in (SET_NAME, SET_NEXT_NAME) if (home / name).exists()]
    tags = {tagged.tag for tagged in given}
    for paper in papers:
        whole: ShareSet = shareset.read_set(paper)
        if share_format.tag_of(whole.terms.set, whole.terms.epoch) in tags:
            return paper
    if not papers:
        raise NotReadable(path=home / SET_NAME, reason="FileNotFoundError")
    return papers[0]


def _own_set(home: Path, name: str) -> Statement:
    """Return the set in the folder, signed by us."""
    try:
        paper = dsse.parse((home / name).read_bytes()[: STATEMENT_BYTES_MAX + 1]).expect(Kind.SHARES)
        card = party.read(dsse.parse((home / CARD_NAME).read_bytes()))
    except OSError as error:
        raise NotReadable(path=home / name, reason=type(error).__name__) from None
    paper.require({card.name: card.signing})
    return paper
