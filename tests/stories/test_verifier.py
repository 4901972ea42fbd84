"""The single file: the same bytes each time, nothing needed but cryptography, the same answers as the product."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.formats.verify import test_verify_logs as logs
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.app import onefile
from tigertally.crypto.merkle import leaf_hash
from tigertally.formats.verify import alone

# Nothing but the standard library and cryptography, and every module of ours out of the file itself.
RUNNER = """
import runpy, sys
class Only:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"numpy", "pyarrow", "sqlalchemy", "click", "rich", "alembic", "psycopg"}:
            raise ImportError(name)
sys.meta_path.insert(0, Only())
path = sys.argv.pop(1)
try:
    runpy.run_path(path, run_name="__main__")
finally:
    ours = [module for name, module in sys.modules.items() if name.startswith("tigertally")]
    assert ours and all(module.__file__.startswith(path) for module in ours)
"""


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier."""
    path = tmp_path_factory.mktemp("verifier") / "verify.pyz"
    onefile.write(path)
    return path


def run(pyz: Path, *words: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(pyz), *map(str, words)], capture_output=True, check=False, cwd=pyz.parent
    )
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def test_the_same_sources_give_the_same_bytes() -> None:
    assert onefile.content() == onefile.content()
    assert onefile.content().startswith(b"#!/usr/bin/env python3\n")


def test_it_runs_alone_and_names_what_is_wrong(pyz: Path, tmp_path: Path) -> None:
    folder = logs.TestLogs().export(tmp_path / "export")
    (folder / "hashes").write_bytes(b"".join(leaf_hash(entry.leaf) for entry in world.entries()))
    card = tmp_path / "seller-card.json"
    card.write_bytes(world.card_paper(world.seller().card.name).to_bytes())
    code, said = run(pyz, folder, "--trust", card, "--json")
    assert (code, json.loads(said)["ok"]) == (0, True)
    lines = (folder / "entries.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "entries.jsonl").write_bytes(b"".join([*lines[:2], *lines[3:]]))
    code, said = run(pyz, folder, "--trust", card, "--lang", "en")
    assert (code, "entry 2: deleted" in said) == (7, True)
    assert run(pyz, folder / "checkpoint", "--lang", "en")[0] == 3
    assert run(pyz, tmp_path / "nothing")[0] == 2
    assert run(pyz, "--version")[0] == 0


def test_both_languages(tmp_path: Path) -> None:
    folder = logs.TestLogs().export(tmp_path / "export")
    for lang, word in (("zh", "检查点"), ("en", "checkpoint")):
        out, err = io.StringIO(), io.StringIO()
        assert alone.run([str(folder), "--lang", lang], out=out, err=err, now=NOW) == 3
        assert word in out.getvalue()
