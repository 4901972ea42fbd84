"""The protected copy: the whole estate again, with tokens where customers' values were.

Invariants:

1. the copy appears at once, by one rename, when every file is done; before, it is ``<name>.partial`` beside it;
2. a file is written under another name, synced, renamed, and then marked; killed anywhere, the next run takes up
   after the last mark, and running again after the end changes nothing;
3. every certain and likely finding has an answer in the plan before the first byte is written;
4. what was not scanned to its end, cannot be rewritten, or has changed since the scan is left out and listed;
5. no clear value is written anywhere, not even for a moment: each rewriter writes the new form only;
6. what was rewritten is scanned before it counts as done: a file in which the scan is certain or thinks it likely to
   see a customer's value, other than what the plan keeps, is left out;
7. names that hold a customer's value are starred in the report.

The tokens come from whoever holds the vault; what they do not know is purged and counted as unknown.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from tigertally import discovery
from tigertally.base.ahead import spread
from tigertally.base.clock import to_text
from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.discovery import Confidence, Inventory, ObjectReport, safe_name
from tigertally.sealing.copyreport import (
    CopiedObject,
    LeftOut,
    Made,
    ProtectReport,
    made_bytes,
    parse_made,
    parse_report,
    report_bytes,
)
from tigertally.sealing.errors import (
    CopyBroken,
    CopyBusy,
    CopyExists,
    CopyInsideEstate,
    NotRewritable,
    PlanIncomplete,
    PlanNotValid,
    SourceNotReadable,
)
from tigertally.sealing.plan import MEMBER_MARK, Action, Plan, mistakes_in
from tigertally.sealing.planfile import dump
from tigertally.sealing.proposal import misfits, uncovered
from tigertally.sealing.rewriters.containers import created, file_of
from tigertally.sealing.rewriters.objects import (
    CHANGED,
    NOT_IN_INVENTORY,
    NOT_READABLE,
    Work,
    reason_to_leave,
    write_file,
)
from tigertally.sealing.rewriters.shield import Shield, TokenLookup

STATE_FOLDER: Final = ".tigertally"
REPORT_NAME: Final = "copy.json"
_BINDING_NAME: Final = "plan.sha256"
_PART_FOLDER: Final = "written"
LOCK_WAIT_S: Final = 30.0
_LOCK_POLL_S: Final = 0.05
_STILL_CLEAR: Final = Text(
    "改写后仍能看到客户的值", "a customer's value can still be seen in it after it was rewritten"
)
_OURS: Final = Text("名称为受保护副本所用", "its name is used by the protected copy")


def protect(
    plan: Plan, root: Path, out: Path, *, inventory: Inventory, tokens: TokenLookup, progress: Progress = SILENT
) -> ProtectReport:
    """Write the protected copy of the estate under ``root`` to ``out`` and return its report.

    Progress counts files. Raises :class:`PlanNotValid` or :class:`PlanIncomplete` before anything is written,
    :class:`CopyInsideEstate` and :class:`CopyExists` for an ``out`` that will not do, :class:`CopyBusy`,
    :class:`CopyNotWritable`,
    :class:`CopyBroken` if a finished file of an unfinished copy is not as it was left.
    """
    _check(plan, root, inventory)
    _check_apart(root, out)
    binding = _binding(plan, inventory)
    if out.exists():
        return _finished(out, binding)
    job = _Job(
        plan=plan,
        root=root,
        partial=out.with_name(out.name + ".partial"),
        inventory=inventory,
        tokens=tokens,
        reports={report.path: report for report in inventory.objects},
    )
    if (ended := _ended(job, binding)) is not None:
        _appear(job, out)
        return ended
    lock = _begin(job, binding)
    try:
        report = _written(job, binding, progress)
        _finish(job, report, out)
    finally:
        os.close(lock)
    return report


def _written(job: _Job, binding: str, progress: Progress) -> ProtectReport:
    """Make every file, in helpers that ask for tokens: the vault is not theirs to open."""
    files = [report for report in job.inventory.objects if MEMBER_MARK not in report.path]
    progress.begin(Text("生成受保护副本", "writing the protected copy"), len(files))
    made: list[Made] = []
    with closing(spread(partial(_helped, job), files, answer=partial(_looked_up, job.tokens))) as done:
        for one in done:
            made.append(one)
            progress.advance(1)
    return ProtectReport(
        plan_digest=binding,
        objects=tuple(one.copied for one in made if one.copied is not None),
        left_out=(*(left for one in made for left in one.left_out), *_unknown_files(job)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What one run works with."""

    plan: Plan
    root: Path
    partial: Path
    inventory: Inventory
    tokens: TokenLookup
    reports: dict[str, ObjectReport]

    @property
    def state(self) -> Path:
        """Where marks are kept while the copy is unfinished."""
        return self.partial / STATE_FOLDER

    def mark(self, path: str) -> Path:
        """Return the mark of the file known as ``path``."""
        return self.state / (_known_as(path) + ".done")

    def part(self, path: str) -> Path:
        """Return where the file known as ``path`` is written; the scan judges by the name, too."""
        return self.state / _PART_FOLDER / _known_as(path) / Path(path).name


