"""Sharing a secret among holders in groups, so that every share can be checked and none has to be trusted.

Pedersen's verifiable secret sharing (CRYPTO '91) in two levels, over the scalars of P-256 (docs/formats/share.md §2):
the secret is the constant term of a polynomial whose values belong to *groups*; each value is the constant term of a
polynomial whose values belong to the group's *members*. ``need`` groups, each with its own ``need`` of members, recover
it; fewer learn nothing about it, whatever they can compute, because the commitments are blinded perfectly.

1. :func:`deal` makes shares and commitments; 2. :func:`fits` checks one share against them; 3. :func:`combine`
recovers; 4. redistribution (Desmedt–Jajodia, verifiable after Wong–Wang–Wing): each of enough old holders deals *their
share* under the new structure, every new holder adds up what they got (:func:`merge`), everybody adds up the
commitments (:func:`merge_commitments`); the secret is in no place at any time; 5. :func:`prove` and :func:`proves`
(Okamoto, CRYPTO '92): a holder shows that they have their share without showing it.

Secret scalars meet points in OpenSSL only. Their arithmetic modulo N is Python's: its time depends on the lengths of
numbers, all of 256 bits, and is not constant to the instruction (docs/LIMITS.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from tigertally.base.secret import SecretBytes
from tigertally.crypto import curve
from tigertally.crypto.curve import MaybePoint, Point
from tigertally.crypto.digest import sha256
from tigertally.crypto.errors import BadKey, BadShares

GROUPS_MAX: Final = 16
MEMBERS_MAX: Final = 16
_PROOF_LABEL: Final = b"tigertally/v1/share-proof\x00"
_N: Final = curve.N

Seat: TypeAlias = tuple[int, int]
"""Group and member, each counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Who can recover: ``need`` of the groups, each with its need of its size, as ``(need, size)``."""

    need: int
    groups: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        whole = 1 <= self.need <= len(self.groups) <= GROUPS_MAX
        if not whole or not all(1 <= need <= size <= MEMBERS_MAX for need, size in self.groups):
            raise BadShares

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Every share's place, in order."""
        return tuple((g, m) for g, (_, size) in enumerate(self.groups, 1) for m in range(1, size + 1))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Share:
    """One holder's share: two scalars of 32 bytes."""

    seat: Seat
    value: SecretBytes
    blind: SecretBytes

    def __repr__(self) -> str:
        return f"<share {self.seat[0]}.{self.seat[1]}>"

    def wipe(self) -> None:
        """Overwrite it."""
        self.value.wipe()
        self.blind.wipe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitments:
    """What everybody may know: a point per coefficient, of the outer polynomial and of each group's."""

    outer: tuple[Point, ...]
    groups: tuple[tuple[Point, ...], ...]

    def check(self, structure: Structure) -> None:
        """Raise :class:`BadShares` unless they are of ``structure`` and each group begins on the outer polynomial."""
        if len(self.outer) != structure.need or len(self.groups) != len(structure.groups):
            raise BadShares
        for number, (points, (need, _)) in enumerate(zip(self.groups, structure.groups, strict=True), 1):
            if len(points) != need or points[0] != _at(self.outer, number):
                raise BadShares

    def of(self, seat: Seat) -> MaybePoint:
        """Return the commitment to one share."""
        return _at(self.groups[seat[0] - 1], seat[1])


def new_secret() -> SecretBytes:
    """Return a random secret that can be shared (32 bytes)."""
    return _secret(curve.new_scalar())


