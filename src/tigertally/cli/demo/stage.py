"""Running commands for the demo: the same entry as the program's, one installation and one person each time.

Output is taken as JSON, so the play can use ids and counts; what is shown to the spectator is one line per command
and, from the report, the rest. One-time codes come from the secrets that the commands themselves showed.
"""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from rich.console import Console

from tigertally.base.canon import Json
from tigertally.base.clock import SystemClock
from tigertally.base.errors import Broken
from tigertally.base.secret import SecretText
from tigertally.base.text import Lang, Text
from tigertally.cli.base import run
from tigertally.cli.houses import Houses
from tigertally.crypto import totp
from tigertally.testing.authenticator import Authenticator

_REFUSED = 3
_ORIGIN = "https://tally.example"
_PASTE = Text(
    "想自己再运行下面的命令：先进入演示目录，再按行首的公司设好这两个变量（代替 --home 和 --unlock-file）；"
    "截短了的命令，全文在报告里",
    "To run the commands below yourself, go to the demo's folder and export the two variables of the company that is "
    "named before the command (they stand for --home and --unlock-file); what is cut short here is whole in the report",
)
_WIDTH = 118


class DemoStopped(Broken):
    """A command of the demo did not end as the play expects."""

    code = "cli.demo_stopped"
    title = Text("演示在“{command}”处停止（退出码 {exit}）", "the demo stopped at “{command}” (exit code {exit})")
    hint = Text("{said}", "{said}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One command of the demo and what came of it. ``refused`` are the reasons, if the play expected a refusal."""

    act: Text
    house: str
    command: str
    exit: int
    seconds: float
    result: dict[str, Json]
    refused: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class House:
    """An installation of the demo: its folder, its name, its people's one-time-code secrets and passkeys."""

    home: Path
    name: Text
    unlock: Path
    totp: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Authenticator] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Stage:
    """Where the play runs."""

    out: Path
    lang: Lang
    console: Console
    houses: Houses
    lines: list[Line] = field(default_factory=list)
    act: Text = field(default=Text("", ""))

    def begin(self, zh: str, en: str) -> None:
        """Begin an act."""
        self.act = Text(zh, en)
        self.console.print(f"\n[bold]{self.act.render(self.lang)}[/bold]")

    def say(self, zh: str, en: str, **details: object) -> None:
        """Tell the spectator something."""
        self.console.print("  " + Text(zh, en).render(self.lang, **details), markup=False)

    def pasting(self, *houses: House) -> str:
        """Return how the commands that are shown run as they stand: in which folder, for which installation."""
        lines = [_PASTE.render(self.lang), f"cd {shlex.quote(str(self.out))}"]
        for house in houses:
            home, unlock = (shlex.quote(self._short(str(path))) for path in (house.home, house.unlock))
            lines.append(
                f"export TIGERTALLY_HOME={home} TIGERTALLY_UNLOCK_FILE={unlock}   # {house.name.render(self.lang)}"
            )
        return "\n".join(lines)

    def do(self, house: House | None, *words: str | Path, who: str = "") -> dict[str, Json]:
        """Run a command that must succeed; return its JSON."""
        line = self._run(house, words, who)
        if line.exit != 0:
            raise DemoStopped(command=words[0], exit=line.exit, said=json.dumps(line.result, ensure_ascii=False))
        return line.result

    def refuse(self, house: House | None, *words: str | Path, who: str = "") -> Line:
        """Run a command that must be refused; show why."""
        line = self._run(house, words, who)
        if line.exit == 0:
            raise DemoStopped(command=words[0], exit=0, said="expected a refusal")
        for reason in line.refused:
            self.console.print(f"      ✗ {reason}", markup=False, style="yellow")
        return line

    def two(self, house: House, *words: str | Path, who: str, second: str) -> dict[str, Json]:
        """Run a two-person act: begun by one, approved by the other, carried out by the first."""
        line = self._run(house, words, who)
        problem = line.result.get("problem")
        approval = problem.get("approval") if isinstance(problem, dict) else None
        if line.exit != _REFUSED or not isinstance(approval, str):
            raise DemoStopped(command=words[0], exit=line.exit, said=json.dumps(line.result, ensure_ascii=False))
        self.do(house, "approve", approval, who=second)
        return self.do(house, *words, who=who)

    def code(self, house: House, who: str) -> str:
        """Return a person's one-time code of now."""
        secret = totp.from_base32(SecretText(house.totp[who]))
        return totp.code_at(secret, SystemClock().now()).expose()

    def enrol(self, house: House, who: str, result: dict[str, Json]) -> None:
        """Remember the secret that a command showed once."""
        found = parse_qs(urlsplit(str(result.pop("totp_uri"))).query)
        house.totp[who] = found["secret"][0]

    def register(self, house: House, who: str) -> None:
        """Register a passkey. With a browser at hand ``me passkey`` alone does it; here software stands in for both."""
        device = house.keys[who] = Authenticator(origin=_ORIGIN)
        options = self.do(house, "me", "passkey", "--origin", device.origin, who=who)
        self.do(house, "me", "passkey", "--answer", self._answer(who, device.create(options)), who=who)

    def show_key(self, house: House, who: str) -> None:
        """Show a passkey as the second factor; with a browser at hand that is ``confirm NAME --browser``."""
        device = house.keys[who]
        options = self.do(house, "confirm", who, "--ask-passkey", device.origin)
        self.do(house, "confirm", who, "--passkey", self._answer(who, device.get(options)))

    def _answer(self, who: str, body: bytes) -> Path:
        path = self.out / "secrets" / f"{who}-answer.json"
        path.write_bytes(body)
        return path

    def _run(self, house: House | None, words: tuple[str | Path, ...], who: str) -> Line:
        spelled = [str(word) for word in words]
        shown = shlex.join(["tigertally", *(["--as", who] if who else []), *map(self._short, spelled)])
        where = "" if house is None else house.name.render(self.lang)
        self.console.print(f"  [dim]{where:8}[/dim] $ {_cut(shown)}", highlight=False)
        before = SystemClock().now()
        exit_code, said = self._call(house, spelled, who)
        line = Line(
            act=self.act,
            house=where,
            command=shown,
            exit=exit_code,
            seconds=(SystemClock().now() - before).total_seconds(),
            result=said,
            refused=_reasons(said),
        )
        self.lines.append(line)
        return line

    def _call(self, house: House | None, words: list[str], who: str) -> tuple[int, dict[str, Json]]:
        arguments = [*words, "--json", "--lang", self.lang.value]
        if house is not None:
            arguments += ["--home", str(house.home), "--unlock-file", str(house.unlock)]
        if who:
            arguments += ["--as", who]
        heard, wrong = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(wrong):
            exit_code = run(arguments, houses=self.houses)
        return exit_code, _parsed(heard.getvalue() or wrong.getvalue())

    def _short(self, word: str) -> str:
        return word.replace(str(self.out) + "/", "")


def _parsed(said: str) -> dict[str, Json]:
    try:
        value = json.loads(said)
    except ValueError:
        return {"said": said[:400]}
    return value if isinstance(value, dict) else {"items": value}


def _reasons(said: dict[str, Json]) -> tuple[str, ...]:
    problem = said.get("problem")
    if isinstance(problem, dict):
        unmet = problem.get("unmet")
        if isinstance(unmet, list) and unmet:
            return tuple(str(item.get("why")) for item in unmet if isinstance(item, dict))
        return (f"{problem.get('title')} [{problem.get('code')}]",)
    checks = said.get("checks")
    if isinstance(checks, list):
        failed = [item for item in checks if isinstance(item, dict) and item.get("outcome") == "fails"]
        return tuple(f"{item.get('check')} {item.get('detail')}" for item in failed)
    return ()


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def stamp(instant: datetime) -> str:
    """Return an instant for people."""
    return instant.strftime("%Y-%m-%d %H:%M:%S UTC")