def _known_as(path: str) -> str:
    return sha256_hex(path.encode("utf-8", "surrogatepass"))


def _check(plan: Plan, root: Path, inventory: Inventory) -> None:
    wrong = tuple(one for one in mistakes_in(plan) if one.grave) or misfits(plan, root)
    if wrong:
        raise PlanNotValid(mistakes=wrong)
    left = uncovered(plan, inventory)
    if left:
        raise PlanIncomplete(mistakes=left)


def _check_apart(root: Path, out: Path) -> None:
    estate, copy = root.resolve(), out.resolve()
    if estate == copy or estate in copy.parents or copy in estate.parents:
        raise CopyInsideEstate


def _binding(plan: Plan, inventory: Inventory) -> str:
    """Return what ties a copy to the plan and to the scan it was made from."""
    scanned = "\n".join(f"{report.path}\t{report.size}\t{report.status.value}" for report in inventory.objects)
    return sha256_hex(f"{dump(plan)}\n{to_text(inventory.started)}\n{scanned}".encode("utf-8", "surrogatepass"))


def _finished(out: Path, binding: str) -> ProtectReport:
    """Return the report of a finished copy of the same plan."""
    path = out / STATE_FOLDER / REPORT_NAME
    if not path.is_file():
        raise CopyExists
    report = parse_report(path.read_bytes())
    if report.plan_digest != binding:
        raise CopyExists
    return report


def _ended(job: _Job, binding: str) -> ProtectReport | None:
    """Return the report of a copy that was complete when its run was killed, all but the last rename."""
    path = job.state / REPORT_NAME
    if not path.is_file() or (job.state / _BINDING_NAME).is_file():
        return None
    report = parse_report(path.read_bytes())
    if report.plan_digest != binding:
        raise CopyExists
    return report


def _begin(job: _Job, binding: str) -> int:
    """Make the unfinished copy, or take up one of the same plan; one of another plan is thrown away, as it is ours.

    One that was killed before it said which it is holds no file yet. Returns a lock, for its descriptor to be closed.
    Helpers hold it too, so that what a killed run left behind has ended before another one writes. Raises
    :class:`CopyBusy`.
    """
    known = job.state / _BINDING_NAME
    if job.partial.exists():
        if not known.is_file() and any(path.is_file() for path in job.partial.rglob("*") if path != _part_of(known)):
            raise CopyExists
        job.state.mkdir(exist_ok=True, mode=0o700)
        lock = _locked(job.state)
        if known.is_file() and known.read_text() == binding:
            return lock
        shutil.rmtree(job.partial)
        os.close(lock)
    job.state.mkdir(parents=True, mode=0o700)
    lock = _locked(job.state)
    _write_synced(known, binding.encode())
    return lock


