"""Killed while appending, with a disk that fails: what was confirmed is there, and fsck finds nothing."""

from __future__ import annotations

import random
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tigertally.ledger import Event, checkpoints, fsck, sql
from tigertally.store import open_store

from .ledger_writer import MADE, NOW, ledger_of

WRITER = Path(__file__).with_name("ledger_writer.py")


def run(url: str, key: str, how: str, *, stop_after: int, under: list[str]) -> tuple[list[int], int]:
    """Run the writer until it confirmed ``stop_after`` times or ended; return what it confirmed, and how it ended."""
    confirmed: list[int] = []
    command = [*under, sys.executable, str(WRITER), url, key, how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            confirmed.append(int(line))
            if len(confirmed) == stop_after:
                process.send_signal(signal.SIGKILL)
                break
        confirmed += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    return confirmed, process.returncode


def check(url: str, key: str, confirmed: list[int]) -> None:
    """Reopen: nothing confirmed is gone, nothing is broken, and appending goes on."""
    ledger = ledger_of(key)
    with open_store(url) as store:
        with store.reading() as tx:
            found = fsck.check(tx, ledger)
            size = sql.read_head(tx).size
        assert found.flaws == ()
        assert size > max(confirmed, default=-1)
        with store.transaction() as tx:
            assert ledger.append(tx, Event(kind=MADE, payload={"number": -1}), now=NOW) == size
            checkpoints.sign_head(tx, ledger, now=NOW)
        with store.reading() as tx:
            assert fsck.check(tx, ledger).clean


@pytest.mark.parametrize("how", ["batch", "grouped"])
def test_a_killed_writer_leaves_a_clean_ledger(store_url: str, how: str) -> None:
    key = secrets.token_hex(32)
    confirmed: list[int] = []
    for _ in range(2):
        more, code = run(store_url, key, how, stop_after=random.randrange(5, 25), under=[])
        assert code == -signal.SIGKILL
        assert set(more).isdisjoint(confirmed)
        confirmed += more
    check(store_url, key, confirmed)


@pytest.mark.parametrize(
    "fault",
    [
        "pwrite64:error=ENOSPC:when=60+",
        "pwrite64:error=EIO:when=150+7",
        "fdatasync:error=EIO:when=4+",
        "fdatasync:error=EIO:when=9+3",
        "pwrite64:signal=SIGKILL:when=333",
        "fdatasync:signal=SIGKILL:when=7",
    ],
)
def test_failing_system_calls_leave_a_clean_ledger(store_url: str, dialect: str, fault: str) -> None:
    if dialect != "sqlite":
        pytest.skip("the server's system calls are the server's")
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    call = fault.split(":", 1)[0]
    under = [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={fault}"]
    probe = subprocess.run([strace, "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True)
    if probe.returncode:
        pytest.skip("this machine does not let strace trace")
    key = secrets.token_hex(32)
    confirmed, code = run(store_url, key, "batch", stop_after=55, under=under)
    assert code in {3, -signal.SIGKILL, 128 + signal.SIGKILL}
    check(store_url, key, confirmed)
