"""What is known already: an earlier inventory, and the journal of a scan that was killed.

A journal is a file of lines: a header (format, root, rules), then one line for each finished object with its members
and findings, in the inventory's own spelling. Invariants: a line counts only if it is whole; a journal of another root
or other rules is not used; it holds nothing that an inventory does not; it is readable by its owner only and goes when
the scan is done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self, TextIO

from tigertally.base.canon import Json, dumps
from tigertally.discovery.errors import BadInventory, NoJournal
from tigertally.discovery.fingerprints import fingerprints_in_use
from tigertally.discovery.inventory import Collected, Finding, Inventory, ObjectReport, Status
from tigertally.discovery.report import finding_in, finding_out, object_in, object_out
from tigertally.discovery.ruleset import ruleset

FORMAT: Final = "tigertally-scan-journal-v1"
_MEMBER: Final = "!/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One object of the source as it was scanned: its report, then its members' reports, and their findings."""

    objects: tuple[ObjectReport, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True, kw_only=True)
class Known:
    """Objects that were scanned before, by path; only those with a stamp and a report that says they were read."""

    parts: dict[str, Part] = field(default_factory=dict)

    @classmethod
    def of(cls, inventory: Inventory | None) -> Known:
        """Return what an inventory knows; nothing if it was made by other rules, or under another key."""
        known = cls()
        if inventory is None or inventory.ruleset != ruleset() or inventory.fingerprint_key != _key_in_use():
            return known
        objects: dict[str, list[ObjectReport]] = {}
        for report in inventory.objects:
            objects.setdefault(report.path.split(_MEMBER)[0], []).append(report)
        findings: dict[str, list[Finding]] = {}
        for finding in inventory.findings:
            findings.setdefault(finding.object.split(_MEMBER)[0], []).append(finding)
        known.add(
            Part(objects=tuple(reports), findings=tuple(findings.get(path, ()))) for path, reports in objects.items()
        )
        return known

    def add(self, parts: Iterable[Part]) -> None:
        """Add parts; later ones win."""
        for part in parts:
            self.parts[part.objects[0].path] = part

    def take(self, path: str, stamp: str | None, collected: Collected) -> bool:
        """Take the object over, if it is the same still; return whether it was."""
        part = self.parts.get(path)
        if part is None or stamp is None or part.objects[0].stamp != stamp:
            return False
        if part.objects[0].status not in (Status.SCANNED, Status.PARTLY):
            return False
        collected.objects += part.objects
        collected.findings += part.findings
        return True


class Journal:
    """The notes of a running scan, at ``path`` (None: none are taken). ``earlier`` are those of the run before."""

    def __init__(self, path: Path | None, *, root: str) -> None:
        self._path = path
        self._root = root
        self._file: TextIO | None = None
        self.earlier: list[Part] = []

    def __enter__(self) -> Self:
        """Read what an earlier run left, and open the file for more."""
        if self._path is None:
            return self
        how: Json = {"format": FORMAT, "root": self._root, "ruleset": ruleset(), "key": _key_in_use()}
        header = dumps(how).decode()
        try:
            self.earlier = _read(self._path, header)
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (0 if self.earlier else os.O_TRUNC)
            self._file = os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8")
            self._file.truncate(0)
            self._file.write(header + "\n")
            for part in self.earlier:
                self._file.write(_line(part))
            self._file.flush()
        except OSError:
            raise NoJournal from None
        return self

    def note(self, collected: Collected, mark: tuple[int, int]) -> None:
        """Note the object whose reports and findings were added since ``mark``."""
        if self._file is None:
            return
        part = Part(objects=tuple(collected.objects[mark[0] :]), findings=tuple(collected.findings[mark[1] :]))
        if part.objects and part.objects[0].stamp is not None:
            try:
                self._file.write(_line(part))
                self._file.flush()
            except OSError:
                raise NoJournal from None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the file; after a scan that came to its end it goes."""
        if self._file is not None and self._path is not None:
            self._file.close()
            if kind is None:
                self._path.unlink(missing_ok=True)


def _key_in_use() -> str | None:
    under = fingerprints_in_use()
    return under.key_id if under else None


def _line(part: Part) -> str:
    objects: list[Json] = [object_out(report) for report in part.objects]
    findings: list[Json] = [finding_out(finding) for finding in part.findings]
    return dumps({"objects": objects, "findings": findings}).decode() + "\n"


def _read(path: Path, header: str) -> list[Part]:
    """Return the whole lines of a journal with this header; none if there is no such journal."""
    try:
        with path.open(encoding="utf-8") as file:
            if file.readline().rstrip("\n") != header:
                return []
            return [part for line in file if line.endswith("\n") and (part := _part(line)) is not None]
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        return []


def _part(line: str) -> Part | None:
    try:
        value = json.loads(line)
        objects = tuple(object_in(one, "journal") for one in value["objects"])
        findings = tuple(finding_in(one, "journal") for one in value["findings"])
    except (ValueError, KeyError, TypeError, BadInventory):
        return None
    return Part(objects=objects, findings=findings) if objects else None
