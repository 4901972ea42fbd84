"""What passes between holders: a sealed share, a proof of holding, a dealing. docs/formats/share.md §5 and §6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base import canon, clock
from tigertally.base.canon import Json
from tigertally.crypto import shares
from tigertally.crypto.curve import POINT_BYTES, SCALAR_BYTES
from tigertally.crypto.hpke import TransferKey, TransferPublic
from tigertally.crypto.shares import GROUPS_MAX, MEMBERS_MAX, Commitments, Seat, Share
from tigertally.formats import share as share_format
from tigertally.formats.shape import Reader, parse_canonical, to_b64
from tigertally.formats.share import TaggedShare
from tigertally.formats.shareset import points_of, spell_seat, spelled

SEALED_FORMAT: Final = "tigertally-sealed-share-v1"
PROOF_FORMAT: Final = "tigertally-share-proof-v1"
DEALING_FORMAT: Final = "tigertally-dealing-v1"
PROOF_BYTES: Final = POINT_BYTES + 2 * SCALAR_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedShare:
    """A share on its way to its holder. ``of``: digest of the set's statement."""

    of: str
    seat: Seat
    sealed: bytes

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        head: dict[str, Json] = {"format": SEALED_FORMAT, "set": self.of, "group": self.seat[0], "member": self.seat[1]}
        return canon.dumps({**head, "sealed": to_b64(self.sealed)})

    def open(self, key: TransferKey) -> TaggedShare:
        """Return the share. Raises ``DecryptionFailed`` for another holder's key."""
        return share_format.from_bytes(key.open(self.sealed, info=_share_info(self.of, self.seat)))


def seal_share(tagged: TaggedShare, *, of: str, key: TransferPublic) -> SealedShare:
    """Return ``tagged`` sealed to its holder's ``key``."""
    seat = tagged.share.seat
    return SealedShare(of=of, seat=seat, sealed=key.seal(tagged.to_bytes().expose(), info=_share_info(of, seat)))


def parse_sealed(data: bytes) -> SealedShare:
    """Return the sealed share in ``data``; ``Malformed`` otherwise."""
    reader = _reader(data, "sealed share", SEALED_FORMAT)
    found = SealedShare(of=reader.digest("set"), seat=_seat(reader), sealed=reader.b64("sealed"))
    reader.end()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingProof:
    """That somebody held the share of ``seat`` at ``at``."""

    of: str
    seat: Seat
    at: datetime
    proof: bytes

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        head: dict[str, Json] = {"format": PROOF_FORMAT, "set": self.of, "group": self.seat[0], "member": self.seat[1]}
        return canon.dumps({**head, "at": clock.to_text(self.at), "proof": to_b64(self.proof)})

    def holds(self, commitments: Commitments) -> bool:
        """Return whether it proves what it says of a set with these commitments."""
        return shares.proves(commitments, self.seat, self.proof, context=_proof_context(self.of, self.seat, self.at))


def prove_holding(share: Share, *, of: str, at: datetime) -> HoldingProof:
    """Return the proof that ``share`` is held now."""
    made = shares.prove(share, context=_proof_context(of, share.seat, at))
    return HoldingProof(of=of, seat=share.seat, at=at, proof=made)


def parse_proof(data: bytes) -> HoldingProof:
    """Return the proof in ``data``; ``Malformed`` otherwise."""
    reader = _reader(data, "share proof", PROOF_FORMAT)
    found = HoldingProof(
        of=reader.digest("set"), seat=_seat(reader), at=reader.instant("at"), proof=reader.b64("proof")
    )
    reader.end()
    if len(found.proof) != PROOF_BYTES:
        raise reader.wrong("proof")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """What one old holder deals to all new ones. ``plan``: digest of the plan; ``parts``: sealed, by new seat."""

    plan: str
    giver: Seat
    commitments: Commitments
    parts: Mapping[Seat, bytes]

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        head: dict[str, Json] = {
            "format": DEALING_FORMAT,
            "plan": self.plan,
            "group": self.giver[0],
            "member": self.giver[1],
        }
        groups: list[Json] = [spelled(points) for points in self.commitments.groups]
        parts: list[Json] = [
            {"group": seat[0], "member": seat[1], "sealed": to_b64(sealed)} for seat, sealed in self.parts.items()
        ]
        return canon.dumps(
            {
                **head,
                "member": self.giver[1],
                "points": spelled(self.commitments.outer),
                "groups": groups,
                "parts": parts,
            }
        )

    def open(self, seat: Seat, key: TransferKey) -> Share:
        """Return what was dealt to ``seat``, not checked. Raises ``DecryptionFailed``, ``Malformed``."""
        raw = key.open(self.parts[seat], info=_part_info(self.plan, self.giver, seat))
        return share_format.share_of(seat, raw)


def seal_part(part: Share, *, plan: str, giver: Seat, key: TransferPublic) -> bytes:
    """Return one part of a dealing sealed to the new holder's ``key``."""
    return key.seal(share_format.scalars_of(part).expose(), info=_part_info(plan, giver, part.seat))


def parse_dealing(data: bytes) -> Dealing:
    """Return the dealing in ``data``; ``Malformed`` otherwise. What it commits to is the caller's to check."""
    reader = _reader(data, "dealing", DEALING_FORMAT)
    plan, giver, outer = reader.digest("plan"), _seat(reader), points_of(reader, "points")
    rows = reader.json("groups")
    if not isinstance(rows, list) or not 1 <= len(rows) <= GROUPS_MAX:
        raise reader.wrong("groups")
    groups = tuple(points_of(Reader({"points": row}, what="dealing", where="groups"), "points") for row in rows)
    parts: dict[Seat, bytes] = {}
    for item in reader.bodies("parts"):
        parts[_seat(item)] = item.b64("sealed")
        item.end()
    reader.end()
    found = Dealing(plan=plan, giver=giver, commitments=Commitments(outer=outer, groups=groups), parts=parts)
    if found.to_bytes() != data:
        raise reader.wrong("parts")
    return found


def _reader(data: bytes, what: str, form: str) -> Reader:
    reader = Reader(parse_canonical(data, what=what), what=what, where="file")
    reader.const("format", form)
    return reader


def _seat(reader: Reader) -> Seat:
    return (
        reader.integer("group", minimum=1, maximum=GROUPS_MAX),
        reader.integer("member", minimum=1, maximum=MEMBERS_MAX),
    )


def _share_info(of: str, seat: Seat) -> bytes:
    return f"share|{of}|{spell_seat(seat)}".encode()


def _part_info(plan: str, giver: Seat, seat: Seat) -> bytes:
    return f"part|{plan}|{spell_seat(giver)}|{spell_seat(seat)}".encode()


def _proof_context(of: str, seat: Seat, at: datetime) -> bytes:
    return f"{of}|{spell_seat(seat)}|{clock.to_text(at)}".encode()
