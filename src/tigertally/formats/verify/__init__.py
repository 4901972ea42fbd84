"""The offline verifier: one call, no database, no network, floors 0–2 only. docs/formats/README.md §6.

:func:`verify_path` recognises what lies at a path and makes the numbered checks of its format: signed papers,
manifest and bundle folder, receipt, certificate, closing book, checkpoint, proof of an entry, exported ledger. It
trusts the cards in :class:`Trust` and nobody else; papers beside the file are used as evidence, never as authority.
This is the one place on this floor that reads files.

Hostile content is a check that fails. A problem is raised only when there is nothing to verify: no such path, not
readable, none of our formats.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tigertally.base.errors import Problem
from tigertally.base.limits import NOTE_BYTES_MAX, STATEMENT_BYTES_MAX
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.formats import ledgerexport
from tigertally.formats import statement as dsse
from tigertally.formats.book import BOOK_NAME
from tigertally.formats.manifest import MANIFEST_NAME
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify import backups, books, bundles, closings, dealings, logs, routes, sharings
from tigertally.formats.verify.dealings import WELL_FORMED
from tigertally.formats.verify.errors import NoSuchPath, NotRecognised, Unreadable, UntrustedCard
from tigertally.formats.verify.files import papers_beside, read_small
from tigertally.formats.verify.report import NUMBERS, Check, Checklist, Outcome, Report, said
from tigertally.formats.verify.trust import Context, Trust, read_card, read_trust

__all__ = [
    "NUMBERS",
    "Check",
    "NoSuchPath",
    "NotRecognised",
    "Outcome",
    "Report",
    "Trust",
    "Unreadable",
    "UntrustedCard",
    "papers_beside",
    "read_card",
    "read_trust",
    "verify_path",
]

_PROOF_HEAD = b"c2sp.org/tlog-proof@"
_NOTE_MARK = "\n\n— ".encode()


def verify_path(path: Path, trust: Trust, *, now: datetime, progress: Progress = SILENT) -> Report:
    """Return what holds of the file or folder at ``path`` for somebody who trusts ``trust``.

    Raises :class:`NoSuchPath`, :class:`Unreadable`, :class:`NotRecognised`.
    """
    try:
        if not path.exists():
            raise NoSuchPath(name=path.name)
        context = Context(trust=trust, papers=papers_beside(path), now=now, progress=progress)
        return _folder(path, context) if path.is_dir() else _file(path, context)
    except OSError:
        raise Unreadable(name=path.name) from None


def _folder(path: Path, context: Context) -> Report:
    if (path / ledgerexport.ENTRIES_NAME).is_file():
        return logs.check_export(path, context)
    book = path / BOOK_NAME
    if book.is_file():
        data = read_small(book, bytes_max=STATEMENT_BYTES_MAX)
        try:
            statement = dsse.parse(data).expect(Kind.BOOK)
        except Problem as problem:
            return _malformed(Text("交割卷", "closing book"), problem)
        return books.check_book(path, statement, context, _paper)
    manifest = path / MANIFEST_NAME
    if not manifest.is_file():
        raise NotRecognised(name=path.name)
    data = read_small(manifest, bytes_max=STATEMENT_BYTES_MAX)
    try:
        statement = dsse.parse(data).expect(Kind.MANIFEST)
    except Problem as problem:
        return _malformed(Text("移交包", "bundle"), problem)
    return bundles.check_bundle(path, statement, context)


def _file(path: Path, context: Context) -> Report:
    if not path.is_file():
        raise NotRecognised(name=path.name)
    data = read_small(path, bytes_max=max(STATEMENT_BYTES_MAX, 2 * NOTE_BYTES_MAX))
    if data.startswith(_PROOF_HEAD) or path.suffix == ".tlog-proof":
        return logs.check_proof(data, context)
    if _NOTE_MARK in data[:NOTE_BYTES_MAX] or path.name.endswith(ledgerexport.CHECKPOINT_NAME):
        return logs.check_checkpoint(data, context)
    if not data.startswith(b"{") and path.suffix != ".json":
        raise NotRecognised(name=path.name)
    try:
        statement = dsse.parse(data)
    except Problem as problem:
        return _malformed(Text("签名文件", "signed paper"), problem)
    return _paper(statement, context)


def _paper(statement: Statement, context: Context) -> Report:
    checks = {
        Kind.PARTY: dealings.check_card,
        Kind.AGREEMENT: dealings.check_agreement,
        Kind.INVITATION: dealings.check_invitation,
        Kind.ACCEPTANCE: dealings.check_acceptance,
        Kind.RELEASE: dealings.check_release,
        Kind.MANIFEST: bundles.check_manifest,
        Kind.RECEIPT: closings.check_receipt,
        Kind.CERTIFICATE: closings.check_certificate,
        Kind.SHARES: sharings.check_set,
        Kind.RESHARE: sharings.check_plan,
        Kind.BACKUP: backups.check_backup,
        Kind.ERASURES: backups.check_erasures,
        Kind.BOOK: books.check_list,
        Kind.ROUTE: routes.check_route,
        Kind.OPINION: routes.check_opinion,
    }
    return checks[statement.kind](statement, context)


def _malformed(subject: Text, problem: Problem) -> Report:
    found = Checklist(subject=subject)
    found.fails(1, WELL_FORMED, said(problem))
    return found.report()
