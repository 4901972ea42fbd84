"""Rates of discovery on three sorts of text, in three ways, beside peers that see the same files in the same run.

Sorts: *mixed* logs (a card in 25 lines, a mobile number in three), *dense* (every line a mobile number, an ID and a
card), *prose* (Chinese and English, hardly a digit). Ways: numbers with a check digit, counted with masked examples;
the same with a fingerprint of each distinct value; all text detectors. Files are warm. Rates are of processor time, so
that what else the machine does counts less; two workers are timed by the clock. Peers: a read of all bytes (the
limit), ``rg -c`` with an expression of candidates (checks nothing), and, if ``make peers`` has installed them,
presidio's card recogniser and panhunt on a part of the mixed text, for they take minutes on all of it.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.discovery import Confidence, Fingerprints, fingerprinting, scan, using
from tigertally.discovery.detectors import compiled
from tigertally.testing import numbers, people

_BYTES = 48_000_000
_PART_BYTES = 2_000_000
_REPEAT = 3
_CANDIDATES = r"(?:^|[^0-9])(?:[0-9][ -]?){12,18}[0-9](?:[^0-9]|$)"
_PEERS = Path("build/peers/bin/python")
_PRESIDIO = """
import sys, time
from presidio_analyzer.predefined_recognizers import CreditCardRecognizer
recogniser = CreditCardRecognizer()
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
begun = time.perf_counter()
found = sum(len(recogniser.analyze(line, ["CREDIT_CARD"])) for line in lines)
print(time.perf_counter() - begun, found)
"""
Row = dict[str, str | float]
Way = Callable[[], AbstractContextManager[object]]


def _numbers_only() -> AbstractContextManager[object]:
    return using(compiled([]))


class _Printed(AbstractContextManager[object]):
    """Numbers only, with fingerprints."""

    def __enter__(self) -> object:
        self._held = (_numbers_only(), fingerprinting(Fingerprints(SecretBytes(bytes(range(32))))))
        return [one.__enter__() for one in self._held]

    def __exit__(self, *_: object) -> None:
        for one in self._held:
            one.__exit__(None, None, None)


_WAYS: dict[str, Way] = {"numbers": _numbers_only, "numbers, fingerprints": _Printed, "all detectors": nullcontext}


def rows() -> list[Row]:
    """Return the rows of this bench."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        cards = _corpora(root, np.random.default_rng(11))
        return list(_rows(root, cards))


def _rows(root: Path, cards: dict[str, int]) -> Iterator[Row]:
    for sort in ("mixed", "dense", "prose"):
        path = root / f"{sort}.txt"
        size = path.stat().st_size
        read = size / _best(lambda path=path: _read(path)) / 1e6  # type: ignore[misc]
        for name, way in _WAYS.items():
            with way():
                spent = _best(lambda path=path: scan(path, clock=SystemClock()))  # type: ignore[misc]
                found = _cards(path)
            assert abs(found - cards[sort]) <= 0.002 * cards[sort], (sort, name, found, cards[sort])
            yield _row(f"discover {sort}: {name}", size / spent / 1e6, "read all bytes", read)
        if rg := shutil.which("rg"):
            spent = _best(lambda path=path: _run(rg, "-c", _CANDIDATES, str(path)), repeat=1)  # type: ignore[misc]
            yield _row(f"discover {sort}: all detectors, against rg -c", _last, "rg -c, candidates", size / spent / 1e6)
    yield from _two(root)
    yield from _peers(root)


_last = 0.0


def _two(root: Path) -> Iterator[Row]:
    paths = [root / "mixed.txt", root / "mixed2.txt"]
    shutil.copyfile(*paths)
    size = paths[0].stat().st_size
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_cards, [root / "prose.txt"] * 4))  # both are up and warm
        one = _best(lambda: list(pool.map(_cards, paths[:1])), clock=time.perf_counter)
        two = _best(lambda: list(pool.map(_cards, paths)), clock=time.perf_counter)
    yield _row("discover mixed: two workers", 2 * size / two / 1e6, "one worker", size / one / 1e6)