def deal(
    structure: Structure, *, value: SecretBytes, blind: SecretBytes | None = None
) -> tuple[Commitments, list[Share]]:
    """Return commitments to, and shares of, ``value``. Raises :class:`BadShares` if it is no scalar."""
    outer = _polynomial(structure.need, _scalar(value), curve.new_scalar() if blind is None else _scalar(blind))
    groups, shares = [], []
    for number, (need, size) in enumerate(structure.groups, 1):
        inner = _polynomial(need, _value(outer[0], number), _value(outer[1], number))
        groups.append(_commit(inner))
        for member in range(1, size + 1):
            parts = (_secret(_value(side, member)) for side in inner)
            shares.append(Share(seat=(number, member), value=next(parts), blind=next(parts)))
    return Commitments(outer=_commit(outer), groups=tuple(groups)), shares


def fits(commitments: Commitments, share: Share) -> bool:
    """Return whether ``share`` is the one that was committed to for its seat."""
    group, member = share.seat
    if not (1 <= group <= len(commitments.groups) and 1 <= member <= MEMBERS_MAX):
        return False
    try:
        made = _pedersen(_scalar(share.value), _scalar(share.blind))
    except BadShares:
        return False
    return made == commitments.of(share.seat)


def weights(structure: Structure, seats: Iterable[Seat]) -> dict[Seat, int]:
    """Return by what each share is multiplied so that the sum is the secret; only as many shares as are needed.

    Raises :class:`BadShares` if they are not enough or one is none of the structure's.
    """
    present = sorted(set(seats))
    if not set(present) <= set(structure.seats):
        raise BadShares
    full: dict[int, list[int]] = {}
    for number, (need, _) in enumerate(structure.groups, 1):
        members = [member for group, member in present if group == number][:need]
        if len(members) == need and len(full) < structure.need:
            full[number] = members
    if len(full) < structure.need:
        raise BadShares
    return {
        (group, member): _lagrange(group, full) * _lagrange(member, members) % _N
        for group, members in full.items()
        for member in members
    }


def combine(structure: Structure, shares: Sequence[Share]) -> SecretBytes:
    """Return the secret. Shares are to be checked before (:func:`fits`). Raises like :func:`weights`."""
    by_seat = {share.seat: share for share in shares}
    found = weights(structure, by_seat)
    return _secret(sum(weight * _scalar(by_seat[seat].value) for seat, weight in found.items()))


def merge(found: Mapping[Seat, int], parts: Mapping[Seat, Share]) -> Share:
    """Return a new holder's share from what each old holder dealt them; ``found`` are the old holders' weights.

    ``parts`` has one share of the same seat from each of them, checked before.
    """
    seats = {share.seat for share in parts.values()}
    if set(found) != set(parts) or len(seats) != 1:
        raise BadShares
    value = sum(weight * _scalar(parts[seat].value) for seat, weight in found.items())
    blind = sum(weight * _scalar(parts[seat].blind) for seat, weight in found.items())
    return Share(seat=seats.pop(), value=_secret(value), blind=_secret(blind))


def merge_commitments(
    structure: Structure, found: Mapping[Seat, int], dealt: Mapping[Seat, Commitments], old: Commitments
) -> Commitments:
    """Return commitments to the merged shares under the new ``structure``.

    Raises :class:`BadShares` naming no one unless each of ``dealt`` commits to the old share of its seat
    (:func:`deals`, which names) and all of them together to the old secret.
    """
    if set(found) != set(dealt) or not all(deals(structure, dealt[seat], old=old, seat=seat) for seat in found):
        raise BadShares
    made = Commitments(
        outer=_weighed(found, {seat: one.outer for seat, one in dealt.items()}),
        groups=tuple(
            _weighed(found, {seat: one.groups[at] for seat, one in dealt.items()})
            for at in range(len(structure.groups))
        ),
    )
    made.check(structure)
    if made.outer[0] != old.outer[0]:
        raise BadShares
    return made


def deals(structure: Structure, dealt: Commitments, *, old: Commitments, seat: Seat) -> bool:
    """Return whether ``dealt`` are commitments under ``structure`` to the old share of ``seat``."""
    try:
        dealt.check(structure)
    except BadShares:
        return False
    return dealt.outer[0] == old.of(seat)


