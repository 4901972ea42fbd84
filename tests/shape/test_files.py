"""What no file of the project may hold, and how long one may be."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_MAX = 450
# Longer ones, with the date and the reason. The list may only shrink.
LONG = {
    "src/tigertally/access/policy.py": 480,  # 2026-11: one table, a rule for every action
    "src/tigertally/vault/sql.py": 500,  # 2026-11: five tables; keys could have a room of their own
    "src/tigertally/vault/errors.py": 500,  # 2026-11: one flaw, one class, all of one wing
    "src/tigertally/handover/errors.py": 480,  # 2026-11: one flaw, one class, all of one wing
    "src/tigertally/handover/destruction.py": 480,  # 2026-11: seven steps in one order; certifying could move out
    "tests/unit/handover/test_destruction.py": 480,  # 2026-11: the same steps
    "tests/unit/sealing/test_protect.py": 600,  # 2026-11: one estate, many ways to leak
}

# A machine's own places and the addresses of package indexes. Written in pieces so as not to find themselves.
MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w.])/" + r"(?:work|root|opt)/",
            r"/home/" + r"\w+/",
            r"/tmp" + r"/\w",
            r"pypi" + r"\.(?:org|python)|python" + r"hosted\.org",
            r"--(?:extra-)?index" + r"-url|PIP_INDEX" + r"_URL",
        ]
    )
)
PATCHES = re.compile(r"""(?:patch|setattr)\(\s*["']tiger""" + r"tally|patch" + r"\.object\(")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def tracked() -> list[Path]:
    """Every file that is, or is about to be, part of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - the user's own git
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts(suffixes: set[str]) -> dict[str, str]:
    """The text of every file with one of these suffixes, by its path in the project."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8", "replace")
        for path in tracked()
        if path.suffix in suffixes
    }


def test_the_patterns_find_what_they_are_for() -> None:
    for text in ("see /" + "work/main", "'/ro" + "ot/.cache'", "http://py" + "pi.org/simple", "/ho" + "me/me/x"):
        assert MACHINE.search(text), text
    for text in ("src/wo" + "rk/x", "https://example.org/wo" + "rk/x", "patchwork"):
        assert not MACHINE.search(text), text
    assert PATCHES.search('mock.patch("tiger' + 'tally.vault")')


def test_no_machine_paths_or_registry_hosts() -> None:
    found = [
        f"{name}:{number}"
        for name, text in texts({".py", ".md", ".toml", ".txt", ".c", ".cfg", ".yml", ".yaml", ".json", ""}).items()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert found == []


def test_our_own_modules_are_not_patched() -> None:
    assert [name for name, text in texts({".py"}).items() if name.startswith("tests/") and PATCHES.search(text)] == []


def test_nobody_prints_from_below_the_faces() -> None:
    printing = [
        name
        for name, text in texts({".py"}).items()
        if name.startswith("src/")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "breakpoint"}
    ]
    assert printing == []


def test_rooms_have_a_docstring_and_are_not_too_long() -> None:
    files = {name: text for name, text in texts({".py"}).items() if not name.startswith("src/tigertally/data/")}
    assert [name for name, text in files.items() if text.count("\n") > LONG.get(name, LINES_MAX)] == []
    rooms = {name: text for name, text in files.items() if name.startswith("src/")}
    silent = [name for name, text in rooms.items() if not ast.get_docstring(ast.parse(text))]
    assert silent == []


def test_there_is_no_drawer() -> None:
    drawers = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert [path for path in tracked() if path.name in drawers] == []


def test_links_in_the_docs_lead_somewhere() -> None:
    broken = []
    for name, text in texts({".md"}).items():
        for target in LINK.findall(text):
            if target.startswith(("http://", "https://", "mailto:", "#")):
                continue
            if not (ROOT / name).parent.joinpath(target.split("#")[0]).exists():
                broken.append(f"{name}: {target}")
    assert broken == []


def test_python_files_are_where_the_house_says() -> None:
    tests = {"unit", "laws", "vectors", "contract", "stories", "faults", "leaks", "shape"}
    strangers = [
        name
        for name in texts({".py"})
        if name.startswith("tests/") and name != "tests/conftest.py" and name.split("/")[1] not in tests
    ]
    if strangers:
        pytest.fail(f"no such folder of tests in HOUSE §6: {strangers}")
