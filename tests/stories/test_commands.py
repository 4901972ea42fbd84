"""Every command speaks both languages, shows an example, and takes ``--json``; exit codes are one table.

The command tree itself is asked, so a command that is added without these is found here.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tigertally.app import problems
from tigertally.base.errors import FAMILIES, Broken, Conflict, Invalid, Missing, Refused, Unavailable
from tigertally.cli.base import root, run
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, SpeakingOption

NEEDED = {
    "login": ("--passphrase-file", "{secret}", "--code", "000000"),
    "init": ("--passphrase-file", "{secret}", "--database", "nosuch://x"),
    "people add": ("--roles", "lead"),
    "enrol": ("--code", "0", "--passphrase-file", "{secret}"),
    "me passphrase": ("--present-file", "{secret}", "--new-file", "{secret}"),
    "people train": ("--answers", "{file}"),
    "people pledge": ("--yes",),
    "confirm": ("--code", "000000"),
    "ledger seen": ("--from", "2026-01-01", "--until", "2026-02-01"),
    "custody holder": ("--key-passphrase-file", "{secret}"),
}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and group, by the words that name it."""
    todo: list[tuple[str, click.Command]] = [("", root)]
    while todo:
        words, command = todo.pop()
        yield words, command
        if isinstance(command, click.Group):
            ctx = click.Context(command)
            for name in command.list_commands(ctx):
                found = command.get_command(ctx, name)
                assert found is not None, name
                todo.append((f"{words} {name}".strip(), found))


ALL = dict(commands())
LEAVES = {words: command for words, command in ALL.items() if not isinstance(command, click.Group)}


def said(*words: str) -> tuple[int, str, str]:
    """Run the command line."""
    heard, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(wrong):
        code = run(words)
    return code, heard.getvalue(), wrong.getvalue()


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_there_are_commands() -> None:
    assert len(LEAVES) > 40
    assert {"discover", "seal", "deal stage", "certificate keep", "ledger export"} <= set(LEAVES)


@pytest.mark.parametrize("words", ALL)
def test_text_is_in_both_languages(words: str) -> None:
    command = ALL[words]
    assert isinstance(command, SpeakingCommand | SpeakingGroup)
    assert has_chinese(command.text.zh)
    assert command.text.en.strip()
    assert not has_chinese(command.text.en)


@pytest.mark.parametrize("words", ALL)
@pytest.mark.parametrize(("lang", "heading"), [("zh", "示例"), ("en", "Examples")])
def test_help_in_both_languages(words: str, lang: str, heading: str) -> None:
    code, out, err = said(*words.split(), "--help", "--lang", lang)
    assert (code, err) == (0, "")
    first = (ALL[words].text.zh if lang == "zh" else ALL[words].text.en).split("\n")[0]  # type: ignore[attr-defined]
    assert first[:12] in out
    assert words not in LEAVES or (heading in out and "--json" in out)


@pytest.mark.parametrize("words", LEAVES)
def test_examples_name_the_command_and_options_that_exist(words: str) -> None:
    command = LEAVES[words]
    assert isinstance(command, SpeakingCommand)
    assert command.examples, words
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    mine = [line for line in command.examples if f" {words}" in f" {line}"]
    assert mine, command.examples
    for line in mine:
        given = {word.split("=")[0] for word in line.split() if word.startswith("--")}
        if "|" not in line:
            assert given <= known, line


@pytest.mark.parametrize("words", LEAVES)
def test_every_option_is_explained_in_both_languages(words: str) -> None:
    for param in LEAVES[words].params:
        if isinstance(param, click.Option):
            assert isinstance(param, SpeakingOption), param.name
            assert param.text.zh, param.name
            assert param.text.en, param.name


@pytest.mark.parametrize("words", LEAVES)
def test_without_an_installation_each_command_says_so_or_needs_none(words: str, tmp_path: Path) -> None:
    """Exit codes and JSON of every command in the plainest situation: nothing is there."""
    command = LEAVES[words]
    if words == "demo":
        pytest.skip("has a test of its own")
    file = tmp_path / "some.json"
    file.write_text("{}")
    secret = tmp_path / "secret.txt"
    secret.write_text("long-and-invented\n")
    shared = ["--json", "--lang", "en", "--home", str(tmp_path / "none"), "--unlock-file", str(secret)]
    needed = [part for param in command.params for part in _needed(param, file)]
    own = [part.format(secret=secret, file=file) for part in NEEDED.get(words, ())]
    given = [*words.split(), *shared, *needed, *own]
    code, out, err = said(*given)
    if code == 0:
        json.loads(out)
        assert words in {
            "discover",
            "deal route questions",
            "deal structures",
            "plan propose",
            "people train",
            "processor list",
            "verifier",
            "witness init",
            "policy",
        }
        return
    assert code in {problems.LOOKS[family].exit for family in FAMILIES}, (code, out, err)
    assert "Traceback" not in err + out
    if not err.startswith("tigertally:"):  # click's own words about the arguments
        told = json.loads(err or out)
        assert "problem" in told or "checks" in told or "mistakes" in told


def _needed(param: click.Parameter, file: Path) -> list[str]:
    if isinstance(param, click.Argument):
        return [_one(param.type, str(file))]
    return [param.opts[0], _one(param.type, str(file.with_name("out")))] if param.required else []


def _one(kind: click.ParamType[object], otherwise: str) -> str:
    return str(list(kind.choices)[0]) if isinstance(kind, click.Choice) else otherwise  # noqa: RUF015


def test_exit_codes_are_one_table() -> None:
    table = {Invalid: 2, Refused: 3, Missing: 4, Conflict: 5, Unavailable: 6, Broken: 7}
    assert {family: look.exit for family, look in problems.LOOKS.items()} == table
    assert problems.UNKNOWN.exit == 1


@pytest.mark.parametrize("given", [(), ("--lang", "zh"), ("-h",), ("--lang=zh", "--help")])
def test_alone_it_helps(given: tuple[str, ...]) -> None:
    _, out, err = said(*given)
    assert "discover" in out + err
    assert ("发现" in out + err) is ("zh" in " ".join(given))
