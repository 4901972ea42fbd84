"""What is really in a generated estate, so that a test can count what a scan, a seal or a copy got right.

Values are held in memory only and do not show in a ``repr``. An occurrence is one value at one place: one cell, one
JSON value, one run of digits in a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tigertally.base.fields import FieldClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One object (``outer.zip!/inner.csv`` for members) holds ``count`` values of one class."""

    object: str
    cls: FieldClass
    count: int
    values: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The whole truth about one estate.

    ``owners`` maps each card number of a known customer to the customer number; cards that only occur in logs and
    notes and belong to nobody are in ``strangers``. ``decoys`` are numbers that must not be taken for findings.
    """

    root: Path
    customers: int
    objects: tuple[str, ...]
    held: tuple[Held, ...]
    owners: Mapping[str, str] = field(repr=False)
    strangers: frozenset[str] = field(repr=False)
    decoys: frozenset[str] = field(repr=False)
    password_accounts: int

    def count(self, cls: FieldClass, *, object: str | None = None) -> int:  # noqa: A002 - the domain's word
        """Return the number of occurrences of ``cls``, in one object or in all."""
        return sum(held.count for held in self.held if held.cls is cls and object in (None, held.object))

    def values(self, cls: FieldClass, *, object: str | None = None) -> frozenset[str]:  # noqa: A002
        """Return the distinct values of ``cls``, in one object or in all."""
        found = (held.values for held in self.held if held.cls is cls and object in (None, held.object))
        return frozenset().union(*found)


class Recorder:
    """Collects the truth while an estate is written."""

    __slots__ = ("_decoys", "_held", "_objects")

    def __init__(self) -> None:
        self._objects: dict[str, None] = {}
        self._held: dict[tuple[str, FieldClass], list[str]] = {}
        self._decoys: set[str] = set()

    def wrote(self, path: str, cls: FieldClass, values: Iterable[str | None]) -> None:
        """Note that ``values`` (``None`` = empty) of ``cls`` stand in ``path``."""
        self._objects[path] = None
        self._held.setdefault((path, cls), []).extend(value for value in values if value is not None)

    def lures(self, path: str, values: Iterable[str]) -> None:
        """Note decoys in ``path``."""
        self._objects[path] = None
        self._decoys.update(values)

    def truth(self, root: Path, *, customers: int, owners: Mapping[str, str], accounts: int) -> Truth:
        """Return what was collected."""
        held = tuple(
            Held(object=path, cls=cls, count=len(values), values=frozenset(values))
            for (path, cls), values in self._held.items()
            if values
        )
        cards = frozenset().union(*(one.values for one in held if one.cls is FieldClass.PAN))
        return Truth(
            root=root,
            customers=customers,
            objects=tuple(self._objects),
            held=held,
            owners=owners,
            strangers=cards - frozenset(owners),
            decoys=frozenset(self._decoys),
            password_accounts=accounts,
        )
