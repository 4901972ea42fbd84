"""A full disk, for real: the kernel says ENOSPC in a small file system, whatever was being written.

``test_job.py`` has the same with a limit on file size (EFBIG), which needs no rights; this one needs a user namespace.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.job_acts import ACTS
from tests.faults.test_job import sold_town, start
from tests.stories import town as towns
from tests.stories.town import Town

HERE = Path(__file__).parents[2]
SPACE = ["unshare", "-Ur", "-m"]
INVALID, UNAVAILABLE = 2, 6


def may_mount() -> bool:
    """Whether this machine lets a user mount a small file system of their own."""
    try:
        command = [*SPACE, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"]
        return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


pytestmark = pytest.mark.skipif(not may_mount(), reason="no user namespace with a tmpfs of one's own here")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town to set aside at each point where an act begins."""
    return start(tmp_path_factory.mktemp("disk") / "town")


@pytest.mark.parametrize(
    ("name", "room", "output"),
    [
        ("seal", 0, ""),
        ("seal", 200_000, ""),
        ("protect", 100_000, "protected"),
        ("bundle", 110_000, "bundle/manifest.json"),
        ("receive", 200_000, "receipt.json"),
    ],
)
def test_no_space_is_left(town: Town, name: str, room: int, output: str) -> None:
    """It is said in both languages (a code has both, tests/unit/base), nothing half is left, with room it goes on."""
    root = town.root
    if name in {"bundle", "receive"}:
        sold_town(town)
    else:
        towns.put_back(town, "fresh")
        towns.refresh(town)
    if name == "receive":
        ACTS["bundle"](root, lambda _: None)
        shutil.copytree(root / "bundle", root / "arrived")
    if name == "protect":
        ACTS["seal"](root, lambda _: None)
    kept = towns.keep(town, "full")
    words = [sys.executable, "-m", "tests.faults.full_disk", str(root), str(kept), name, str(room), output]
    done = subprocess.run(
        [*SPACE, *words],
        capture_output=True,
        check=False,
        cwd=HERE,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    told = json.loads(done.stdout)
    assert told["code"], told
    assert told["exit"] in {INVALID, UNAVAILABLE}, told
    assert not told["there"], told
    assert told["after"] > 100, told
