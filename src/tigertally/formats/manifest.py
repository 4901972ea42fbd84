"""Manifest: what a bundle holds, counted and rooted, signed by the seller. docs/formats/bundle.md.

A bundle is a folder: ``manifest.json`` and the parts it lists, each an envelope sealed to the buyer in the
context ``bundle|<bundle id>|<part name>``. Part names are ``part-00000.env`` upwards, so nothing in a
manifest can name a file elsewhere. Subjects of part k come before those of part k+1, ascending.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE
from tigertally.base.ids import BundleId, DealId, PartyId
from tigertally.base.limits import PART_SUBJECTS_MAX
from tigertally.formats.shape import Reader, json_counts
from tigertally.formats.statement import Kind, Statement

MANIFEST_NAME: Final = "manifest.json"
_PART: Final = re.compile(r"part-[0-9]{5}\.env")
_CLASSES: Final = frozenset(cls.value for cls in SEALABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One sealed file: name, SHA-256, length in bytes, number of subjects."""

    name: str
    sha256: str
    length: int
    subjects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The seller's signed account of a bundle. ``root`` is defined in docs/formats/record.md."""

    bundle: BundleId
    deal: DealId
    release: str
    seller: PartyId
    buyer: PartyId
    recipient_key: str
    created: datetime
    subjects: int
    counts: dict[str, int]
    root: bytes
    parts: tuple[Part, ...]

    def body(self) -> Json:
        """Return the payload."""
        parts: list[Json] = [
            {"name": part.name, "sha256": part.sha256, "length": part.length, "subjects": part.subjects}
            for part in self.parts
        ]
        return {
            "bundle": self.bundle,
            "deal": self.deal,
            "release": self.release,
            "seller": self.seller,
            "buyer": self.buyer,
            "recipient_key": self.recipient_key,
            "created": clock.to_text(self.created),
            "subjects": self.subjects,
            "counts": json_counts(self.counts),
            "root": self.root.hex(),
            "parts": parts,
        }


def part_name(number: int) -> str:
    """Return the file name of part ``number``."""
    return f"part-{number:05d}.env"


def part_context(bundle: BundleId, name: str) -> str:
    """Return the envelope context of a part."""
    return f"bundle|{bundle}|{name}"


def read(statement: Statement) -> Manifest:
    """Return the manifest in ``statement``; the signature is the caller's to verify."""
    reader = statement.expect(Kind.MANIFEST).reader()
    found = Manifest(
        bundle=BundleId(reader.ident("bundle", "bun")),
        deal=DealId(reader.ident("deal", "dea")),
        release=reader.digest("release"),
        seller=PartyId(reader.ident("seller", "pty")),
        buyer=PartyId(reader.ident("buyer", "pty")),
        recipient_key=reader.digest("recipient_key"),
        created=reader.instant("created"),
        subjects=reader.integer("subjects", minimum=1),
        counts=reader.counts("counts"),
        root=reader.hexbytes("root", length=32),
        parts=tuple(_part(item) for item in reader.bodies("parts")),
    )
    reader.end()
    expected = [part_name(number) for number in range(len(found.parts))]
    if [part.name for part in found.parts] != expected or not found.parts:
        raise reader.wrong("parts")
    if sum(part.subjects for part in found.parts) != found.subjects:
        raise reader.wrong("subjects")
    if not set(found.counts) <= _CLASSES:
        raise reader.wrong("counts")
    return found


def _part(reader: Reader) -> Part:
    part = Part(
        name=reader.text("name", chars_max=20),
        sha256=reader.digest("sha256"),
        length=reader.integer("length", minimum=1),
        subjects=reader.integer("subjects", minimum=1, maximum=PART_SUBJECTS_MAX),
    )
    reader.end()
    if not _PART.fullmatch(part.name):
        raise reader.wrong("name")
    return part
