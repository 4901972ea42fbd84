from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tigertally.base.secret import SecretBytes
from tigertally.crypto import curve, shares
from tigertally.crypto.errors import BadKey, BadShares
from tigertally.crypto.shares import Commitments, Seat, Share, Structure

# Seller with two persons of whom one is enough, buyer with three of whom two are needed, escrow.
DEAL = Structure(need=2, groups=((1, 2), (2, 3), (1, 1)))


def enough(structure: Structure, seats: Sequence[Seat]) -> bool:
    """The rule in words of its own."""
    held = [sum(1 for group, _ in seats if group == number) for number in range(1, len(structure.groups) + 1)]
    return sum(have >= need for have, (need, _) in zip(held, structure.groups, strict=True)) >= structure.need


def test_points_are_those_of_another_implementation() -> None:
    assert curve.multiply(curve.N, curve.G) is None
    assert curve.add(curve.multiply(curve.N - 1, curve.H), curve.H) is None
    for scalar in [1, 2, 3, curve.N - 1, curve.N - 2, *(curve.new_scalar() for _ in range(5))]:
        known = ec.derive_private_key(scalar, ec.SECP256R1()).public_key().public_numbers()
        assert curve.multiply(scalar, curve.G) == (known.x, known.y) == curve.times_base(scalar)
        assert curve.times(scalar, curve.H) == curve.multiply(scalar, curve.H)
    assert curve.times(0, curve.H) is None
    assert curve.times_base(curve.N) is None


def test_the_second_base_is_what_the_format_says() -> None:
    raw = curve.encode(curve.H).hex()
    assert raw == "02" + f"{curve.H[0]:064x}"
    assert curve.decode(bytes.fromhex(raw)) == curve.H


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"\x02" * 32,
        b"\x04" + curve.G[0].to_bytes(32, "big") + curve.G[1].to_bytes(32, "big"),
        b"\x05" + curve.G[0].to_bytes(32, "big"),
        b"\x02" + curve.P.to_bytes(32, "big"),
        b"\x02" + (5).to_bytes(32, "big")[:-1],
        b"\x02" + b"\xff" * 32,
    ],
)
def test_other_bytes_are_no_point(raw: bytes) -> None:
    with pytest.raises(BadKey):
        curve.decode(raw)


def test_those_recover_who_may_and_nobody_else() -> None:
    secret = shares.new_secret()
    commitments, dealt = shares.deal(DEAL, value=secret)
    commitments.check(DEAL)
    assert [share.seat for share in dealt] == list(DEAL.seats)
    assert all(shares.fits(commitments, share) for share in dealt)
    for count in range(len(dealt) + 1):
        for some in itertools.combinations(dealt, count):
            if enough(DEAL, [share.seat for share in some]):
                assert shares.combine(DEAL, some) == secret
            else:
                with pytest.raises(BadShares):
                    shares.combine(DEAL, some)


def test_one_bit_more_or_less_is_another_share() -> None:
    commitments, dealt = shares.deal(DEAL, value=shares.new_secret())
    share = dealt[3]
    for at in (0, 17, 255):
        flipped = (int.from_bytes(share.value.expose(), "big") ^ 1 << at).to_bytes(32, "big")
        for bad in (
            Share(seat=share.seat, value=SecretBytes(flipped), blind=share.blind),
            Share(seat=share.seat, value=share.value, blind=SecretBytes(flipped)),
            Share(seat=(2, 1), value=share.value, blind=share.blind),
            Share(seat=(4, 1), value=share.value, blind=share.blind),
            Share(seat=share.seat, value=SecretBytes(b"\xff" * 32), blind=share.blind),
            Share(seat=share.seat, value=SecretBytes(b"\x01"), blind=share.blind),
        ):
            assert not shares.fits(commitments, bad)


def test_a_share_of_another_ceremony_does_not_fit() -> None:
    secret = shares.new_secret()
    one, _ = shares.deal(DEAL, value=secret)
    _, two = shares.deal(DEAL, value=secret)
    assert not any(shares.fits(one, share) for share in two)


def test_commitments_of_groups_that_have_nothing_to_do_with_the_secret_are_refused() -> None:
    one, _ = shares.deal(DEAL, value=shares.new_secret())
    two, _ = shares.deal(DEAL, value=shares.new_secret())
    for bad in (
        Commitments(outer=one.outer, groups=(*one.groups[:2], two.groups[2])),
        Commitments(outer=two.outer, groups=one.groups),
        Commitments(outer=one.outer[:1], groups=one.groups),
        Commitments(outer=one.outer, groups=one.groups[:2]),
        Commitments(outer=one.outer, groups=(one.groups[0], one.groups[1][:1], one.groups[2])),
    ):
        with pytest.raises(BadShares):
            bad.check(DEAL)


