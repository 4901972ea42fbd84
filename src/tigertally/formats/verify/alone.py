"""The verifier's own command line, for the single file that people run without an installation of the product.

Needs Python 3.11 and the ``cryptography`` package; ``pyarrow`` only to look into bundles. Same checks and exit codes as
``tigertally verify``: 0 all that is required holds (the last line says what could not be checked), 3 something required
is unknown, 7 something fails, 2 there is nothing to verify.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from tigertally import __version__
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.text import Lang, Text
from tigertally.formats.verify import NUMBERS, Outcome, Report, read_trust, verify_path

_MARKS: Final = {Outcome.HOLDS: "✓", Outcome.FAILS: "✗", Outcome.UNKNOWN: "?"}
_ABOUT: Final = Text(
    "离线验证移交包、回执、证书、检查点、证明、导出的台账",
    "Verify offline: bundle, receipt, certificate, checkpoint, proof, exported ledger",
)
_TRUST: Final = Text(
    "信任的组织名片、留存的 *.checkpoint、见证策略 *.policy（文件或文件夹，可多次）",
    "party cards to trust, kept *.checkpoint files, *.policy files (file or folder; repeatable)",
)


def run(arguments: Sequence[str], *, out: TextIO, err: TextIO, now: datetime) -> int:
    """Verify what ``arguments`` name; return the exit code."""
    before = argparse.ArgumentParser(add_help=False)
    before.add_argument("--lang", default="zh")
    lang = Lang.EN if before.parse_known_args(list(arguments))[0].lang == "en" else Lang.ZH
    parser = argparse.ArgumentParser(prog="verify.pyz", description=_ABOUT.render(lang))
    parser.add_argument("path", type=Path)
    parser.add_argument("--trust", type=Path, action="append", default=[], help=_TRUST.render(lang))
    parser.add_argument("--lang", choices=["zh", "en"], default="zh")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--version", action="version", version=__version__)
    given = parser.parse_args(list(arguments))
    lang = Lang(given.lang)
    try:
        report = verify_path(given.path, read_trust(given.trust), now=now)
    except Problem as problem:
        err.write(f"{problem.say(lang)}  [{problem.code}]\n")
        return 2
    out.write((_json(report, lang, given.path) if given.json else _lines(report, lang)) + "\n")
    if report.ok:
        return 0
    return 7 if any(check.outcome is Outcome.FAILS for check in report.checks) else 3


def _lines(report: Report, lang: Lang) -> str:
    lines = []
    for check in report.checks:
        detail = "" if check.detail is None else "  " + check.detail.render(lang)
        lines.append(f"{_MARKS[check.outcome]} {check.step}. {check.name.render(lang)}{detail}")
    return "\n".join([*lines, f"({NUMBERS.render(lang)})", report.verdict().render(lang)])


def _json(report: Report, lang: Lang, path: Path) -> str:
    checks: list[Json] = [
        {
            "step": check.step,
            "check": check.name.render(lang),
            "outcome": check.outcome.value,
            "detail": "" if check.detail is None else check.detail.render(lang),
        }
        for check in report.checks
    ]
    told: dict[str, Json] = {
        "path": str(path),
        "ok": report.ok,
        "verdict": report.verdict().render(lang),
        "unchecked": len(report.unchecked),
        "checks": checks,
    }
    return json.dumps(told, ensure_ascii=False, indent=2)


def main() -> None:
    """Entry point of the single file."""
    sys.exit(run(sys.argv[1:], out=sys.stdout, err=sys.stderr, now=datetime.now(UTC)))