def _locked(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(int(LOCK_WAIT_S / _LOCK_POLL_S)):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        time.sleep(_LOCK_POLL_S)
    os.close(descriptor)
    raise CopyBusy


def _helped(job: _Job, report: ObjectReport, ask: Callable[[tuple[str, list[str]]], list[str | None]]) -> Made:
    return _one(replace(job, tokens=lambda cls, values: ask((cls.value, values))), report)


def _looked_up(tokens: TokenLookup, question: tuple[str, list[str]]) -> list[str | None]:
    cls, values = question
    return list(tokens(FieldClass(cls), values))


def _one(job: _Job, report: ObjectReport) -> Made:
    """Make one file of the copy, or take its mark's word that it is made."""
    mark = job.mark(report.path)
    if mark.is_file():
        return _as_marked(job, mark)
    made = _made(job, report)
    _write_synced(mark, made_bytes(made))
    return made


def _as_marked(job: _Job, mark: Path) -> Made:
    made = parse_made(mark.read_bytes())
    if made.copied is not None:
        path = job.partial / made.copied.path
        if not path.is_file() or path.stat().st_size != made.copied.size:
            raise CopyBroken(object=made.copied.path)
    return made


def _made(job: _Job, report: ObjectReport) -> Made:
    shield = Shield(job.tokens)
    work = Work(
        plan=job.plan,
        reports=job.reports,
        shield=shield,
        with_findings=frozenset(finding.object for finding in job.inventory.findings),
    )
    reason = _reason(job, work, report)
    if reason is not None:
        return Made(copied=None, left_out=(_left(report.path, reason),))
    target = job.partial / report.path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = job.part(report.path)
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part.unlink(missing_ok=True)
    try:
        write_file(work, file_of(job.root, report.path), report.path, part)
    except (NotRewritable, SourceNotReadable) as problem:
        part.unlink(missing_ok=True)
        why = problem.why if isinstance(problem, NotRewritable) else NOT_READABLE
        paths = dict.fromkeys([report.path, str(problem.details["object"])])  # the file, and the member to blame
        return Made(copied=None, left_out=tuple(_left(path, why) for path in paths))
    if work.rewritten and _shows_values(job, report.path, part):
        part.unlink()
        return Made(copied=None, left_out=(_left(report.path, _STILL_CLEAR),))
    _sync(part)
    part.replace(target)
    _sync(target.parent)
    return Made(
        copied=CopiedObject(
            path=report.path, rewritten=work.rewritten, size=target.stat().st_size, counts=shield.counts()
        ),
        left_out=tuple(_left(path, why) for path, why in work.left_out),
    )


def _left(path: str, reason: Text) -> LeftOut:
    return LeftOut(path=safe_name(path), reason=reason)


def _shows_values(job: _Job, path: str, part: Path) -> bool:
    """Return whether a scan of what was written for ``path`` sees values that the plan does not keep."""
    seen = discovery.scan(part, clock=_Still(job.inventory.finished))
    kept = {
        (source.object, source.table, one.name)
        for source in job.plan.sources
        for one in source.fields
        if one.action is Action.KEEP
    }
    return any(
        one.tier is not Confidence.POSSIBLE
        and (
            FIELD_RULES[one.field].destiny is Destiny.PURGE
            or (path + one.object[len(part.name) :], one.place.table or "", one.place.name or "") not in kept
        )
        for one in seen.findings
    )


@dataclass(frozen=True, slots=True)
class _Still:
    """A clock for a scan whose times nobody reads."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def _reason(job: _Job, work: Work, report: ObjectReport) -> Text | None:
    if report.path.split("/")[0] == STATE_FOLDER:
        return _OURS
    reason = reason_to_leave(work, report.path)
    if reason is not None:
        return reason
    try:
        size = file_of(job.root, report.path).stat().st_size
    except (SourceNotReadable, OSError):
        return NOT_READABLE
    return CHANGED if size != report.size else None


def _unknown_files(job: _Job) -> Iterator[LeftOut]:
    """Yield the files of the estate that came after the scan."""
    for folder, _, names in os.walk(job.root):
        for name in names:
            path = (Path(folder) / name).relative_to(job.root).as_posix()
            if safe_name(path) not in job.reports:
                yield _left(path, NOT_IN_INVENTORY)


def _finish(job: _Job, report: ProtectReport, out: Path) -> None:
    """Write the report, take the marks away, and let the copy appear."""
    _write_synced(job.state / REPORT_NAME, report_bytes(report))
    shutil.rmtree(job.state / _PART_FOLDER, ignore_errors=True)
    marks = [path for path in job.state.iterdir() if path.name not in (REPORT_NAME, _BINDING_NAME)]
    for path in [*marks, job.state / _BINDING_NAME]:
        path.unlink()
    _appear(job, out)


def _appear(job: _Job, out: Path) -> None:
    _sync(job.state)
    job.partial.rename(out)
    _sync(out.parent)


def _part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _write_synced(path: Path, data: bytes) -> None:
    part = _part_of(path)
    with created(part) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