@pytest.mark.parametrize(
    ("need", "groups"),
    [(0, ((1, 1),)), (2, ((1, 1),)), (1, ()), (1, ((2, 1),)), (1, ((0, 1),)), (1, ((1, 17),)), (1, ((1, 1),) * 17)],
)
def test_a_structure_that_cannot_be_is_refused(need: int, groups: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(BadShares):
        Structure(need=need, groups=groups)


def passed_on(
    old: Structure, commitments: Commitments, givers: Sequence[Share], new: Structure
) -> tuple[Commitments, list[Share]]:
    """Each giver deals to every new holder; each new holder checks and adds up."""
    found = shares.weights(old, [share.seat for share in givers])
    dealt = {
        share.seat: shares.deal(new, value=share.value, blind=share.blind) for share in givers if share.seat in found
    }
    public = {seat: one for seat, (one, _) in dealt.items()}
    made = shares.merge_commitments(new, found, public, commitments)
    taken = []
    for at in range(len(new.seats)):
        parts = {seat: given[at] for seat, (_, given) in dealt.items()}
        assert all(shares.fits(public[seat], part) for seat, part in parts.items())
        taken.append(shares.merge(found, parts))
    return made, taken


def test_shares_are_passed_on_and_the_old_ones_are_of_no_use_with_the_new() -> None:
    secret = shares.new_secret()
    commitments, old = shares.deal(DEAL, value=secret)
    after = Structure(need=2, groups=((2, 2), (1, 1)))
    made, new = passed_on(DEAL, commitments, [old[0], old[2], old[4]], after)
    made.check(after)
    assert all(shares.fits(made, share) for share in new)
    assert shares.combine(after, new) == secret
    # One old holder and one new one of what would be enough together.
    mixed = [Share(seat=(1, 1), value=old[0].value, blind=old[0].blind), *new[1:]]
    assert not shares.fits(made, mixed[0])
    assert shares.combine(after, mixed) != secret
    again, newer = passed_on(after, made, new, DEAL)
    assert shares.combine(DEAL, newer) == secret
    assert again.outer[0] == made.outer[0] == commitments.outer[0]


def test_whoever_passes_on_something_else_is_found_out_by_everybody() -> None:
    commitments, old = shares.deal(DEAL, value=shares.new_secret())
    found = shares.weights(DEAL, [old[0].seat, old[5].seat])
    honest, _ = shares.deal(DEAL, value=old[0].value, blind=old[0].blind)
    liar, _ = shares.deal(DEAL, value=shares.new_secret(), blind=old[5].blind)
    assert shares.deals(DEAL, honest, old=commitments, seat=old[0].seat)
    assert not shares.deals(DEAL, liar, old=commitments, seat=old[5].seat)
    with pytest.raises(BadShares):
        shares.merge_commitments(DEAL, found, {old[0].seat: honest, old[5].seat: liar}, commitments)


def test_having_a_share_is_shown_without_showing_it() -> None:
    commitments, dealt = shares.deal(DEAL, value=shares.new_secret())
    proof = shares.prove(dealt[2], context=b"today")
    assert shares.proves(commitments, dealt[2].seat, proof, context=b"today")
    assert shares.prove(dealt[2], context=b"today") != proof
    assert not shares.proves(commitments, dealt[2].seat, proof, context=b"tomorrow")
    assert not shares.proves(commitments, dealt[3].seat, proof, context=b"today")
    for at in (0, 5, 40, 96):
        bad = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
        assert not shares.proves(commitments, dealt[2].seat, bad, context=b"today")
    assert not shares.proves(commitments, dealt[2].seat, proof[:-1], context=b"today")
    one = int.from_bytes(proof[33:65], "big") + curve.N
    if one < 2**256:
        same = proof[:33] + one.to_bytes(32, "big") + proof[65:]
        assert not shares.proves(commitments, dealt[2].seat, same, context=b"today")


def test_a_share_does_not_print() -> None:
    _, dealt = shares.deal(DEAL, value=shares.new_secret())
    assert repr(dealt[0]) == "<share 1.1>"
