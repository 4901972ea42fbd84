"""Work in a fresh process, watched from here: its time, its processor time and the memory of it and its helpers."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, TypeVar

from tigertally.base.errors import Problem

T = TypeVar("T")

_KIB = 1024
_SAMPLE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Generic[T]):
    """What some work gave, wall and processor seconds (helpers included), peak resident memory of the family."""

    result: T
    seconds: float
    cpu_seconds: float
    peak_mib: float


def apart(work: Callable[..., T], *args: object) -> Measured[T]:
    """Run ``work(*args)`` in a process of its own. A problem does not travel between processes: its code does."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        process = pool.submit(os.getpid).result()
        future = pool.submit(_told, work, *args)
        peak = 0.0
        while not future.done():
            peak = max(peak, _family_mib(process))
            time.sleep(_SAMPLE_S)
        done = future.result()
    if isinstance(done, Measured):
        return replace(done, peak_mib=max(peak, done.peak_mib))
    raise RuntimeError(done)


def here(work: Callable[..., T], *args: object) -> Measured[T]:
    """Run ``work(*args)`` in this process and measure it."""
    began, cpu_began = time.perf_counter(), _processor()
    result = work(*args)
    seconds, cpu_seconds = time.perf_counter() - began, _processor() - cpu_began
    return Measured(result=result, seconds=seconds, cpu_seconds=cpu_seconds, peak_mib=_peak_mib())


def _told(work: Callable[..., T], *args: object) -> Measured[T] | str:
    try:
        return here(work, *args)
    except Problem as problem:
        return problem.code


def _family_mib(process: int) -> float:
    """Return the memory of a process and its helpers together, shared pages once; 0 where that cannot be read."""
    total = 0.0
    waiting = [process]
    while waiting:
        home = Path("/proc") / str(waiting.pop())
        try:
            told = (home / "smaps_rollup").read_text(encoding="ascii").splitlines()
            waiting += [int(child) for task in (home / "task").iterdir() for child in _children(task)]
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in told if line.startswith("Pss:")) / _KIB
    return total


def _children(task: Path) -> list[str]:
    return (task / "children").read_text(encoding="ascii").split()


def _processor() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _peak_mib() -> float:
    """Return this process's own peak; ``ru_maxrss`` would hold the parent's, from before the exec, too."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (_KIB * (_KIB if sys.platform == "darwin" else 1))
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / _KIB
