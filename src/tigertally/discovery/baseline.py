"""Accepted findings: a TOML file in which a person says, with a reason and an end, that a finding may stay as it is.

Rules: 1. an entry names a class and an object (a shell pattern), and may name the table and the column or key; 2. it
needs a reason, a person and a day until which it holds, all of them; 3. after that day it counts for nothing and is
listed as expired; 4. with ``count_max`` it holds only while there are no more values than that; 5. what may never be
kept (verification codes, tracks, PINs, clear passwords) cannot be accepted unless all of it are published test numbers;
6. an entry that fits nothing is listed as unused. Nothing is hidden: reports count what was accepted, by whom, and
until when. Specified in docs/formats/baseline.md.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.discovery.errors import BadBaseline
from tigertally.discovery.inventory import Confidence, Evidence, Finding, Inventory

ENTRIES_MAX: Final = 100_000
_KEYS: Final = frozenset({"object", "class", "table", "name", "reason", "person", "expires", "count_max"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One entry. ``table`` and ``name`` are None for any; ``expires`` is the last day on which it holds."""

    object: str
    field: FieldClass
    reason: str
    person: str
    expires: date
    table: str | None = None
    name: str | None = None
    count_max: int | None = None

    def fits(self, finding: Finding) -> bool:
        """Return whether the entry speaks of the finding, whatever the day."""
        return (
            finding.field is self.field
            and fnmatch.fnmatchcase(finding.object, self.object)
            and self.table in (None, finding.place.table)
            and self.name in (None, finding.place.name)
            and (self.count_max is None or finding.count <= self.count_max)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Findings sorted by what a baseline says: open, accepted with their entries; and entries that do nothing."""

    open: tuple[Finding, ...]
    accepted: tuple[tuple[Finding, Accepted], ...]
    expired: tuple[Accepted, ...]
    unused: tuple[Accepted, ...]


def read_baseline(text: str) -> tuple[Accepted, ...]:
    """Return the entries of a baseline file. Raises :class:`BadBaseline`."""
    try:
        top = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise BadBaseline(where="toml") from None
    entries = top.get("accepted", [])
    if set(top) - {"accepted"} or not isinstance(entries, list) or len(entries) > ENTRIES_MAX:
        raise BadBaseline(where="accepted")
    return tuple(_entry(entry, f"accepted[{index}]") for index, entry in enumerate(entries, 1))


def judge(inventory: Inventory, baseline: Iterable[Accepted], *, today: date) -> Judged:
    """Return the findings of ``inventory`` as ``baseline`` has them on the day ``today``."""
    entries = tuple(baseline)
    valid = [entry for entry in entries if entry.expires >= today]
    open_: list[Finding] = []
    accepted: list[tuple[Finding, Accepted]] = []
    used: set[int] = set()
    for finding in inventory.findings:
        entry = next((one for one in valid if one.fits(finding) and acceptable(finding)), None)
        if entry is None:
            open_.append(finding)
        else:
            accepted.append((finding, entry))
            used.add(id(entry))
    return Judged(
        open=tuple(open_),
        accepted=tuple(accepted),
        expired=tuple(entry for entry in entries if entry.expires < today),
        unused=tuple(entry for entry in valid if id(entry) not in used),
    )


def acceptable(finding: Finding) -> bool:
    """Return whether anybody may accept the finding: not what may never be kept, unless it is made of test numbers."""
    return FIELD_RULES[finding.field].destiny is not Destiny.PURGE or all_tests(finding)


def all_tests(finding: Finding) -> bool:
    """Return whether every value of the finding is a published test number: no customer's."""
    tests = sum(reason.number or 0 for reason in finding.reasons if reason.evidence is Evidence.TEST_NUMBERS)
    return 0 < finding.count <= tests


def propose_baseline(inventory: Inventory) -> str:
    """Return a baseline with an entry for each finding that can be accepted, for a person to cut down and complete.

    Reason, person and day are left empty, and the file is refused until they are not.
    """
    lines = ["# Accepted findings. Delete what is not accepted; an entry needs reason, person and expires.\n"]
    for finding in inventory.findings:
        if finding.tier is not Confidence.POSSIBLE and acceptable(finding):
            lines.append("\n[[accepted]]\n" + "".join(f"{key} = {_quoted(value)}\n" for key, value in _told(finding)))
            lines.append(
                f'count_max = {finding.count}\nreason = ""\nperson = ""\nexpires = ""  # the last day, 2027-12-31\n'
            )
    return "".join(lines)


def _told(finding: Finding) -> list[tuple[str, str]]:
    told = [("object", fnmatch_safe(finding.object)), ("class", finding.field.value)]
    if finding.place.table is not None:
        told.append(("table", finding.place.table))
    if finding.place.name is not None:
        told.append(("name", finding.place.name))
    return told


def fnmatch_safe(path: str) -> str:
    """Return a pattern that fits this path only."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _quoted(text: str) -> str:
    """Return a TOML string."""
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in shown) + '"'


def _entry(entry: object, where: str) -> Accepted:
    if not isinstance(entry, dict) or set(entry) - _KEYS:
        raise BadBaseline(where=where)
    cls = next((one for one in FieldClass if one.value == entry.get("class")), None)
    if cls is None:
        raise BadBaseline(where=f"{where}.class")
    count_max = entry.get("count_max")
    if count_max is not None and (not isinstance(count_max, int) or isinstance(count_max, bool) or count_max < 0):
        raise BadBaseline(where=f"{where}.count_max")
    return Accepted(
        object=_word(entry, "object", where),
        field=cls,
        reason=_word(entry, "reason", where),
        person=_word(entry, "person", where),
        expires=_day(entry.get("expires"), f"{where}.expires"),
        table=_word(entry, "table", where) if "table" in entry else None,
        name=_word(entry, "name", where) if "name" in entry else None,
        count_max=count_max,
    )


def _word(entry: dict[str, object], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadBaseline(where=f"{where}.{key}")
    return value.strip() if key in ("reason", "person") else value


def _day(value: object, where: str) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _refuse(where)
    except ValueError:
        return _refuse(where)


def _refuse(where: str) -> date:
    raise BadBaseline(where=where)
