"""Reading and playing the transcripts in ``cli/``: what a user types, and what must come of it. Not a test itself.

One line each; ``{name}`` stands for what the town or an earlier command gave::

    start: staffed                   what is there already: nothing, staffed, sealed, sold
    $ seller chen: deal list         a command of a company (or ``nobody``) and a person (may be left out)
    $$ seller chen+wang: deal waive  the same by two persons: begun, approved, carried out
    exit: 3                          its exit code; 0 if not said
    code: access.not_allowed         the problem's code
    en: there is no grant            words it must say in English; the same with ``zh:``
    keep: grant                      a text of its JSON that later lines use as ``{grant}``
    missing: {root}/receipt.json     a path that must not be there afterwards; the same with ``exists:``
    write: {root}/a.txt words        what happens to files in between: write, copy, move, forget, flip (a bit), cut
    code-only: zhao                  the seller's person signs in anew, with a one-time code

A command that is refused is run three times: as JSON, in English, in Chinese; one that succeeds only once more per
language that is asked for, which is for commands that only look.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.stories.town import Answer, Firm, Town

FILES = ("write", "copy", "move", "flip", "cut", "forget")


@dataclass(slots=True, kw_only=True)
class Scene:
    """A command and what must come of it, or something that happens to a file."""

    line: int
    kind: str
    text: str
    expected: list[tuple[str, str]] = field(default_factory=list)


def read(path: Path) -> tuple[str, list[Scene]]:
    """Return where a story starts, and its scenes."""
    start, scenes = "nothing", []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, _, rest = text.partition(":")
        if text.startswith("$"):
            kind, _, command = text.partition(" ")
            scenes.append(Scene(line=number, kind=kind, text=command))
        elif name == "start":
            start = rest.strip()
        elif name in (*FILES, "code-only"):
            scenes.append(Scene(line=number, kind=name, text=rest.strip()))
        else:
            scenes[-1].expected.append((name, rest.strip()))
    return start, scenes


def play(town: Town, scenes: list[Scene]) -> None:
    """Do every scene and hold it against what is expected."""
    known = {**town.ids, "root": str(town.root), "estate": str(town.estate), "trust": shlex.join(town.trust)}
    for scene in scenes:
        if scene.kind == "code-only":
            town.with_a_code(scene.text)
        elif scene.kind in FILES:
            _happen(scene, known)
        else:
            _play(town, scene, known)


def _play(town: Town, scene: Scene, known: dict[str, str]) -> None:
    who, _, command = scene.text.partition(": ")
    house, _, persons = who.partition(" ")
    firm = {"seller": town.seller, "buyer": town.buyer}.get(house)
    first, _, second = persons.partition("+")
    words = tuple(shlex.split(command.format(**known)))
    if scene.kind == "$$":
        assert firm is not None
        answer = town.two(firm, *words, who=first, second=second)
    else:
        answer = town.tell(firm, *words, who=first)
    wanted = int(next((value for name, value in scene.expected if name == "exit"), "0"))
    told = f"line {scene.line}: {answer.out}{answer.err}"
    assert answer.exit == wanted, told
    for name, value in scene.expected:
        _hold(town, name, value.format(**known), answer, told)
        if name == "keep":
            known[value] = answer.text(value) if not wanted else str(answer.problem[value])
    languages = {name for name, _ in scene.expected if name in {"zh", "en"}} | ({"zh", "en"} if wanted else set())
    for lang in sorted(languages):
        _speak(town, firm, words, first, lang=lang, scene=scene, known=known, wanted=wanted)


def _hold(town: Town, name: str, value: str, answer: Answer, told: str) -> None:
    if name == "code":
        assert answer.problem["code"] == value, told
    elif name == "unmet":
        assert value in answer.unmet, told
    elif name == "missing":
        assert not Path(value).exists(), value
    elif name == "exists":
        assert Path(value).exists(), value
    elif name == "empty":
        assert list(Path(value).iterdir()) == [], value
    elif name == "says":
        assert value in answer.out + answer.err, told
    else:
        assert name in {"exit", "zh", "en", "keep"}, f"{name}: of {town.root.name} is no expectation"
    assert "Traceback" not in told


def _speak(
    town: Town,
    firm: Firm | None,
    words: tuple[str, ...],
    who: str,
    *,
    lang: str,
    scene: Scene,
    known: dict[str, str],
    wanted: int,
) -> None:
    answer = town.tell(firm, *words, who=who, lang=lang, as_json=False)
    said = "".join((answer.out + answer.err).split())
    assert answer.exit == wanted, (scene.line, answer.out, answer.err)
    for name, value in scene.expected:
        if name == lang:
            assert "".join(value.format(**known).split()) in said, (scene.line, answer.out, answer.err)
    if wanted:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said) is (lang == "zh"), (scene.line, said)


def _happen(scene: Scene, known: dict[str, str]) -> None:
    first, _, rest = scene.text.format(**known).partition(" ")
    path = Path(first)
    if scene.kind == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rest.replace("\\n", "\n"), encoding="utf-8")
    elif scene.kind == "copy":
        if path.is_dir():
            shutil.copytree(path, rest)
        else:
            shutil.copy(path, rest)
    elif scene.kind == "move":
        path.rename(rest)
    elif scene.kind == "flip":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif scene.kind == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def stories(folder: Path) -> Iterator[Path]:
    """Every transcript."""
    yield from sorted(folder.glob("*.txt"))
