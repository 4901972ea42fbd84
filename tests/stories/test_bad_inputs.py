"""What is wrong with what a command is given: named in both languages, and the state stays whole. One row per kind.

Kinds that need a story of their own have it: the wrong buyer and a replayed receipt in ``test_strangers.py``, the
agreement that ended and the clock that went back in ``tests/faults``, a disk that is really full there too.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.faults.clocked import everything
from tests.faults.job_acts import ACTS
from tests.faults.test_job import held, sold_town, start
from tests.stories import town as towns
from tests.stories.test_commands import has_chinese
from tests.stories.town import Answer, Firm, Town

KEPT = ("orders.db",)
FULL_BYTES = 1 << 12
Words = Sequence[str | Path]
Row = Callable[[Town, Path], tuple[Firm | None, Words, str]]


def _cut(path: Path, to: Path) -> Path:
    data = path.read_bytes()
    to.write_bytes(data[: len(data) * 2 // 3])
    return to


def _spelled(path: Path, to: Path, encoding: str) -> Path:
    to.write_bytes(path.read_text("utf-8").encode(encoding))
    return to


def _cut_bundle(town: Town, scratch: Path) -> Path:
    there = scratch / "cut-bundle"
    shutil.copytree(town.root / "arrived", there)
    (part,) = there.glob("part-*.env")
    _cut(part, part)
    return there


def _receive(town: Town, folder: Path, scratch: Path) -> tuple[Firm, Words, str]:
    return town.buyer, ("receive", folder, "--deal", town.ids["deal"], "--out", scratch / "never.json"), "sun"


def _seal(town: Town, plan: Path, inventory: Path) -> tuple[Firm, Words, str]:
    return town.seller, ("seal", plan, town.estate, "--inventory", inventory, "--scope", "other"), "qian"


ROWS: dict[str, Row] = {
    "unreadable: a folder for a plan": lambda town, scratch: _seal(town, scratch, town.root / "inventory.json"),
    "unreadable: a folder for a paper": lambda town, scratch: (town.seller, ("receipt", scratch), "chen"),
    "unreadable: nothing there": lambda _, scratch: (None, ("discover", scratch / "nowhere"), ""),
    "truncated: a part of a bundle": lambda town, scratch: _receive(town, _cut_bundle(town, scratch), scratch),
    "truncated: a paper": lambda town, scratch: (
        town.seller,
        ("deal", "import", _cut(town.root / "buyer-card.json", scratch / "card.json")),
        "chen",
    ),
    "truncated: an inventory": lambda town, scratch: _seal(
        town, town.root / "plan.toml", _cut(town.root / "inventory.json", scratch / "inventory.json")
    ),
    "wrong encoding: a plan": lambda town, scratch: _seal(
        town, _spelled(town.root / "plan.toml", scratch / "plan.toml", "utf-16"), town.root / "inventory.json"
    ),
    "wrong encoding: an inventory": lambda town, scratch: _seal(
        town, town.root / "plan.toml", _spelled(town.root / "inventory.json", scratch / "i.json", "utf-16-le")
    ),
    "wrong encoding: a paper": lambda town, scratch: (
        town.buyer,
        (
            "deal",
            "accept",
            _spelled(town.root / "invitation.json", scratch / "p.json", "utf-16"),
            "--out",
            scratch / "n",
        ),
        "sun",
    ),
    "wrong key: the other side's passphrase": lambda town, _: (
        replace(town.seller, unlock=town.buyer.unlock),
        ("show", towns.some_token(town)),
        "zhao",
    ),
    "wrong key: another side's bundle": lambda town, scratch: (
        town.seller,
        ("receive", town.root / "arrived", "--deal", town.ids["deal"], "--out", scratch / "never.json"),
        "chen",
    ),
    "wrong key: a key file that was changed": lambda town, scratch: (
        replace(town.seller, home=_damaged(town, scratch)),
        ("show", towns.some_token(town)),
        "zhao",
    ),
}


def _damaged(town: Town, scratch: Path) -> Path:
    home = scratch / "damaged"
    shutil.copytree(town.seller.home, home)
    data = bytearray((home / "root.key").read_bytes())
    data[-9] ^= 1
    (home / "root.key").write_bytes(bytes(data))
    return home


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A sale whose bundle has arrived and was not received."""
    made = sold_town(start(tmp_path_factory.mktemp("inputs") / "town", only=KEPT))
    ACTS["bundle"](made.root, lambda _: None)
    shutil.copytree(made.root / "bundle", made.root / "arrived")
    return made


def _is_whole(town: Town, before: dict[str, object]) -> None:
    """No file came or changed but the databases, whose ledgers are whole; what they hold is what they held."""
    after = everything(town)
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert {Path(path).name for path in changed} <= {"tigertally.db", "ledger.mark"}
    assert (held(town.root, "seller")[0] > 0, held(town.root, "buyer")[0]) == (True, 0)


@pytest.mark.parametrize("kind", ROWS)
def test_what_is_wrong_is_named(town: Town, kind: str, tmp_path: Path) -> None:
    firm, words, who = ROWS[kind](town, tmp_path)
    made = {path: path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}
    before = everything(town)
    spoken = town.tell(firm, *words, who=who, lang="zh", as_json=False)
    answer = town.tell(firm, *words, who=who)
    _named(spoken, answer)
    _is_whole(town, before)
    left = {path: path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}
    assert {path: size for path, size in left.items() if "damaged" not in path.parts} == {
        path: size for path, size in made.items() if "damaged" not in path.parts
    }


def test_a_full_disk_is_named(town: Town) -> None:
    words = _seal(town, town.root / "plan.toml", town.root / "inventory.json")[1]
    before = everything(town)
    spoken, answer = (
        towns.process(
            towns.arguments(town.seller, words, who="qian", lang=lang, as_json=lang == "en"),
            cwd=town.root,
            file_bytes_max=FULL_BYTES,
        )
        for lang in ("zh", "en")
    )
    _named(spoken, answer)
    _is_whole(town, before)


def _named(spoken: Answer, answer: Answer) -> None:
    assert spoken.exit == answer.exit, (spoken.err, answer.err)
    assert answer.exit not in (0, 1, None)
    assert answer.problem["code"] != "app.unexpected"
    assert has_chinese(spoken.err)
    assert not has_chinese(answer.err), answer.err
