"""Bilingual click: commands and options whose help is a :class:`Text`.

The language is ``--lang`` wherever it stands, else ``TIGERTALLY_LANG``, else Chinese if the locale
(``LC_ALL``, ``LC_MESSAGES``, ``LANG``) is Chinese, else English.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

import click

from tigertally.base.text import Lang, Text

LANGUAGES: Final = tuple(lang.value for lang in Lang)
C = TypeVar("C", bound=click.Command)

_OPTIONS: Final = Text("选项", "Options")
_COMMANDS: Final = Text("命令", "Commands")
_EXAMPLES: Final = Text("示例", "Examples")
_USAGE: Final = Text("用法：", "Usage: ")
_HELP: Final = Text("显示本说明后退出", "show this and exit")
_VERSION: Final = Text("显示版本后退出", "show the version and exit")
_SOME_OPTIONS: Final = Text("[选项]", "[OPTIONS]")
_SUBCOMMAND: Final = Text("命令 [参数]...", "COMMAND [ARGS]...")
_DEFAULT: Final = Text("默认：", "default: ")
_REQUIRED: Final = Text("必填", "required")
_KINDS: Final[Mapping[str, Text]] = {
    "PATH": Text("路径", "PATH"),
    "TEXT": Text("文字", "TEXT"),
    "INTEGER": Text("整数", "INTEGER"),
}


def choose(arguments: Sequence[str], environment: Mapping[str, str]) -> Lang:
    """Return the language for these arguments and this environment."""
    for position, word in enumerate(arguments):
        if word.startswith("--lang="):
            return _named(word[7:])
        if word == "--lang" and position + 1 < len(arguments):
            return _named(arguments[position + 1])
    for name in ("TIGERTALLY_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return _named(value)
    return Lang.EN


_settled: ContextVar[Lang | None] = ContextVar("tigertally.lang", default=None)


@contextmanager
def speaking(lang: Lang) -> Iterator[None]:
    """Speak ``lang`` while the block runs, also where click asks before there is an invocation."""
    before = _settled.set(lang)
    try:
        yield
    finally:
        _settled.reset(before)


def present() -> Lang:
    """Return the language that was settled, or that of this process's command line."""
    return _settled.get() or choose(sys.argv[1:], os.environ)


def language_of(ctx: click.Context) -> Lang:
    """Return the language of an invocation: the one its root settled on."""
    meta = ctx.find_root().meta.get("tigertally.lang")
    return meta if isinstance(meta, Lang) else present()


def _named(word: str) -> Lang:
    return Lang.ZH if word.lower().startswith("zh") else Lang.EN


_OURS: Final[Mapping[str, Text]] = {"--help": _HELP, "--version": _VERSION}


class SpeakingOption(click.Option):
    """An option whose help is bilingual."""

    def __init__(self, *decls: str, text: Text, **attrs: object) -> None:
        super().__init__(decls, **attrs)  # type: ignore[arg-type]  # click's own keyword arguments
        self.text = text

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the help line in the invocation's language."""
        lang = language_of(ctx)
        self.help = self.text.render(lang)
        record = super().get_help_record(ctx)
        if record is None:
            return None
        names, what = record
        head, _, metavar = names.rpartition(" ")
        names = f"{head} {_KINDS[metavar].render(lang)}" if metavar in _KINDS else names
        extra = what.removeprefix(self.help)
        extra = extra.replace("[default: ", "[" + _DEFAULT.render(lang)).replace(
            "required]", f"{_REQUIRED.render(lang)}]"
        )
        return names, self.help + extra


class _Speaking(click.Command):
    """What commands and groups share: a bilingual text and examples."""

    text: Text = Text("", "")
    examples: tuple[str, ...] = ()

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write text and examples."""
        lang = language_of(ctx)
        formatter.write_paragraph()
        with formatter.indentation():
            for line in self.text.render(lang).split("\n"):
                formatter.write_text(line)
        if self.examples:
            with formatter.section(_EXAMPLES.render(lang)):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under a heading in the invocation's language."""
        records = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                ours = _OURS.get(param.opts[-1])
                records.append(record if ours is None else (record[0], ours.render(language_of(ctx))))
        if records:
            with formatter.section(_OPTIONS.render(language_of(ctx))):
                formatter.write_dl(records)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        lang = language_of(ctx)
        words = {"[OPTIONS]": _SOME_OPTIONS, "COMMAND [ARGS]...": _SUBCOMMAND}
        pieces = [words[piece].render(lang) if piece in words else piece for piece in self.collect_usage_pieces(ctx)]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=_USAGE.render(lang))

    def get_short_help_str(self, limit: int = 60) -> str:
        """Return the first sentence, in the process's language."""
        first = self.text.render(present()).split("\n")[0]
        return first if len(first) <= limit else first[: limit - 1] + "…"


class SpeakingCommand(_Speaking):
    """A command with bilingual help."""


class SpeakingGroup(_Speaking, click.Group):
    """A group with bilingual help, listing its commands in the order they were added."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options: a group, too, is asked for help in a language."""
        lang = SpeakingOption("--lang", type=click.Choice(LANGUAGES), expose_value=False, text=Text("语言", "language"))
        return [lang, *super().get_params(ctx)]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return command names in order of registration."""
        del ctx
        return list(self.commands)

    def rows(self, ctx: click.Context, limit: int) -> list[tuple[str, str]]:
        """Return command names and what they do."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        return [
            (name, command.get_short_help_str(limit))
            for name, command in commands
            if command is not None and not command.hidden
        ]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write options, then commands."""
        _Speaking.format_options(self, ctx, formatter)
        rows = self.rows(ctx, formatter.width)
        if rows:
            with formatter.section(_COMMANDS.render(language_of(ctx))):
                formatter.write_dl(rows)


def speak(zh: str, en: str, *examples: str) -> Callable[[C], C]:
    """Give a :class:`SpeakingCommand` or group its text and examples."""

    def give(command: C) -> C:
        if not isinstance(command, _Speaking):
            raise TypeError(command.name)
        command.text = Text(zh, en)
        command.examples = examples
        return command

    return give


def option(*decls: str, zh: str, en: str, **attrs: object) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Return a click option decorator with bilingual help."""

    class _Bound(SpeakingOption):
        def __init__(self, names: Sequence[str], **inner: object) -> None:
            super().__init__(*names, text=Text(zh, en), **inner)

    return click.option(*decls, cls=_Bound, **attrs)
