"""A seller who lies: rewrites a genuine bundle and signs the lie with its own genuine key. Not a test itself."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tests.unit.handover.scene import Scene

from tigertally.crypto.hpke import TransferPublic
from tigertally.formats import envelope, manifest, part, statement
from tigertally.formats.manifest import MANIFEST_NAME, Manifest, part_context
from tigertally.formats.part import PartColumns
from tigertally.formats.statement import Kind

Rows = dict[str, list[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Liar:
    """Works on the scene's written bundle."""

    scene: Scene

    @property
    def folder(self) -> Path:
        """Where the bundle lies."""
        return self.scene.folder

    def told(self) -> Manifest:
        """What the manifest says now."""
        return manifest.read(statement.parse((self.folder / MANIFEST_NAME).read_bytes()))

    def sign(self, paper: Manifest) -> None:
        """Sign another manifest as the seller."""
        signed = statement.make(Kind.MANIFEST, paper.body(), self.scene.seller.signing)
        (self.folder / MANIFEST_NAME).write_bytes(signed.to_bytes())

    def rows(self, number: int) -> PartColumns:
        """A part's rows, opened with the buyer's key."""
        paper = self.told()
        item = paper.parts[number]
        source = io.BytesIO((self.folder / item.name).read_bytes())
        pieces = envelope.open_stream(
            self.scene.buyer.transfer, context=part_context(paper.bundle, item.name), read=source.read
        )
        return part.read_part(b"".join(pieces), subjects=item.subjects)

    def put(
        self,
        number: int,
        data: bytes,
        *,
        recipients: tuple[TransferPublic, ...] = (),
        context: str | None = None,
        subjects: int | None = None,
    ) -> None:
        """Seal other bytes as a part and have the manifest say so."""
        paper = self.told()
        item = paper.parts[number]
        to = recipients or (self.scene.buyer.card.transfer,)
        where = context or part_context(paper.bundle, item.name)
        sealed = b"".join(envelope.seal(to, context=where, plaintext=[data]))
        (self.folder / item.name).write_bytes(sealed)
        parts = list(paper.parts)
        parts[number] = replace(
            item,
            sha256=hashlib.sha256(sealed).hexdigest(),
            length=len(sealed),
            subjects=item.subjects if subjects is None else subjects,
        )
        total = sum(entry.subjects for entry in parts)
        self.sign(replace(paper, parts=tuple(parts), subjects=total))

    def change(self, number: int, edit: Callable[[Rows], None]) -> None:
        """Edit a part's rows, whatever they become."""
        old = self.rows(number)
        rows: Rows = {name: list(getattr(old, name)) for name in ("subject", "salt", "code", "slot", "value", "token")}
        edit(rows)
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(list(rows.values()), schema=part.schema()), sink, store_schema=False)
        self.put(number, sink.getvalue().to_pybytes(), subjects=len(set(rows["subject"])))