def _peers(root: Path) -> Iterator[Row]:
    part = root / "part.txt"
    text = (root / "mixed.txt").read_bytes()[:_PART_BYTES]
    part.write_bytes(text[: text.rfind(b"\n") + 1])
    size = part.stat().st_size
    ours = size / _best(lambda: scan(part, clock=SystemClock())) / 1e6
    if not _PEERS.exists():
        return
    spent = float(_run(str(_PEERS), "-c", _PRESIDIO, str(part)).split()[0])
    yield _row("discover 2 MB of mixed: all detectors", ours, "presidio, cards alone", size / spent / 1e6)
    folder = root / "part"
    folder.mkdir()
    shutil.copyfile(part, folder / "part.txt")
    panhunt = (str(_PEERS.absolute()), "-m", "panhunt", "-s", str(folder), "-o", str(root / "found.txt"))
    spent = _best(lambda: _run(*panhunt, cwd=root), repeat=1)  # it writes a log where it is run
    yield _row("discover 2 MB of mixed: all detectors", ours, "panhunt, with its start", size / spent / 1e6)


def _run(*command: str, cwd: Path | None = None) -> str:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False).stdout  # noqa: S603 - named above


def _cards(path: Path) -> int:
    found = scan(path, clock=SystemClock()).findings
    return sum(one.count for one in found if one.field is FieldClass.PAN and one.tier is not Confidence.POSSIBLE)


def _row(name: str, value: float, peer: str, peer_value: float) -> Row:
    global _last  # noqa: PLW0603 - the row before, for a peer of the same text
    _last = value
    return {
        "name": name,
        "value": round(value, 1),
        "unit": "MB/s",
        "peer": peer,
        "peer_value": round(peer_value, 1),
        "ratio": round(value / peer_value, 3),
    }


def _best(work: Callable[[], object], *, repeat: int = _REPEAT, clock: Callable[[], float] | None = None) -> float:
    times = []
    clock = clock or _spent
    for _ in range(repeat):
        begun = clock()
        work()
        times.append(clock() - begun)
    return max(min(times), 1e-6)


def _spent() -> float:
    """Return the processor time of this process and of those it has waited for."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _read(path: Path) -> int:
    total = 0
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(1 << 20):
            total += len(chunk)
    return total


def _corpora(root: Path, rng: np.random.Generator) -> dict[str, int]:
    """Write the three texts; return how many cards are in each."""
    lines = _BYTES // 155
    cards, orders = numbers.card_numbers(rng, lines // 25 + 1), numbers.order_numbers(rng, ["20240716"] * lines)
    mobiles = numbers.mobiles(rng, lines // 3 + 1)
    (root / "mixed.txt").write_text("".join(_log(index, orders, cards, mobiles) for index in range(lines)))
    count = _BYTES // 90
    folk = people.invent(rng, 50_000)
    all_cards = numbers.card_numbers(rng, count)
    (root / "dense.txt").write_text(
        "".join(
            f"{folk.mobile[index % 50_000]} {folk.national_id[index % 50_000]} {card} paid {index % 977}.00 yuan\n"
            for index, card in enumerate(all_cards)
        )
    )
    prose = (
        "本公司重视客户信息的保护，任何人不得泄露。合同双方应当在约定的期限内履行各自的义务，不得无故拖延。"
        "The goods were to be delivered in the course of the following month, subject to the usual terms of"
        " carriage and insurance.\n"
    )
    (root / "prose.txt").write_text(prose * (_BYTES // len(prose.encode())))
    return {"mixed": -(-lines // 25), "dense": count, "prose": 0}


def _log(index: int, orders: list[str], cards: list[str], mobiles: list[str]) -> str:
    card = f" card={cards[index // 25]}" if index % 25 == 0 else ""
    mobile = f" mobile={mobiles[index // 3]}" if index % 3 == 0 else ""
    return (
        f"2024-07-16 08:00:{index % 60:02d}.{index % 1000:03d} INFO [http-nio-8080-exec-{index % 16}] c.y.pay.Gateway -"
        f" order={orders[index]} status=PAID{card}{mobile} cost={index % 900}ms"
        f" trace={index * 2_654_435_761 % 2**32:08x}{index * 40_503 % 2**32:08x} result=OK\n"
    )
