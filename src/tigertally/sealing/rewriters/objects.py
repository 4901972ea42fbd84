"""One object of the estate, written again: which rewriter it goes to, through archives and back.

An object goes one of three ways: rewritten by the sources the plan has for it; the same bytes, if the scan saw all of
it and the plan has nothing for it; or left out with a reason. Not known is not safe: what was skipped, failed, or only
partly scanned is never copied, neither as a file nor as a member of an archive.
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, cast

from tigertally.base.limits import ARCHIVE_DEPTH_MAX, BATCH_ROWS
from tigertally.base.text import Text
from tigertally.discovery import Kind, ObjectReport, Status
from tigertally.sealing.errors import NotRewritable, SourceNotReadable
from tigertally.sealing.plan import (
    ENCODED_KINDS,
    ENCODINGS,
    KEYED_KINDS,
    KINDS,
    MEMBER_MARK,
    READ_KINDS,
    Plan,
    PlanSource,
)
from tigertally.sealing.rewriters import database, delimited, dump, jsontext, plaintext, workbook
from tigertally.sealing.rewriters.containers import (
    ARCHIVE_ERRORS,
    CONTAINER_KINDS,
    created,
    like,
    members_of,
    seekable,
    whole,
)
from tigertally.sealing.rewriters.shield import Shield

_COPY_BYTES: Final = 1 << 20

NOT_WHOLE: Final = Text("没有完整扫描过", "it was not scanned to its end")
NOT_IN_INVENTORY: Final = Text("清单中没有", "it is not in the inventory")
NOT_READABLE: Final = Text("无法按计划读取", "it cannot be read as the plan says")
HAS_FINDINGS: Final = Text(
    "含有发现，但计划没有或无法改写它", "it holds findings that the plan does not or cannot rewrite"
)
CHANGED: Final = Text("扫描之后有变化", "it changed after the scan")
_DEEP: Final = Text("压缩包嵌套过深", "archives are nested too deep")


@dataclass(slots=True, kw_only=True)
class Work:
    """What rewriting one file needs and collects. ``left_out`` grows; ``rewritten`` tells whether a byte may differ."""

    plan: Plan
    reports: Mapping[str, ObjectReport]
    with_findings: frozenset[str]
    shield: Shield
    batch_rows: int = BATCH_ROWS
    rewritten: bool = False
    left_out: list[tuple[str, Text]] = field(default_factory=list)


def reason_to_leave(work: Work, path: str) -> Text | None:
    """Return why the object at ``path`` may not be in the copy, or ``None``."""
    report = work.reports.get(path)
    if report is None:
        return NOT_IN_INVENTORY
    if report.kind is Kind.GZIP and (member := _gzip_member(work, path)):
        return reason_to_leave(work, member)
    if report.kind is Kind.ZIP and report.status is Status.PARTLY:
        return None  # its members are judged one by one
    if report.status is not Status.SCANNED:
        return report.reason or NOT_WHOLE
    if report.kind in CONTAINER_KINDS:
        return None
    planned = work.plan.of_object(path) if report.kind.value not in READ_KINDS else ()
    known = planned or path not in work.with_findings or _implied(report)
    return HAS_FINDINGS if _holds_findings(work, path) or not known else None


def _holds_findings(work: Work, path: str) -> bool:
    """Return whether anything inside an archive or a document that is not taken apart here holds findings."""
    return any(name.startswith(path + MEMBER_MARK) for name in work.with_findings)


def write_file(work: Work, source: Path, path: str, target: Path) -> None:
    """Write what may stand in the copy for the file ``source``, known as ``path``, to the new file ``target``.

    Raises :class:`SourceNotReadable` or :class:`NotRewritable`; ``target`` is then to be removed by the caller.
    """
    sources = _sources(work, path)
    if sources and sources[0].kind == "sqlite":
        work.rewritten = True
        database.copy_file(source, target, sources, work.shield, batch_rows=work.batch_rows)
        return
    try:
        with source.open("rb") as stream, created(target) as out:
            _write(work, cast("BinaryIO", stream), path, out, depth=0)
    except ARCHIVE_ERRORS:
        raise SourceNotReadable(object=path) from None


def _sources(work: Work, path: str) -> tuple[PlanSource, ...]:
    """Return what the plan says about the object; if nothing, but it has findings, what its kind alone implies."""
    return work.plan.of_object(path) or (_implied(work.reports[path]) if path in work.with_findings else ())


def _implied(report: ObjectReport) -> tuple[PlanSource, ...]:
    """Return a source without fields, by which all cells and texts are searched for leaks; nothing for other kinds."""
    kind = report.kind.value
    if kind not in KINDS - READ_KINDS or (kind in ENCODED_KINDS and report.encoding not in ENCODINGS):
        return ()
    dialect = report.dialect
    return (
        PlanSource(
            object=report.path,
            kind=kind,
            encoding=report.encoding or "",
            delimiter=dialect.delimiter if dialect else "",
            header=dialect.header if dialect else True,
        ),
    )


def _write(work: Work, stream: BinaryIO, path: str, out: BinaryIO, *, depth: int) -> None:
    report = work.reports[path]
    if report.kind in CONTAINER_KINDS and _touched(work, path):
        if depth >= ARCHIVE_DEPTH_MAX:
            raise NotRewritable(object_path=path, why=_DEEP)
        work.rewritten = True
        base = seekable(stream, path)
        if report.kind is Kind.GZIP:
            _write_gzip(work, base, path, out, depth=depth)
        else:
            _write_zip(work, base, path, out, depth=depth)
        return
    sources = _sources(work, path)
    if not sources:
        shutil.copyfileobj(stream, out, _COPY_BYTES)
        return
    work.rewritten = True
    _write_planned(work, stream, sources, out)


def _write_planned(work: Work, stream: BinaryIO, sources: tuple[PlanSource, ...], out: BinaryIO) -> None:
    source = sources[0]
    rows = work.batch_rows
    if source.kind == "sqlite":
        out.write(database.copy_bytes(whole(stream, source.object), sources, work.shield, batch_rows=rows))
    elif source.kind == "xlsx":
        workbook.rewrite(seekable(stream, source.object), out, sources, work.shield, batch_rows=rows)
    elif source.kind in KEYED_KINDS:
        jsontext.rewrite(stream, out, source, work.shield, batch_rows=rows)
    elif source.kind == "sql":
        dump.rewrite(stream, out, sources, work.shield)
    elif source.is_text:
        plaintext.rewrite(stream, out, source, work.shield)
    else:
        delimited.rewrite(stream, out, source, work.shield, batch_rows=rows)


def _touched(work: Work, path: str) -> bool:
    """Return whether anything inside the container is rewritten or left out; if nothing is, its bytes stay."""
    inside = path + MEMBER_MARK
    return any(
        _sources(work, name) or reason_to_leave(work, name) is not None
        for name in work.reports
        if name.startswith(inside)
    )


def _gzip_member(work: Work, path: str) -> str:
    """Return what the scan calls the content of a gzip file, empty if it has no report of it."""
    return next((name for name in work.reports if name.startswith(path + MEMBER_MARK)), "")


def _write_zip(work: Work, stream: BinaryIO, path: str, out: BinaryIO, *, depth: int) -> None:
    with zipfile.ZipFile(stream) as archive, zipfile.ZipFile(out, "w") as copy:
        for folder in (info for info in archive.infolist() if info.is_dir()):
            copy.writestr(like(folder), b"")
        for name, info in members_of(archive).items():
            member = path + MEMBER_MARK + name
            reason = reason_to_leave(work, member)
            if reason is not None:
                work.left_out.append((member, reason))
                continue
            with archive.open(info) as inner, copy.open(like(info), "w", force_zip64=info.file_size >= 2**31) as made:
                _write(work, cast("BinaryIO", inner), member, cast("BinaryIO", made), depth=depth + 1)


def _write_gzip(work: Work, stream: BinaryIO, path: str, out: BinaryIO, *, depth: int) -> None:
    """Write the one member again; the header's name is dropped (it may be a customer's), its time too."""
    member = _gzip_member(work, path)
    if not member:
        raise SourceNotReadable(object=path)
    with (
        closing(gzip.GzipFile(fileobj=stream, mode="rb")) as inner,
        gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0, compresslevel=6) as made,
    ):
        _write(work, cast("BinaryIO", inner), member, cast("BinaryIO", made), depth=depth + 1)
