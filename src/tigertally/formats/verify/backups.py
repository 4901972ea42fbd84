"""Verifying a backup's statement and a list of erasures. Numbers of checks: docs/formats/backup.md §4.

What the envelope beside a backup holds can be seen with the backup key only; restoring checks that.
"""

from __future__ import annotations

from datetime import datetime

from tigertally.base.errors import Problem
from tigertally.base.ids import PartyId
from tigertally.base.text import Text
from tigertally.formats import backup as formats
from tigertally.formats.statement import Statement
from tigertally.formats.verify.dealings import WELL_FORMED
from tigertally.formats.verify.report import Checklist, Report, said
from tigertally.formats.verify.trust import Context, check_not_future, check_signed

_SIGNED = Text("由备份所属组织签署", "signed by the party whose data it is")


def check_backup(statement: Statement, context: Context) -> Report:
    """Verify a backup's statement: 1 form, 2 the party's signature, 3 not from the future."""
    found = Checklist(subject=Text("备份说明", "statement of a backup"))
    try:
        paper = formats.read(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    return _rest(found, statement, paper.party, paper.made, context)


def check_erasures(statement: Statement, context: Context) -> Report:
    """Verify a list of erasures: the same checks."""
    found = Checklist(subject=Text("删除清单", "list of erasures"))
    try:
        paper = formats.read_erasures(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    return _rest(found, statement, paper.party, paper.made, context)


def _rest(found: Checklist, statement: Statement, party: PartyId, made: datetime, context: Context) -> Report:
    found.holds(1, WELL_FORMED)
    check_signed(found, 2, _SIGNED, statement=statement, by=party, context=context)
    check_not_future(found, 3, instants=[made], now=context.now)
    return found.report()
