"""Adapters as data: what a processor's file looks like and what it refuses. docs/formats/adapter.md.

The shipped ones are in ``data/processors``; another processor's is a TOML file of the same form. Read strictly: every
member known, at least one column for the card's number, values from the closed list of :class:`Adapter`'s columns.
Whether a rule was found in the processor's own pages, and where, is part of the data.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.formats.errors import Malformed
from tigertally.formats.shape import Reader
from tigertally.handover.adapters.errors import NoSuchAdapter

FILE_BYTES_MAX: Final = 262_144
COLUMNS_MAX: Final = 200
LINES_MAX: Final = 1_000_000
BYTES_MAX: Final = 1_000_000_000
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SPECIAL: Final = frozenset({"subject", "card", "pan", "empty"})
EXPIRY_FORMS: Final = frozenset({"MM", "YYYY", "YY", "MMYY", "MMYYYY", "YYMM", "YYYYMM", "MM/YY", "MM/YYYY"})
_CLASSES: Final = {cls.value for cls in SEALABLE} - {FieldClass.PASSWORD_HASH.value, FieldClass.EXPIRY.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterColumn:
    """One column.

    ``value``: ``subject`` (our id of the customer), ``card`` (the card's token), ``pan``, a field class, ``exp:FORM``,
    ``const:TEXT``, ``given:NAME`` (said when the file is made) or ``empty``. A line without a ``required`` value is
    one that the processor refuses; without a ``wanted`` one it is taken, at a price (declined recurring charges).
    """

    name: str
    value: str
    required: bool
    wanted: bool
    chars_max: int
    digits: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A processor's file. ``runs_max`` 0: as many as one likes; ``answer`` names the old and the new id's columns."""

    name: str
    title: Text
    source: str
    found: str
    verified: bool
    lines_max: int
    bytes_max: int
    runs_max: int
    answer: tuple[str, str]
    columns: tuple[AdapterColumn, ...]
    digest: str

    def classes(self) -> frozenset[FieldClass]:
        """Return the field classes that its lines hold."""
        named = {FieldClass.PAN}
        for column in self.columns:
            if column.value.startswith("exp:"):
                named.add(FieldClass.EXPIRY)
            elif column.value in _CLASSES:
                named.add(FieldClass(column.value))
        return frozenset(named)

    def given(self) -> frozenset[str]:
        """Return the names of what has to be said when a file is made."""
        return frozenset(one.value.partition(":")[2] for one in self.columns if one.value.startswith("given:"))


def shipped() -> tuple[str, ...]:
    """Return the names of the shipped adapters."""
    names = (item.name for item in resources.files("tigertally.data").joinpath("processors").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def find(name: str) -> Adapter:
    """Return a shipped adapter, or the one in the file ``name`` if that ends in ``.toml``.

    Raises ``NoSuchAdapter``, ``Malformed``.
    """
    if name.endswith(".toml"):
        try:
            with Path(name).open("rb") as file:
                return read(file.read(FILE_BYTES_MAX + 1))
        except OSError:
            raise NoSuchAdapter from None
    if name not in shipped():
        raise NoSuchAdapter
    return read(resources.files("tigertally.data").joinpath("processors", f"{name}.toml").read_bytes())


def read(data: bytes) -> Adapter:
    """Return the adapter in TOML bytes. Raises ``Malformed``."""
    if len(data) > FILE_BYTES_MAX:
        raise Malformed(what="adapter", where="size")
    try:
        reader = Reader(tomllib.loads(data.decode()), what="adapter")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise Malformed(what="adapter", where="toml") from None
    columns = tuple(_column(item) for item in reader.bodies("columns"))
    answer = reader.texts("answer")
    found = Adapter(
        name=reader.text("name"),
        title=Text(reader.text("zh"), reader.text("en")),
        source=reader.text("source"),
        found=reader.text("found"),
        verified=reader.flag("verified"),
        lines_max=reader.integer("lines_max", minimum=1, maximum=LINES_MAX),
        bytes_max=reader.integer("bytes_max", minimum=65_536, maximum=BYTES_MAX),
        runs_max=reader.integer("runs_max"),
        answer=(answer[0], answer[1]) if len(answer) == 2 else ("", ""),  # noqa: PLR2004 - old and new
        columns=columns,
        digest=sha256_hex(data),
    )
    reader.end()
    names = [column.name for column in columns]
    if len(names) != len(set(names)) or len(names) > COLUMNS_MAX or not any(one.value == "pan" for one in columns):
        raise reader.wrong("columns")
    if not _NAME.fullmatch(found.name):
        raise reader.wrong("name")
    if not all(found.answer):
        raise reader.wrong("answer")
    return found


def _column(item: Reader) -> AdapterColumn:
    value = item.text("value")
    kind, _, rest = value.partition(":")
    known = (
        (not rest and (value in _SPECIAL or value in _CLASSES))
        or (kind == "exp" and rest in EXPIRY_FORMS)
        or (kind == "const" and bool(rest))
        or (kind == "given" and bool(_NAME.fullmatch(rest)))
    )
    if not known:
        raise item.wrong("value")
    name = item.text("name")
    if not name.isprintable() or any(sign in name for sign in ',"'):
        raise item.wrong("name")
    digits = item.json("digits") if item.has("digits") else []
    if not isinstance(digits, list):
        raise item.wrong("digits")
    lengths = tuple(one for one in digits if isinstance(one, int))
    found = AdapterColumn(
        name=name,
        value=value,
        required=item.flag("required") if item.has("required") else False,
        wanted=item.flag("wanted") if item.has("wanted") else False,
        chars_max=item.integer("chars_max", minimum=1) if item.has("chars_max") else 0,
        digits=lengths,
    )
    item.end()
    return found
