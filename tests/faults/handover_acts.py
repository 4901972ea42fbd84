"""What a child process does until it is killed at its n-th step, or until the disk is full. Not a test itself."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.unit.handover.scene import Scene, destroy, open_scene

from tigertally.formats.certificate import Signer
from tigertally.handover.errors import DiskRefused

Step = Callable[[str], None]
FULL = 28


def act(home: Path, name: str, on_step: Step) -> None:
    """Do one of the three long acts in the scene at ``home``."""
    with open_scene(home) as scene:
        ACTS[name](scene, home, on_step)


def write(scene: Scene, home: Path, on_step: Step) -> None:
    """The seller's bundle."""
    del home
    scene.write(on_step)


def receive(scene: Scene, home: Path, on_step: Step) -> None:
    """The buyer's receiving."""
    del home
    scene.receive(on_step)


def destruction(scene: Scene, home: Path, on_step: Step) -> None:
    """The seller's destruction, as two persons approved it."""
    told = json.loads((home / "approved.json").read_text())
    signers = tuple(Signer(person=person, act=act, entry=entry) for person, act, entry in told["signers"])
    destroy(scene.seller, approved=told["digest"], signers=signers, on_step=on_step)


ACTS: dict[str, Callable[[Scene, Path, Step], None]] = {
    "write": write,
    "receive": receive,
    "destroy": destruction,
}


def killed_at(home: Path, name: str, step: int) -> None:
    """Do the act; the ``step``-th step is the last thing this process does."""
    seen = 0

    def die(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    act(home, name, die)


def disk_full(home: Path, bytes_max: int) -> None:
    """Write the bundle while no file may grow past ``bytes_max``; exit with ``FULL`` if that is what was said."""

    def shrink(step: str) -> None:
        if step == "bundle begun":
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, hard))

    try:
        act(home, "write", shrink)
    except DiskRefused as problem:
        sys.exit(FULL if problem.details == {"name": "part-00000.env", "reason": "EFBIG"} else 1)
