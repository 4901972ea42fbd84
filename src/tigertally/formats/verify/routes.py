"""Verifying a legal route and counsel's opinion. Numbers of checks: docs/formats/route.md §1 and §2."""

from __future__ import annotations

from tigertally.base import clock
from tigertally.base.errors import Problem
from tigertally.base.text import Text
from tigertally.formats import route as formats
from tigertally.formats.route import Opinion, Route
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify.dealings import WELL_FORMED
from tigertally.formats.verify.files import by_digest
from tigertally.formats.verify.report import Checklist, Exact, Report, said, told
from tigertally.formats.verify.trust import Context, check_not_future, check_signed


def check_route(statement: Statement, context: Context) -> Report:
    """Verify a route: 1 form, 2 the party's signature, 3 opinions that made unverified rules bind, 4 not future."""
    found = Checklist(subject=Text("法律路径", "legal route"))
    try:
        paper = formats.read(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    signed = Text("由作答的组织签署", "signed by the party that answered")
    check_signed(found, 2, signed, statement=statement, by=paper.party, context=context)
    _check_confirmed(found, paper, context)
    check_not_future(found, 4, instants=[paper.created], now=context.now)
    return found.report()


def check_opinion(statement: Statement, context: Context) -> Report:
    """Verify an opinion: 1 form, 2 counsel's signature, 3 what of the route it speaks of, 4 holds now, 5 not future."""
    found = Checklist(subject=Text("律师意见", "counsel's opinion"))
    try:
        paper = formats.read_opinion(statement)
    except Problem as problem:
        found.fails(1, WELL_FORMED, said(problem))
        return found.report()
    found.holds(1, WELL_FORMED)
    signed = Text("由律师一方签署", "signed by counsel")
    check_signed(found, 2, signed, statement=statement, by=paper.counsel, context=context)
    _check_of_route(found, paper, context)
    term = told("有效期至 {until}", "it holds until {until}", until=Exact(clock.to_text(paper.until)))
    found.verdict(4, Text("现在有效", "it holds now"), good=context.now < paper.until, detail=term)
    check_not_future(found, 5, instants=[paper.created], now=context.now)
    return found.report()


def _check_confirmed(found: Checklist, paper: Route, context: Context) -> None:
    name = Text("由律师意见确认的规则确有其意见", "rules that counsel confirmed have that opinion")
    missing = False
    for item in paper.requirements:
        if not item.confirmed:
            continue
        statement = by_digest(context.papers, Kind.OPINION, item.confirmed)
        opinion = None if statement is None else _opinion(statement)
        if opinion is None:
            missing = True
        elif opinion.deal != paper.deal or item.rule not in opinion.confirms:
            found.fails(3, name, told("意见没有确认 {rule}", "the opinion does not confirm {rule}", rule=item.rule))
            return
    if missing:
        found.unknown(3, name, Text("旁边没有所引的意见", "an opinion that it names is not here"), required=False)
    else:
        found.holds(3, name)


def _check_of_route(found: Checklist, paper: Opinion, context: Context) -> None:
    name = Text("所述各项都在该法律路径中", "everything it speaks of stands in that route")
    statement = by_digest(context.papers, Kind.ROUTE, paper.route)
    if statement is None:
        found.unknown(3, name, Text("旁边没有该法律路径", "the route is not here"), required=False)
        return
    try:
        route = formats.read(statement)
    except Problem as problem:
        found.fails(3, name, said(problem))
        return
    good = route.deal == paper.deal and not formats.beyond(paper, route)
    found.verdict(3, name, good=good, detail=Text("有不在其中的规则", "it names rules that are not there"))


def _opinion(statement: Statement) -> Opinion | None:
    try:
        return formats.read_opinion(statement)
    except Problem:
        return None
