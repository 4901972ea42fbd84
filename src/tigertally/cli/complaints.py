"""How a problem looks on the command line. Loaded when there is one: it knows problems of every wing."""

from __future__ import annotations

import json
from typing import Final

import click
from rich.console import Console

from tigertally.access import NotAllowed
from tigertally.app import problems
from tigertally.base.errors import Problem
from tigertally.base.text import Lang, Text

_ASK_SECOND: Final = Text(
    "请另一位负责人或合规审批人运行：tigertally --as 姓名 approve {id}",
    "have another lead or officer run: tigertally --as NAME approve {id}",
)
_WHY: Final = Text("详情：tigertally why {entry}", "more: tigertally why {entry}")
_ACT: Final = Text("操作摘要：{act}", "digest of the act: {act}")
_THEN_AGAIN: Final = Text("批准后重新运行本命令", "then run this command again")


def show(problem: Problem, *, lang: Lang, as_json: bool, err: Console) -> int:
    """Show a problem on standard error, with every single thing that is wrong; return the exit code."""
    if as_json:
        click.echo(json.dumps({"problem": problems.body_of(problem, lang)}, ensure_ascii=False, indent=2), err=True)
        return problems.look_of(problem).exit
    err.print(f"tigertally: {problem.say(lang)}  [{problem.code}]", markup=False, style="red")
    if hint := problem.advise(lang):
        err.print(f"  → {hint}", markup=False)
    for point in problems.points_of(problem, lang):
        name = f"{point.name}: " if point.name else ""
        err.print(f"  ✗ {name}{point.why}", markup=False)
        if point.how:
            err.print(f"    → {point.how}", markup=False, style="dim")
    if isinstance(problem, NotAllowed) and problem.entry is not None:
        err.print(f"  ? {_WHY.render(lang, entry=problem.entry)}", markup=False, style="dim")
    if isinstance(problem, NotAllowed) and "act" in problems.body_of(problem, lang):
        err.print(f"  # {_ACT.render(lang, act=problem.request.act_digest())}", markup=False)
    if isinstance(problem, NotAllowed) and problem.approval:
        err.print(f"  1. {_ASK_SECOND.render(lang, id=problem.approval)}", markup=False)
        err.print(f"  2. {_THEN_AGAIN.render(lang)}", markup=False)
    return problems.look_of(problem).exit
