"""What every command shares: where the installation is, who acts, language, output, secrets, progress, the edge.

What goes where: results to standard output (a table, or JSON with ``--json``); prompts, progress, problems
and hints to standard error. A problem ends the process with its family's exit code (docs/ERRORS.md); anything
else prints a bland message and an incident id, never the exception's text.

What only some commands need is imported by the functions that need it, so that help, ``verify`` and ``discover`` do
not wait for a database's libraries.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text as Cell

from tigertally import __version__
from tigertally.app.errors import NotReadable, Unexpected
from tigertally.app.keeping import UNLOCKED_BY, KeeperKind
from tigertally.app.settings import SESSIONS_NAME
from tigertally.base.canon import Json
from tigertally.base.clock import Clock, SystemClock
from tigertally.base.errors import Invalid, Problem
from tigertally.base.ids import new_id
from tigertally.base.secret import SecretText
from tigertally.base.text import Lang, Text, printable, safe
from tigertally.cli import tables, usage
from tigertally.cli.commands import ROOMS
from tigertally.cli.language import LANGUAGES, SpeakingGroup, choose, language_of, option, present, speak, speaking

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from tigertally.access import Actor
    from tigertally.app.wire import House
    from tigertally.cli.houses import Houses

_INTERRUPTED: Final = Text("已中断；已完成的步骤保留，可重新运行", "interrupted; finished steps are kept, run it again")
HOME_DEFAULT: Final = Path("~/.tigertally")
SECRET_FILE_BYTES_MAX: Final = 4096


def styled(text: str, style: str = "") -> Cell:
    """Return a cell of plain text: no markup is read and no terminal is steered by what others wrote."""
    return Cell(printable(text), style=style)


class NobodyActs(Invalid):
    """A command that acts for somebody, and nobody was named."""

    code = "cli.nobody_acts"
    title = Text("未指定操作人", "who acts?")
    hint = Text("加上 --as 姓名，例如 tigertally --as chen …", "add --as NAME, e.g. tigertally --as chen …")


@dataclass(slots=True)
class Shell:
    """One invocation: options that every command takes, and ways to speak to the person."""

    home: Path
    lang: Lang
    as_json: bool
    handle: str
    unlock_file: Path | None
    assertion_file: Path | None = None
    houses: Houses | None = None
    clock: Clock = field(default_factory=SystemClock)
    out: Console = field(default_factory=lambda: Console(highlight=False))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def say(self, zh: str, en: str, **details: object) -> None:
        """Tell the person something on standard error, unless ``--json``."""
        if not self.as_json:
            self.err.print(Text(zh, en).render(self.lang, **details), markup=False)

    def warn(self, text: Text | None) -> None:
        """Tell the person loudly on standard error, unless ``--json`` or there is nothing to tell."""
        if text is not None and not self.as_json:
            self.err.print(f"! {self.text(text)}", style="bold yellow", markup=False)

    def text(self, text: Text, **details: object) -> str:
        """Return ``text`` in the invocation's language."""
        return text.render(self.lang, **details)

    def text_of(self, zh: str, en: str, **details: object) -> str:
        """Return one sentence in the invocation's language."""
        return Text(zh, en).render(self.lang, **details)

    def result(self, data: Json, show: Callable[[Console], None]) -> None:
        """Give the result: ``data`` as JSON, or whatever ``show`` draws."""
        if self.as_json:
            click.echo(json.dumps(data, ensure_ascii=False, indent=2))
        else:
            show(self.out)

    def table(self, title: Text | None, headings: Sequence[Text], rows: Sequence[Sequence[str | Cell]]) -> Table:
        """Return a readable table. Cells are plain text, whatever they hold; :func:`styled` gives one a colour."""
        return tables.table(
            None if title is None else self.text(title),
            [self.text(heading) for heading in headings],
            [[cell if isinstance(cell, Cell) else styled(cell) for cell in row] for row in rows],
            width=self.out.width,
        )

    def pairs(self, data: Sequence[tuple[Text, object]]) -> None:
        """Draw name and value lines."""
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="dim")
        table.add_column(overflow="fold")
        for name, value in data:
            table.add_row(self.text(name), styled(value if isinstance(value, str) else safe(value)))
        self.out.print(table)

    def secret(self, *, file: Path | None, zh: str, en: str, confirm: bool = False) -> SecretText:
        """Return a secret from a file's first line, or asked for without echo."""
        if file is not None:
            try:
                raw = file.read_bytes()[:SECRET_FILE_BYTES_MAX].decode()
            except (OSError, UnicodeDecodeError) as error:
                raise NotReadable(path=file, reason=type(error).__name__) from None
            return SecretText(raw.split("\n")[0].rstrip("\r"))
        asked = Text(zh, en).render(self.lang)
        again = Text("再次输入", "once more").render(self.lang)
        return SecretText(
            click.prompt(asked, hide_input=True, confirmation_prompt=again if confirm else False, err=True)
        )

    def root_passphrase(self) -> SecretText:
        """Return what opens the root key's keeper: a passphrase, or a token, an access key, a PIN."""
        from tigertally.app import settings  # noqa: PLC0415 - see the room's docstring

        kind = settings.load(self.home).keeper.kind
        asked = UNLOCKED_BY[kind]
        if kind is KeeperKind.KMS and self.unlock_file is None and (found := _aws_key(os.environ)):
            return found
        return self.secret(file=self.unlock_file, zh=asked.zh, en=asked.en)

    @contextmanager
    def house(self, *, acting: bool = False, examining: bool = False) -> Iterator[House]:
        """Open the installation, or use it if this process keeps it open; ``acting`` needs a person to act.

        ``examining``: see ``wire.open_house``.
        """
        if acting and not self.handle:
            raise NobodyActs
        from tigertally.app import wire  # noqa: PLC0415 - see the room's docstring

        wire.settled(self.home)  # before a secret is asked for in vain

        passphrase = self.root_passphrase()
        if self.houses is not None:
            with self.houses.house(self.home, root_passphrase=passphrase, clock=self.clock) as house:
                yield house
            return
        with wire.open_house(self.home, root_passphrase=passphrase, clock=self.clock, examining=examining) as house:
            yield house

    def actor(self, house: House) -> Actor:
        """Return who acts: the person of ``--as`` with their open session, or a service with what it signed."""
        if not self.handle:
            raise NobodyActs
        if self.handle.startswith("svc:") or self.assertion_file is not None:
            from tigertally.cli import letin  # noqa: PLC0415

            return letin.service(house, handle=self.handle, file=self.assertion_file)
        from tigertally.app.verbs import people as people_verbs  # noqa: PLC0415

        return people_verbs.actor_of(house, handle=self.handle, token=self.session_token())

    def session_path(self, handle: str) -> Path:
        """Return where a person's session token is kept (0600, in the installation's folder)."""
        return self.home / SESSIONS_NAME / handle

    def session_token(self) -> SecretText:
        """Return the token of ``--as``, empty if there is none."""
        try:
            return SecretText(self.session_path(self.handle).read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            return SecretText("")

    @contextmanager
    def progress(self) -> Iterator[ShellProgress]:
        """Show progress on standard error while the block runs; silent with ``--json`` or without a terminal."""
        from rich import progress  # noqa: PLC0415

        shown = self.err.is_terminal and not self.as_json
        with progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=not shown,
        ) as bar:
            yield ShellProgress(bar=bar, lang=self.lang)


