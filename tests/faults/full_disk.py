"""An act on a disk that is really full (ENOSPC): a small tmpfs in a mount namespace of one's own. Not a test itself.

Run as ``unshare -Ur -m python full_disk.py ROOT KEPT ACT ROOM OUTPUT``: mounts over ROOT, copies KEPT there, leaves
ROOM bytes free, does the act, then makes room and does it again. Prints what came of it as JSON; nothing of it outlives
the namespace.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.faults.job_acts import ACTS
from tests.faults.test_job import held

from tigertally.app import problems
from tigertally.base.errors import Problem

BLOCK = 4096


def main(root: Path, kept: Path, name: str, room: int, output: str) -> int:
    """Do the act in too little room, then in enough."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(root)], check=True)  # noqa: S607 - the system's
    shutil.copytree(kept, root, dirs_exist_ok=True)
    filler = root / "filler"
    with filler.open("wb", buffering=0) as file:
        while (space := os.statvfs(root)).f_bavail * space.f_frsize > room + BLOCK:
            file.write(bytes(BLOCK))
    firm = "buyer" if name == "receive" else "seller"
    code, exits = "", 0
    try:
        ACTS[name](root, lambda _: None)
    except Problem as problem:
        code, exits = problem.code, problems.look_of(problem).exit
    there = bool(output) and (root / output).exists()
    filler.unlink()
    before = held(root, firm)
    ACTS[name](root, lambda _: None)
    after = held(root, firm)
    print(json.dumps({"code": code, "exit": exits, "there": there, "before": before[0], "after": after[0]}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]))
