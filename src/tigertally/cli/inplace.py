"""``in-place``: a live database's columns rewritten to tokens, put back, or committed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from tigertally.app.errors import NotReadable
from tigertally.app.verbs import inplace as verbs
from tigertally.app.verbs.inplace import InPlace
from tigertally.base.canon import Json
from tigertally.base.errors import Invalid
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.papers import estate_of
from tigertally.cli.vault import scoped

_UNDO_REASONS = ("application_fault", "wrong_plan", "deal_dead", "rehearsal")
_COMMIT_REASONS = ("accepted", "handed_over")
_PHASES = {
    "": Text("未开始", "nothing begun"),
    "rewriting": Text("改写中", "being rewritten"),
    "rewritten": Text("已改写并核对，可还原", "rewritten and looked through; can be put back"),
    "undoing": Text("还原中", "being put back"),
    "undone": Text("已还原", "put back"),
    "committing": Text("提交中", "being committed"),
    "committed": Text("已提交，不可还原", "committed; cannot be put back"),
}


class NotConfirmed(Invalid):
    """A live database would be written to, and nobody said so."""

    code = "cli.live_not_confirmed"
    title = Text("此命令会改写正在使用的数据库", "this command changes a database that is in use")
    hint = Text("先备份并演练；确认后加上 --live", "back it up and rehearse first; then add --live")


@speak(
    "就地保护：把线上数据库（SQLite、PostgreSQL、MySQL/MariaDB）的列改写为令牌；提交前可还原。",
    "Protect in place: a live database's columns (SQLite, PostgreSQL, MySQL/MariaDB) become tokens, and can be put\n"
    "back until two persons commit.",
)
@click.group(name="in-place", cls=SpeakingGroup)
def in_place_command() -> None:
    """Group the commands about live tables."""


def _aimed(command: Callable[..., object]) -> Callable[..., object]:
    adds = (
        click.argument("plan", type=click.Path(path_type=Path)),
        click.argument("address"),
        scoped,
    )
    for add in reversed(adds):
        command = add(command)
    return command


_live = option("--live", is_flag=True, zh="确认改写正在使用的数据库", en="yes, change the database that is in use")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None


def _need_live(*, live: bool) -> None:
    if not live:
        raise NotConfirmed


@speak(
    "把 seal 过的列改写为令牌；中断后重新运行即继续；最后一遍核对每一行。",
    "Rewrite the sealed columns to tokens; interrupted, run it again; a last round looks at every row.",
    "tigertally --as qian in-place rewrite plan.toml postgresql://shop@db.example/shop --live",
    "tigertally --as qian in-place rewrite plan.toml ./export --live",
)
@in_place_command.command(name="rewrite", cls=SpeakingCommand)
@shared
@_aimed
@_live
def rewrite(shell: Shell, *, plan: Path, address: str, scope: str, live: bool) -> None:
    """Rewrite live tables."""
    _need_live(live=live)
    text = _text(plan)
    with shell.house(acting=True) as house, shell.progress() as progress:
        done = verbs.rewrite(
            house,
            actor=shell.actor(house),
            text=text,
            estate=estate_of(address),
            scope=scope,
            progress=progress,
        )
    _show(shell, done)
    _leftovers(shell)


@speak(
    "由两人把明文还原（提交之前），并按带密钥的摘要核对。",
    "Put the clear values back, by two persons, before the commit; held against keyed digests of what had stood there.",
    "tigertally --as qian in-place undo plan.toml postgresql://shop@db.example/shop --reason application_fault --live",
)
@in_place_command.command(name="undo", cls=SpeakingCommand)
@shared
@_aimed
@option("--reason", required=True, type=click.Choice(_UNDO_REASONS), zh="理由", en="why")
@_live
def undo(shell: Shell, *, plan: Path, address: str, scope: str, reason: str, live: bool) -> None:
    """Put clear values back."""
    _need_live(live=live)
    text = _text(plan)
    with shell.house(acting=True) as house, shell.progress() as progress:
        done = verbs.undo(
            house,
            actor=shell.actor(house),
            text=text,
            estate=estate_of(address),
            scope=scope,
            reason=reason,
            progress=progress,
        )
    _show(shell, done)


@speak(
    "由两人提交：再核对一遍，清空计划要清除的列，此后不可还原。",
    "Commit, by two persons: one more look, columns to purge are emptied, and nothing can be put back any more.",
    "tigertally --as qian in-place commit plan.toml postgresql://shop@db.example/shop --reason accepted --live",
)
@in_place_command.command(name="commit", cls=SpeakingCommand)
@shared
@_aimed
@option("--reason", required=True, type=click.Choice(_COMMIT_REASONS), zh="理由", en="why")
@option("--purge-unknown", is_flag=True, zh="清空保险库中没有的值", en="empty the values that the vault does not hold")
@_live
def commit(shell: Shell, *, plan: Path, address: str, scope: str, reason: str, purge_unknown: bool, live: bool) -> None:
    """Commit what was rewritten."""
    _need_live(live=live)
    text = _text(plan)
    with shell.house(acting=True) as house, shell.progress() as progress:
        done = verbs.commit(
            house,
            actor=shell.actor(house),
            text=text,
            estate=estate_of(address),
            scope=scope,
            reason=reason,
            purge_unknown=purge_unknown,
            progress=progress,
        )
    _show(shell, done)
    _leftovers(shell)


@speak(
    "每张表进行到哪一步（只读）。",
    "How far each table is (reads only).",
    "tigertally --as qian in-place status plan.toml postgresql://shop@db.example/shop",
)
@in_place_command.command(name="status", cls=SpeakingCommand)
@shared
@_aimed
def status(shell: Shell, *, plan: Path, address: str, scope: str) -> None:
    """Show how far each table is."""
    text = _text(plan)
    with shell.house(acting=True) as house:
        _show(shell, verbs.standing(house, text=text, estate=estate_of(address), scope=scope))


def _show(shell: Shell, done: InPlace) -> None:
    data: Json = {
        "tables": [
            {
                "object": one.object,
                "table": one.table,
                "phase": one.phase,
                "cells": one.cells,
                "left": one.left,
                "back": one.back,
                "same": one.same,
                "gone": one.gone,
                "purged": one.purged,
            }
            for one in done.tables
        ],
        "untouched": list(done.untouched),
    }

    def show(out: Console) -> None:
        headings = (
            Text("表", "table"),
            Text("状态", "state"),
            Text("改为令牌", "tokens"),
            Text("库中没有", "not in the vault"),
            Text("已还原", "put back"),
            Text("与原值一致", "as it was"),
            Text("已被他人更改或删除", "changed or deleted since"),
            Text("已清空", "emptied"),
        )
        rows = [
            [
                f"{one.object} {one.table}".strip(),
                shell.text(_PHASES[one.phase]),
                *map(str, (one.cells, one.left, one.back, one.same, one.gone, one.purged)),
            ]
            for one in done.tables
        ]
        out.print(shell.table(None, headings, rows))
        if done.untouched:
            told = Text("计划提到而未就地改写的", "In the plan, and not rewritten in place")
            out.print(shell.table(told, (Text("对象", "object"),), [[name] for name in done.untouched]))

    shell.result(data, show)


def _leftovers(shell: Shell) -> None:
    shell.say(
        "旧值可能还在：WAL、undo、binlog、未 VACUUM 的页、备份和副本库；请由数据库管理员清理（docs/LIMITS.md）。",
        "Old values may remain in the WAL, undo, binary logs, pages not vacuumed, backups and replicas: see to them\n"
        "with the database's administrator (docs/LIMITS.md).",
    )