def prove(share: Share, *, context: bytes) -> bytes:
    """Return a proof (97 bytes) that we hold ``share``, for ``context`` only, which must hold a fresh challenge."""
    value, blind = _scalar(share.value), _scalar(share.blind)
    one, two = curve.new_scalar(), curve.new_scalar()
    nonce = curve.encode(_pedersen(one, two))
    challenge = _challenge(nonce, _pedersen(value, blind), context)
    return nonce + b"".join(
        ((first + challenge * second) % _N).to_bytes(32, "big") for first, second in ((one, value), (two, blind))
    )


def proves(commitments: Commitments, seat: Seat, proof: bytes, *, context: bytes) -> bool:
    """Return whether ``proof`` shows that its maker held the share of ``seat``."""
    if len(proof) != curve.POINT_BYTES + 2 * curve.SCALAR_BYTES:
        return False
    raw, one, two = proof[:33], int.from_bytes(proof[33:65], "big"), int.from_bytes(proof[65:], "big")
    target = commitments.of(seat)
    try:
        nonce = curve.decode(raw)
    except BadKey:
        return False
    if target is None or one >= _N or two >= _N:
        return False
    made = curve.add(curve.multiply(one, curve.G), curve.multiply(two, curve.H))
    return made == curve.add(nonce, curve.multiply(_challenge(raw, target, context), target))


def _challenge(nonce: bytes, target: Point, context: bytes) -> int:
    said = _PROOF_LABEL + nonce + curve.encode(target) + context
    # 512 bits, so that the remainder is as good as uniform.
    return int.from_bytes(sha256(b"\x01" + said) + sha256(b"\x02" + said), "big") % _N


def _polynomial(need: int, value: int, blind: int) -> tuple[list[int], list[int]]:
    """Return the coefficients of two polynomials of degree need-1 with these constant terms."""
    return (
        [value, *(curve.new_scalar() for _ in range(need - 1))],
        [blind, *(curve.new_scalar() for _ in range(need - 1))],
    )


def _commit(sides: tuple[list[int], list[int]]) -> tuple[Point, ...]:
    return tuple(_pedersen(value, blind) for value, blind in zip(*sides, strict=True))


def _pedersen(value: int, blind: int) -> Point:
    made = curve.add(curve.times_base(value), curve.times(blind, curve.H))
    if made is None:  # once in 2^256, or by somebody who knows H's logarithm
        raise BadShares
    return made


def _value(coefficients: Sequence[int], at: int) -> int:
    total = 0
    for coefficient in reversed(coefficients):
        total = (total * at + coefficient) % _N
    return total


def _at(points: Sequence[Point], at: int) -> MaybePoint:
    total: MaybePoint = None
    for point in reversed(points):
        total = curve.add(curve.multiply(at, total), point)
    return total


def _lagrange(at: int, among: Iterable[int]) -> int:
    """Return the weight at zero of the value at ``at``, one of ``among``."""
    top, bottom = 1, 1
    for other in among:
        if other != at:
            top, bottom = top * other % _N, bottom * (other - at) % _N
    return top * pow(bottom, -1, _N) % _N


def _weighed(found: Mapping[Seat, int], rows: Mapping[Seat, Sequence[Point]]) -> tuple[Point, ...]:
    made: list[Point] = []
    for at in range(len(next(iter(rows.values())))):
        total: MaybePoint = None
        for seat, weight in found.items():
            total = curve.add(total, curve.multiply(weight, rows[seat][at]))
        if total is None:
            raise BadShares
        made.append(total)
    return tuple(made)


def _scalar(secret: SecretBytes) -> int:
    number = int.from_bytes(secret.expose(), "big")
    if len(secret) != curve.SCALAR_BYTES or number >= _N:
        raise BadShares
    return number


def _secret(number: int) -> SecretBytes:
    return SecretBytes((number % _N).to_bytes(curve.SCALAR_BYTES, "big"))
