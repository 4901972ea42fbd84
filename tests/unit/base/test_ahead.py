"""Working ahead in another process: order, ends, problems, and what happens when either process goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tigertally.base.ahead import Ahead, HelperGone, spread
from tigertally.base.errors import Invalid
from tigertally.base.text import Text

MEBI = 1 << 20


class Odd(Invalid):
    """A problem with more than its details."""

    code = "test.odd"

    def __init__(self, *, name: str, why: Text) -> None:
        super().__init__(name=name)
        self.why = why


def alive(process: int) -> bool:
    """Return whether a process is there and not merely waiting to be collected."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:  # noqa: PTH123 - not a path of ours
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_items_come_in_order_from_another_process() -> None:
    def source() -> Iterator[tuple[int, int, bytes]]:
        for at in range(100):
            yield at, os.getpid(), bytes(at * 1000)

    with Ahead(source) as items:
        got = list(items)
    assert [(at, len(body)) for at, _, body in got] == [(at, at * 1000) for at in range(100)]
    assert {process for _, process, _ in got}.isdisjoint({os.getpid()})


def test_a_source_without_items_ends() -> None:
    with Ahead(lambda: iter(())) as items:
        assert list(items) == []


def test_a_problem_comes_as_itself_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise Odd(name="x", why=Text("因为", "because"))

    seen: list[int] = []
    with Ahead(source) as items, pytest.raises(Odd) as raised:
        seen.extend(items)
    assert seen == [1, 2]
    assert raised.value.details == {"name": "x"}
    assert raised.value.why == Text("因为", "because")


def test_anything_else_comes_by_its_name_without_its_text() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("4111111111111111")

    with Ahead(source) as items, pytest.raises(RuntimeError) as raised:
        list(items)
    assert str(raised.value) == "ValueError"


def test_one_item_waits_and_no_second() -> None:
    made, say = os.pipe()

    def source() -> Iterator[bytes]:
        for at in range(9):
            os.write(say, bytes([at]))
            yield bytes(MEBI)

    with Ahead(source) as items:
        each = iter(items)
        next(each)
        time.sleep(0.1)
        os.set_blocking(made, False)
        assert len(os.read(made, 9)) <= 3  # taken, waiting, and at most one that is being made
    os.close(made)
    os.close(say)


def test_a_helper_that_is_killed_is_no_end() -> None:
    def source() -> Iterator[int]:
        yield os.getpid()
        time.sleep(60)

    with Ahead(source) as items:
        each = iter(items)
        os.kill(next(each), signal.SIGKILL)
        with pytest.raises(HelperGone):
            next(each)


def test_a_helper_does_not_outlive_its_consumer() -> None:
    def source() -> Iterator[int]:
        while True:
            yield os.getpid()

    with Ahead(source) as items:
        helper = next(iter(items))
        assert alive(helper)
    assert not alive(helper)


def test_nor_the_process_of_its_consumer() -> None:
    code = (
        "import os, signal\n"
        "from tigertally.base.ahead import Ahead\n"
        "def source():\n"
        "    while True: yield os.getpid()\n"
        "with Ahead(source) as items:\n"
        "    print(next(iter(items)), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    helper = int(ended.stdout)
    for _ in range(100):
        if not alive(helper):
            return
        time.sleep(0.05)
    raise AssertionError("the helper goes on")


def test_work_is_spread_and_its_results_stay_in_order() -> None:
    def work(at: int) -> tuple[int, int]:
        time.sleep(0.01 * (at % 3))
        return at, os.getpid()

    taken: list[int] = []

    def inputs() -> Iterator[int]:
        for at in range(9):
            taken.append(at)
            yield at

    done = spread(work, inputs(), helpers=3)
    assert next(done)[0] == 0
    assert len(taken) == 3
    rest = list(done)
    assert [at for at, _ in rest] == list(range(1, 9))
    assert len({process for _, process in rest}) == 8


def test_a_problem_in_spread_work_comes_in_its_place_and_ends_the_others(tmp_path: Path) -> None:
    def work(at: int) -> int:
        (tmp_path / str(at)).write_text(str(os.getpid()))
        if at == 2:
            raise Odd(name=str(at), why=Text("因为", "because"))
        time.sleep(0.02 if at < 2 else 60)
        return at

    seen: list[int] = []
    with pytest.raises(Odd):
        seen.extend(spread(work, range(9)))
    assert seen == [0, 1]
    assert not any(alive(int(path.read_text() or 0)) for path in tmp_path.iterdir())


def test_helpers_ask_their_consumer() -> None:
    asked: list[tuple[int, int]] = []

    def answer(question: tuple[int, int]) -> int:
        asked.append(question)
        return question[0] * question[1]

    def work(at: int, ask: Callable[[object], object]) -> list[object]:
        return [ask((at, by)) for by in range(3)]

    assert list(spread(work, range(5), answer=answer)) == [[0, at, 2 * at] for at in range(5)]
    assert sorted(asked) == [(at, by) for at in range(5) for by in range(3)]


def test_a_slow_one_does_not_hold_the_others_up(tmp_path: Path) -> None:
    last = tmp_path / "last"

    def work(at: int) -> int:
        if at == 5:
            last.touch()
        for _ in range(600 if at == 0 else 0):
            if last.exists():
                return at
            time.sleep(0.05)
        return at or -1

    assert list(spread(work, range(6))) == list(range(6))
