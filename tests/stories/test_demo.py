"""``tigertally demo``: the whole job as a newcomer sees it, twice, and never over somebody's own files."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest

from tigertally.base.canon import Json
from tigertally.cli.base import run


def demo(out: Path, *, lang: str = "en") -> tuple[int, str, str]:
    """Play it small."""
    heard, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(wrong):
        code = run(["demo", "--out", str(out), "--customers", "150", "--lang", lang, "--json"])
    return code, heard.getvalue(), wrong.getvalue()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Json], str]:
    """The folder of a demo that was played."""
    out = tmp_path_factory.mktemp("demo") / "out"
    code, heard, wrong = demo(out, lang="zh")
    assert code == 0, wrong[-2_000:]
    told = json.loads(heard)
    assert isinstance(told, dict)
    return out, told, wrong


def test_the_report_is_there(played: tuple[Path, dict[str, Json], str]) -> None:
    out, told, shown = played
    assert told["report"] == str(out / "report.html")
    page = (out / "report.html").read_text("utf-8")
    assert "云杉优选" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "十二、举证" in shown


def test_what_it_shows_is_what_happened(played: tuple[Path, dict[str, Json], str]) -> None:
    out, _, shown = played
    assert not (out / "estate").exists()
    assert not (out / "estate-protected").exists()
    assert {path.name for path in (out / "exchange").iterdir()} >= {"bundle", "receipt.json", "certificate-signed.json"}
    assert "受保护副本再扫描：卡号 0 个" in shown
    for firm in ("seller", "buyer"):
        assert run(["fsck", "--home", str(out / firm), "--unlock-file", str(out / "secrets" / f"{firm}-root.txt")]) == 0


def test_a_second_run_takes_the_same_folder_and_a_foreign_one_is_left_alone(
    played: tuple[Path, dict[str, Json], str],
) -> None:
    out, _, _ = played
    (out / "left-over.txt").write_text("from before")
    code, _, wrong = demo(out)
    assert code == 0, wrong[-2_000:]
    assert not (out / "left-over.txt").exists()
    assert "12. Evidence" in wrong
    (out / ".tigertally-demo").unlink()
    code, heard, wrong = demo(out)
    assert (code, heard) == (2, "")
    assert json.loads(wrong)["problem"]["code"] == "app.not_writable"
    assert (out / "report.html").exists()