def _aws_key(environ: Mapping[str, str]) -> SecretText | None:
    """Return the access key that the usual variables hold, in the form in which a keeper takes it."""
    parts = [environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
    return SecretText(":".join(parts).rstrip(":")) if parts[0] and parts[1] else None


@dataclass(slots=True)
class ShellProgress:
    """Draws what bulk work tells."""

    bar: RichProgress
    lang: Lang
    task: object = None

    def begin(self, what: Text, total: int | None) -> None:
        """Start a phase."""
        self.task = self.bar.add_task(what.render(self.lang), total=total)

    def advance(self, done: int) -> None:
        """Move the present phase on."""
        if isinstance(self.task, int):
            self.bar.advance(self.bar.task_ids[-1], done)


def shared(command: Callable[..., object]) -> Callable[..., object]:
    """Add the options every command takes; the command gets a :class:`Shell` first."""

    def run(
        *,
        home: Path,
        lang: str | None,
        as_json: bool,
        handle: str,
        unlock_file: Path | None,
        assertion_file: Path | None,
        **rest: object,
    ) -> object:
        chosen = choose([f"--lang={lang}"], os.environ) if lang else present()
        meta = click.get_current_context().find_root().meta
        shell = Shell(
            home=home.expanduser(),
            lang=chosen,
            as_json=as_json,
            handle=handle,
            unlock_file=unlock_file,
            assertion_file=assertion_file,
            houses=meta.get("tigertally.houses"),
        )
        meta["tigertally.lang"] = chosen
        meta["tigertally.shell"] = shell
        return command(shell, **rest)

    run.__name__ = command.__name__
    run.__doc__ = command.__doc__
    run.__dict__.update(command.__dict__)
    for add in reversed(_SHARED):
        run = add(run)
    return run


_SHARED: Final = (
    option(
        "--home",
        type=click.Path(path_type=Path),
        default=HOME_DEFAULT,
        envvar="TIGERTALLY_HOME",
        zh="安装实例目录（TIGERTALLY_HOME）",
        en="the installation's folder (TIGERTALLY_HOME)",
        show_default=True,
    ),
    option(
        "--as",
        "handle",
        default="",
        envvar="TIGERTALLY_AS",
        zh="以谁的身份操作（先 tigertally login）",
        en="who acts (run tigertally login first)",
    ),
    option(
        "--unlock-file",
        type=click.Path(path_type=Path),
        envvar="TIGERTALLY_UNLOCK_FILE",
        zh="含根密钥口令（或令牌、访问密钥）的文件（默认询问）",
        en="file with the root key's passphrase, token or access key (asked for by default)",
    ),
    option(
        "--assertion-file",
        type=click.Path(path_type=Path),
        envvar="TIGERTALLY_ASSERTION_FILE",
        zh="服务账户为这一命令签的断言",
        en="what a service signed for this command",
    ),
    option("--json", "as_json", is_flag=True, zh="输出 JSON", en="print JSON"),
    option("--lang", type=click.Choice(LANGUAGES), zh="语言", en="language"),
)


class _Lazy(SpeakingGroup):
    """The root group: knows which room has which command and loads it when asked."""

    rooms: Mapping[str, tuple[str, Text]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a newcomer needs them."""
        del ctx
        return list(self.rooms)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing its room."""
        del ctx
        room, _ = self.rooms.get(cmd_name, ("", None))
        if not room:
            return None
        found = getattr(importlib.import_module(f"tigertally.cli.{room}"), cmd_name.replace("-", "_") + "_command")
        return found if isinstance(found, click.Command) else None

    def rows(self, ctx: click.Context, limit: int) -> list[tuple[str, str]]:
        """Return names and what they do, without loading their rooms."""
        del limit
        return [(name, text.render(language_of(ctx))) for name, (_, text) in self.rooms.items()]


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tigertally")
def root() -> None:
    """Begin a command line."""


speak(
    "虎符：企业转让时，带着证明交接客户支付信息。\n发现 → 封存 → 守护 → 交接 → 销毁 → 举证",
    "Tigertally moves customer payment data when a company is sold, with proof.\n"
    "discover → seal → guard → hand over → destroy → evidence",
    "tigertally demo",
    "tigertally discover ./export",
    "tigertally init --name 'Yunshan Youxuan' --lead chen",
)(root)


_Lazy.rooms = ROOMS


_WITH_VALUE: Final = frozenset({"--home", "--as", "--unlock-file", "--assertion-file", "--lang"})
_ALONE: Final = frozenset({"--json"})


def arranged(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with shared options that stand before the command moved behind it.

    So ``tigertally --as chen seal …`` and ``tigertally seal … --as chen`` are the same. Without a command they are
    left out (``--lang`` was heard already). ``plan --check`` is ``plan check``.
    """
    words = list(arguments)
    moved: list[str] = []
    while words:
        name = words[0].partition("=")[0]
        if name in _ALONE or (name in _WITH_VALUE and "=" in words[0]):
            moved.append(words.pop(0))
        elif name in _WITH_VALUE and len(words) > 1:
            moved += [words.pop(0), words.pop(0)]
        else:
            break
    if not words or words[0].startswith("-"):
        return words
    if words[0] == "plan" and "--check" in words:
        words.remove("--check")
        words.insert(1, "check")
    end = words.index("--") if "--" in words else len(words)
    return [*words[:end], *moved, *words[end:]]


def complain(problem: Problem, *, lang: Lang, as_json: bool, err: Console) -> int:
    """Show a problem; return the exit code."""
    from tigertally.cli import complaints  # noqa: PLC0415 - see the room's docstring

    return complaints.show(problem, lang=lang, as_json=as_json, err=err)


def run(  # noqa: PLR0911 - one way out per kind of ending
    arguments: Sequence[str] | None = None, *, houses: Houses | None = None
) -> int:
    """Run the command line; return the exit code. Never raises, never shows an exception's text.

    ``houses`` keeps installations open between commands of one process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    lang = choose(given, os.environ)
    as_json = "--json" in given
    err = Console(stderr=True, highlight=False)
    try:
        with speaking(lang), root.make_context("tigertally", arranged(given)) as ctx:
            ctx.meta["tigertally.lang"] = lang
            ctx.meta["tigertally.houses"] = houses
            root.invoke(ctx)
    except Problem as problem:
        return complain(problem, lang=lang, as_json=as_json, err=err)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as wrong:
        click.echo(wrong.format_message(), err=True)
        return wrong.exit_code
    except click.ClickException as wrong:
        return complain(_bad_usage(wrong, given, lang), lang=lang, as_json=as_json, err=err)
    except (click.Abort, KeyboardInterrupt):
        err.print(_INTERRUPTED.render(lang))
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 - the outermost edge; its text could hold a customer's value
        return complain(Unexpected(incident=new_id("inc")), lang=lang, as_json=as_json, err=err)
    return 0


class BadUsage(Invalid):
    """The command line is not one of ours."""

    code = "cli.bad_usage"
    title = Text("命令用法不对：{said}", "{said}")
    hint = Text("用法见 {command} --help", "see {command} --help")


def _bad_usage(wrong: click.ClickException, given: Sequence[str], lang: Lang) -> BadUsage:
    """Return click's complaint in our words, without what was typed."""
    ctx = wrong.ctx if isinstance(wrong, click.UsageError) else None
    return BadUsage(said=usage.said(wrong, given, lang), command="tigertally" if ctx is None else ctx.command_path)


def main() -> NoReturn:
    """Entry point of the ``tigertally`` program."""
    # A core file would hold the memory of a process that has clear values in it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(run())
