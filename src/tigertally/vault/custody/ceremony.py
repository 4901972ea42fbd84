"""The ceremony: a root key is shared among holders of several companies, recovered, and passed on.

1. :func:`share_root` (in the installation whose root key it is): a new root key, wrapped under a random secret that is
   dealt to the holders. For that moment this process has it all, as it has when any root key is made;
2. :func:`recover`: enough holders, by the set's needs and by its rules for the deal's stage; every share is checked
   against the set before it is used, and the one that is wrong is named;
3. :func:`give`, :func:`take`, :func:`conclude`: redistribution. What one old holder deals is good only if it commits to
   the share they have, and whoever deals anything else is named; no step has enough to recover anything.

Nothing here asks who acts, or writes: ``app`` does, in the ledger, around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from tigertally.access.policy import STAGES
from tigertally.base.secret import SecretBytes
from tigertally.crypto import aead, kdf, shares
from tigertally.crypto.aead import Cipher
from tigertally.crypto.errors import BadShares, DecryptionFailed
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.shares import Seat
from tigertally.formats import dealing as dealing_format
from tigertally.formats import share as share_format
from tigertally.formats.dealing import Dealing
from tigertally.formats.share import TaggedShare
from tigertally.formats.shareset import Plan, ShareSet, Terms, spell_seat
from tigertally.vault.errors import (
    DealtWrongly,
    NotEnoughShares,
    NotOfThisPlan,
    RuleUnmet,
    SealedRootBroken,
    SharesWithoutDeal,
)
from tigertally.vault.keepers.rooted import Rooted

SET_NAME: Final = "shares.json"


def share_root(terms: Terms) -> tuple[ShareSet, list[TaggedShare], Rooted]:
    """Return a set for a new root key, its shares, and the keeper of that root key.

    Raises ``BadShares`` for needs that cannot be met, :class:`SharesWithoutDeal` for rules without a deal.
    """
    if terms.rules and not terms.deal:
        raise SharesWithoutDeal
    root = aead.new_key()
    keeper = Rooted(root)
    with shares.new_secret() as secret:
        commitments, dealt = shares.deal(terms.structure, value=secret)
        sealed = _cipher(secret, terms).wrap(root, _aad(terms))
    tag = share_format.tag_of(terms.set, terms.epoch)
    made = ShareSet(terms=terms, root=keeper.key_id, commitments=commitments, sealed=sealed)
    return made, [TaggedShare(tag=tag, share=one) for one in dealt], keeper


def recover(whole: ShareSet, given: Sequence[TaggedShare]) -> SecretBytes:
    """Return the root key. Rules are :func:`need_rules`', once the ledger that knows the stage is open.

    Raises ``OtherShare`` and ``WrongShare``, which name the share; :class:`NotEnoughShares`, which names the groups.
    """
    admitted = {share.seat: share for share in (whole.admit(tagged) for tagged in given)}
    need_enough(whole.terms, admitted)
    secret = shares.combine(whole.terms.structure, list(admitted.values()))
    try:
        with secret:
            root = _cipher(secret, whole.terms).unwrap(whole.sealed, _aad(whole.terms))
    except DecryptionFailed:
        raise SealedRootBroken from None
    if Rooted(root).key_id != whole.root:
        root.wipe()
        raise SealedRootBroken
    return root


def need_enough(terms: Terms, seats: Mapping[Seat, object] | Sequence[Seat]) -> None:
    """Raise :class:`NotEnoughShares` unless holders of these seats can recover."""
    present = set(seats)
    missing = []
    for number, group in enumerate(terms.groups, 1):
        have = sum(1 for seat in present if seat[0] == number)
        if have < group.need:
            missing.append(f"{group.name} {have}/{group.need}")
    full = len(terms.groups) - len(missing)
    if full < terms.need:
        raise NotEnoughShares(groups=full, needed=terms.need, missing=", ".join(missing))


def need_rules(terms: Terms, seats: Sequence[Seat], *, stage: str) -> None:
    """Raise :class:`RuleUnmet` if a rule for this ``stage`` of the deal asks for a group that is not present in full.

    An unknown stage ("") is under every rule. A deal that is dead (S9) is under rules that name S9 only: what holds
    after a closing does not hold without one.
    """
    for rule in terms.rules:
        counts = stage in ("", rule.stage) or (stage != "S9" and STAGES.index(stage) >= STAGES.index(rule.stage))
        number = [group.name for group in terms.groups].index(rule.group) + 1
        present = sum(1 for seat in set(seats) if seat[0] == number)
        if counts and present < terms.groups[number - 1].need:
            raise RuleUnmet(group=rule.group, stage=rule.stage)


def give(plan: Plan, digest: str, whole: ShareSet, tagged: TaggedShare) -> Dealing:
    """Return what the holder of ``tagged`` deals under ``plan``, whose statement has ``digest``.

    Raises ``OtherShare``, ``WrongShare``; :class:`NotOfThisPlan` for a share that the plan does not ask for.
    """
    need_plan(plan, whole)
    own = whole.admit(tagged)
    if own.seat not in plan.givers:
        raise NotOfThisPlan(what=f"seat {spell_seat(own.seat)}")
    commitments, dealt = shares.deal(plan.terms.structure, value=own.value, blind=own.blind)
    parts: dict[Seat, bytes] = {}
    for part in dealt:
        key = plan.terms.holder(part.seat).key
        if key is None:
            raise NotOfThisPlan(what=f"holder {spell_seat(part.seat)}")
        parts[part.seat] = dealing_format.seal_part(part, plan=digest, giver=own.seat, key=key)
        part.wipe()
    return Dealing(plan=digest, giver=own.seat, commitments=commitments, parts=parts)


def take(
    plan: Plan, digest: str, whole: ShareSet, dealings: Sequence[Dealing], *, seat: Seat, key: TransferKey
) -> TaggedShare:
    """Return the new share of ``seat``. Raises :class:`DealtWrongly`, :class:`NotOfThisPlan`, ``DecryptionFailed``."""
    by_giver = _checked(plan, digest, whole, dealings)
    parts = {}
    for giver, one in by_giver.items():
        part = one.open(seat, key)
        if not shares.fits(one.commitments, part):
            raise DealtWrongly(who=whole.terms.title(giver))
        parts[giver] = part
    made = shares.merge(_weights(plan, whole), parts)
    return TaggedShare(tag=share_format.tag_of(plan.terms.set, plan.terms.epoch), share=made)


def conclude(plan: Plan, digest: str, whole: ShareSet, dealings: Sequence[Dealing], *, now: datetime) -> ShareSet:
    """Return the next set. It is good once it is signed and in the ledger. Raises like :func:`take`."""
    by_giver = _checked(plan, digest, whole, dealings)
    commitments = shares.merge_commitments(
        plan.terms.structure,
        _weights(plan, whole),
        {giver: one.commitments for giver, one in by_giver.items()},
        whole.commitments,
    )
    return replace(whole, terms=replace(plan.terms, created=now), commitments=commitments)


def need_plan(plan: Plan, whole: ShareSet) -> None:
    """Raise :class:`NotOfThisPlan` unless ``plan`` is a next one of ``whole`` and asks for exactly enough holders."""
    old, new = whole.terms, plan.terms
    if (new.set, new.party, new.deal, new.epoch) != (old.set, old.party, old.deal, old.epoch + 1):
        raise NotOfThisPlan(what="set")
    try:
        exactly = set(_weights(plan, whole)) == set(plan.givers)
    except BadShares:
        exactly = False
    if not exactly:
        raise NotOfThisPlan(what="from")


def _checked(plan: Plan, digest: str, whole: ShareSet, dealings: Sequence[Dealing]) -> dict[Seat, Dealing]:
    need_plan(plan, whole)
    found: dict[Seat, Dealing] = {}
    for one in dealings:
        if one.plan != digest or one.giver not in plan.givers or one.giver in found:
            raise NotOfThisPlan(what=f"dealing {spell_seat(one.giver)}")
        structure = plan.terms.structure
        good = shares.deals(structure, one.commitments, old=whole.commitments, seat=one.giver)
        if not good or tuple(one.parts) != structure.seats:
            raise DealtWrongly(who=whole.terms.title(one.giver))
        found[one.giver] = one
    missing = [whole.terms.title(giver) for giver in plan.givers if giver not in found]
    if missing:
        raise NotEnoughShares(groups=len(found), needed=len(plan.givers), missing=", ".join(missing))
    return found


def _weights(plan: Plan, whole: ShareSet) -> dict[Seat, int]:
    return shares.weights(whole.terms.structure, plan.givers)


def _cipher(secret: SecretBytes, terms: Terms) -> Cipher:
    return Cipher(kdf.derive(secret, label="custody-seal", context=terms.set.encode()))


def _aad(terms: Terms) -> bytes:
    return f"shares|{terms.set}|{terms.party}".encode()
