"""A machine without the compiled finder, or with one of another version: it works, slowly, and says so loudly.

The package is copied, and its finder taken away or spoiled; what runs is the real thing as a process.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.stories import town as towns
from tests.stories.test_commands import has_chinese

import tigertally
from tigertally import discovery

CARD = "4111111111111111"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package; the folder that it is in."""
    root = tmp_path_factory.mktemp("slow")
    source = Path(tigertally.__file__).parent
    shutil.copytree(source, root / "tigertally", ignore=shutil.ignore_patterns("__pycache__", "_core*.so"))
    return root


@pytest.mark.parametrize(
    ("spoiled", "zh", "en"), [(False, "没有编译", "is not there"), (True, "不属于", "another version")]
)
def test_it_is_said(package: Path, tmp_path: Path, spoiled: bool, zh: str, en: str) -> None:  # noqa: FBT001 - a row
    for compiled in Path(tigertally.__file__).parent.glob("discovery/_core*.so"):
        core = package / "tigertally/discovery" / compiled.name
        core.unlink(missing_ok=True)
        if spoiled:
            core.write_bytes(b"of another time")
    (tmp_path / "note.txt").write_text(f"card {CARD}\n")
    for lang, words in (("zh", zh), ("en", en)):
        line = towns.arguments(None, ("discover", tmp_path / "note.txt"), lang=lang, as_json=False)
        answer = towns.process(line, cwd=tmp_path, extra={"PYTHONPATH": str(package)})
        assert answer.exit == 0, answer.err
        assert words in answer.err.replace("\n", ""), answer.err
        assert "1111" in answer.out


@pytest.mark.skipif(discovery.engine() != "c", reason="no compiled finder on this machine")
def test_nothing_is_said_where_it_is_there(tmp_path: Path) -> None:
    assert discovery.slowness() is None
    (tmp_path / "note.txt").write_text("nothing\n")
    line = towns.arguments(None, ("discover", tmp_path / "note.txt"), lang="zh", as_json=False)
    assert not has_chinese(towns.process(line, cwd=tmp_path).err)
