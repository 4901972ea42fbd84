"""Speed of discovery on a generated corpus, against reading the same bytes and against Python's ``re``.

The corpus is what companies have: gateway logs with leaked cards and order numbers, a CSV in GB18030, JSON
lines, prose. Files are warm (each is read once before the clock runs). The peers see the same files in the
same run: a read of all bytes is the limit of any scan; ``re`` finding digit runs is what a script would do,
without checking one of them.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.run import Row, rate
from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass
from tigertally.discovery import Confidence, engine, find_spans, scan
from tigertally.testing import numbers, people

_LINES = 120_000
_REPEAT = 3
_RUNS = re.compile(rb"\d{13,19}")
Rng = np.random.Generator


def rows() -> list[Row]:
    """Return the rows of this bench."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        truth = _corpus(root, np.random.default_rng(3))
        return list(_rows(root, truth))


def _rows(root: Path, truth: int) -> Iterator[Row]:
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    _read(root)
    read = _best(lambda: _read(root))
    search = _best(lambda: _search(root), repeat=1)
    found = scan(root, clock=SystemClock())
    cards = sum(
        one.count for one in found.findings if one.field is FieldClass.PAN and one.tier is not Confidence.POSSIBLE
    )
    assert truth <= cards <= truth * 1.01, (truth, cards)
    spent = _best(lambda: scan(root, clock=SystemClock()))
    yield rate(f"discover mixed corpus ({engine()})", size / spent / 1e6, "re findall, no check", size / search / 1e6)
    yield rate("discover mixed corpus", size / spent / 1e6, "read all bytes", size / read / 1e6)
    for name in sorted(path.name for path in root.iterdir()):
        bytes_ = (root / name).stat().st_size
        one = _best(lambda name=name: scan(root / name, clock=SystemClock()))  # type: ignore[misc]
        yield rate(f"discover {name}", bytes_ / one / 1e6, "discover mixed corpus", size / spent / 1e6)
    log = (root / "gateway.log").read_bytes()
    yield rate(
        "find_spans log", len(log) / _best(lambda: len(find_spans(log))) / 1e6, "read all bytes", size / read / 1e6
    )


def _best(work: Callable[[], object], repeat: int = _REPEAT) -> float:
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def _read(root: Path) -> int:
    total = 0
    for path in root.iterdir():
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                total += len(chunk)
    return total


def _search(root: Path) -> int:
    return sum(len(_RUNS.findall(path.read_bytes())) for path in root.iterdir())


def _corpus(root: Path, rng: Rng) -> int:
    """Write the corpus; return how many cards are in it."""
    leaked = numbers.card_numbers(rng, _LINES // 10)
    orders = numbers.order_numbers(rng, ["20240716"] * _LINES)
    mobiles = numbers.mobiles(rng, _LINES)
    lines = []
    for index, (order, mobile) in enumerate(zip(orders, mobiles, strict=True)):
        card = f" card={leaked[index // 10]} cvv=123" if index % 10 == 0 else ""
        lines.append(
            f"2024-07-16 08:00:{index % 60:02d}.{index % 1000:03d} INFO [worker-{index % 16}] c.y.pay.Gateway -"
            f" order={order} ts={1_721_000_000_000 + index} mobile={mobile}{card} cost={index % 900}ms result=OK"
        )
    (root / "gateway.log").write_text("\n".join(lines) + "\n")
    count = _LINES // 4
    invented = people.invent(rng, count)
    cards = numbers.card_numbers(rng, count)
    table = zip(invented.customer_no, invented.name, invented.national_id, invented.mobile, cards, orders, strict=False)
    text = "客户编号,姓名,身份证号,手机号,卡号,订单号,备注\r\n" + "".join(
        ",".join(row) + ",正常客户\r\n" for row in table
    )
    (root / "customers.csv").write_bytes(text.encode("gb18030"))
    records = zip(invented.customer_no, cards, orders, strict=False)
    (root / "bindings.jsonl").write_text(
        "".join(json.dumps({"no": no, "card": {"pan": card}, "order": order}) + "\n" for no, card, order in records)
    )
    prose = "本公司重视客户信息的保护，任何人不得泄露。The quick brown fox jumps over the lazy dog, again and again.\n"
    (root / "prose.txt").write_text(prose * (_LINES * 2))
    return len(leaked) + 2 * count
