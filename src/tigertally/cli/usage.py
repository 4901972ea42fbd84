"""What is wrong with a command line, in words of ours: click's own are English, and repeat what was typed.

What was typed could be a customer's value, so only names of commands, options and arguments are said. A message that
a command of ours raised is in the right language already and is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import click
from click.exceptions import BadOptionUsage, MissingParameter, NoSuchCommand, NoSuchOption

from tigertally.base.text import Lang, Text

_WORD: Final = re.compile(r"-{0,2}[a-z]+(-[a-z]+)*")
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_MISSING_OPTION: Final = Text("缺少选项 {name}", "option {name} is missing")
_MISSING_ARGUMENT: Final = Text("缺少参数 {name}", "argument {name} is missing")
_NO_OPTION: Final = Text("没有选项 {name}", "there is no option {name}")
_NO_COMMAND: Final = Text("没有命令 {name}", "there is no command {name}")
_NO_VALUE: Final = Text("选项 {name} 后面要有一个值", "option {name} needs a value")
_ONE_OF: Final = Text("{name} 应为其中之一：{known}", "{name} must be one of: {known}")
_RANGE: Final = Text("{name} 应为 {low} 到 {high} 的整数", "{name} must be a whole number from {low} to {high}")
_NUMBER: Final = Text("{name} 应为整数", "{name} must be a whole number")
_BAD: Final = Text("{name} 的值无效", "the value of {name} is not valid")
_WANTS: Final = Text("{name} 的值无效；可用：{known}", "the value of {name} is not valid; known: {known}")
_EXTRA: Final = Text("参数太多", "there are too many arguments")
_NO_SUBCOMMAND: Final = Text("缺少子命令", "a command is missing")


def said(wrong: click.ClickException, given: Sequence[str], lang: Lang) -> str:
    """Return what is wrong with ``given``, in ``lang``."""
    text, details = _told(wrong)
    if text is not None:
        return text.render(lang, **details)
    words = wrong.format_message()
    if lang is Lang.ZH and not _HAN.search(words):
        return _BAD.render(lang, name=_name_of(wrong))
    return _without(words, given)


def _told(wrong: click.ClickException) -> tuple[Text | None, dict[str, object]]:
    name = _name_of(wrong)
    if isinstance(wrong, MissingParameter):
        option = isinstance(wrong.param, click.Option)
        return (_MISSING_OPTION if option else _MISSING_ARGUMENT), {"name": name}
    for kind, text in ((NoSuchOption, _NO_OPTION), (NoSuchCommand, _NO_COMMAND), (BadOptionUsage, _NO_VALUE)):
        if isinstance(wrong, kind):
            return text, {"name": _safe(wrong.command_name if isinstance(wrong, NoSuchCommand) else wrong.option_name)}
    if isinstance(wrong, click.BadParameter):
        return _bad(wrong, name)
    message = wrong.message
    if message.startswith("Got unexpected extra argument"):
        return _EXTRA, {}
    return (_NO_SUBCOMMAND, {}) if message == "Missing command." else (None, {})


def _bad(wrong: click.BadParameter, name: str) -> tuple[Text, dict[str, object]]:
    kind = None if wrong.param is None else wrong.param.type
    if isinstance(kind, click.Choice):
        return _ONE_OF, {"name": name, "known": ", ".join(map(str, kind.choices))}
    if isinstance(kind, click.IntRange):
        return _RANGE, {"name": name, "low": kind.min, "high": kind.max}
    if isinstance(kind, click.types.IntParamType):
        return _NUMBER, {"name": name}
    if wrong.param is None:  # raised by a command of ours, which says what it knows
        return _WANTS, {"name": name, "known": wrong.message}
    return _BAD, {"name": name}


def _name_of(wrong: click.ClickException) -> str:
    if not isinstance(wrong, click.BadParameter):
        return "…"
    if wrong.param is None:
        return str(wrong.param_hint or "…")
    return wrong.param.opts[0] if isinstance(wrong.param, click.Option) else wrong.param.make_metavar(_context(wrong))


def _context(wrong: click.UsageError) -> click.Context:
    return wrong.ctx or click.Context(click.Command(""))


def _safe(word: str) -> str:
    """Return what was typed if it looks like a command or an option."""
    return word if _WORD.fullmatch(word) else "…"


def _without(words: str, given: Sequence[str]) -> str:
    typed = {part for word in given for part in (word, *word.split("=", 1)) if len(part) > 1}
    for part in sorted(typed, key=len, reverse=True):
        if not _WORD.fullmatch(part):
            words = words.replace(part, "…")
    return words
