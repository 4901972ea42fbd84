"""What is new, gone and moved between two inventories of the same source.

A place is (object, table and column or key, class). 1. In both, with the same counts: the same. 2. In both, with
others: changed. 3. Only in the later one: new, unless (4) an object of the same size, kind and findings is gone from
the earlier one and the pair is the only such pair: then it has moved, and nothing in it is new or gone. Tiers are
summed: a better label makes no finding new. An object that the later scan did not read whole cannot have lost anything:
its missing places are *not seen*.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from tigertally.base.fields import FieldClass
from tigertally.discovery.inventory import Inventory, ObjectReport, Place, Status

_MEMBER: Final = "!/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A class at a place of an object, with its count of values and of different ones, over all tiers."""

    object: str
    place: Place
    field: FieldClass
    count: int
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The difference. ``moved``: (before, after) paths; ``changed``: (before, after); ``unseen``: gone or not read."""

    new: tuple[Spot, ...]
    gone: tuple[Spot, ...]
    changed: tuple[tuple[Spot, Spot], ...]
    unseen: tuple[Spot, ...]
    moved: tuple[tuple[str, str], ...]


def compare(before: Inventory, after: Inventory) -> Changes:
    """Return what changed from ``before`` to ``after``."""
    old, new = _spots(before), _spots(after)
    moved = _moved(before, after, old, new)
    for source, target in moved:
        for key in [key for key in old if _outer(key[0]) == source]:
            del old[key]
        for key in [key for key in new if _outer(key[0]) == target]:
            del new[key]
    partly = {report.path for report in after.objects if report.status is not Status.SCANNED}
    missing = [spot for key, spot in old.items() if key not in new]
    unseen = [spot for spot in missing if spot.object in partly or _outer(spot.object) in partly]
    return Changes(
        new=tuple(spot for key, spot in new.items() if key not in old),
        gone=tuple(spot for spot in missing if spot not in unseen),
        changed=tuple(
            (spot, new[key])
            for key, spot in old.items()
            if key in new and (spot.count, spot.distinct) != (new[key].count, new[key].distinct)
        ),
        unseen=tuple(unseen),
        moved=moved,
    )


_Key = tuple[str, Place, FieldClass]


def _spots(inventory: Inventory) -> dict[_Key, Spot]:
    counts: Counter[_Key] = Counter()
    distinct: Counter[_Key] = Counter()
    for one in inventory.findings:
        key = (one.object, one.place, one.field)
        counts[key] += one.count
        distinct[key] += one.distinct
    return {
        key: Spot(object=key[0], place=key[1], field=key[2], count=count, distinct=distinct[key])
        for key, count in counts.items()
    }


def _outer(path: str) -> str:
    return path.split(_MEMBER, maxsplit=1)[0]


def _moved(
    before: Inventory, after: Inventory, old: dict[_Key, Spot], new: dict[_Key, Spot]
) -> tuple[tuple[str, str], ...]:
    """Pair objects that are only before with those that are only after, where just one looks like just one."""
    here, there = ({report.path for report in inventory.objects} for inventory in (before, after))
    gone, come = _looks(before, old, here - there), _looks(after, new, there - here)
    pairs = [(gone[look][0], come[look][0]) for look in gone if len(gone[look]) == 1 and len(come.get(look, ())) == 1]
    return tuple(sorted(pairs))


def _looks(inventory: Inventory, spots: dict[_Key, Spot], paths: set[str]) -> dict[object, list[str]]:
    """Return objects that hold findings by what they look like: size, kind, and what is found in them."""
    inside: dict[str, list[tuple[object, ...]]] = {}
    for spot in spots.values():
        outer = _outer(spot.object)
        if outer in paths:
            inside.setdefault(outer, []).append(
                (spot.object[len(outer) :], spot.place, spot.field, spot.count, spot.distinct)
            )
    found: dict[object, list[str]] = {}
    reports: dict[str, ObjectReport] = {report.path: report for report in inventory.objects}
    for path, held in inside.items():
        report = reports[path]
        found.setdefault((report.size, report.kind, frozenset(held)), []).append(path)
    return found
