"""Verifying the papers of a sharing. The numbers of the checks are those of docs/formats/share.md §7."""

from __future__ import annotations

from tigertally.base.errors import Problem
from tigertally.base.text import Text
from tigertally.formats import shareset
from tigertally.formats.shareset import Terms
from tigertally.formats.statement import Statement
from tigertally.formats.verify.dealings import WELL_FORMED
from tigertally.formats.verify.report import Checklist, Report, said
from tigertally.formats.verify.trust import Context, check_not_future, check_signed

_SIGNED = Text("由根密钥所属组织签署", "signed by the party whose root key it is")


def check_set(statement: Statement, context: Context) -> Report:
    """Verify a set: 1 form and commitments, 2 the party's signature, 3 not from the future."""
    found = Checklist(subject=Text("根密钥份额说明", "set of shares of a root key"))
    try:
        terms = shareset.read_set(statement).terms
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    return _rest(found, statement, terms, context)


def check_plan(statement: Statement, context: Context) -> Report:
    """Verify the plan of a redistribution: the same checks."""
    found = Checklist(subject=Text("份额重新分发方案", "plan of a redistribution of shares"))
    try:
        terms = shareset.read_plan(statement).terms
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    return _rest(found, statement, terms, context)


def _rest(found: Checklist, statement: Statement, terms: Terms, context: Context) -> Report:
    found.holds(1, WELL_FORMED)
    check_signed(found, 2, _SIGNED, statement=statement, by=terms.party, context=context)
    check_not_future(found, 3, instants=[terms.created], now=context.now)
    return found.report()
