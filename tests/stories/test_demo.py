"""``tigertally demo``: the whole job as a newcomer sees it, twice, and never over somebody's own files."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest
from tests.leaks.search import WINDOW, Needles, files_below

from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.cli.base import run
from tigertally.testing.estate import build

CUSTOMERS = 300


def demo(out: Path, *, lang: str = "en") -> tuple[int, str, str]:
    """Play it small."""
    heard, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(wrong):
        code = run(["demo", "--out", str(out), "--customers", str(CUSTOMERS), "--lang", lang, "--json"])
    return code, heard.getvalue(), wrong.getvalue()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Json], str]:
    """The folder of a demo that was played."""
    out = tmp_path_factory.mktemp("demo") / "out"
    # As a demo before this one left it.
    (out / "seller").mkdir(parents=True)
    for name in (".tigertally-demo", "left-over.txt", "seller/tigertally.toml", "seller/root.key"):
        (out / name).write_text("from before")
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
    paste = "export TIGERTALLY_HOME=seller TIGERTALLY_UNLOCK_FILE=secrets/seller-root.txt"
    assert shown.count(paste) == 1 == (out / "report.html").read_text("utf-8").count(paste)
    assert shown.index(paste) < shown.index("$ tigertally")
    for firm in ("seller", "buyer"):
        assert run(["fsck", "--home", str(out / firm), "--unlock-file", str(out / "secrets" / f"{firm}-root.txt")]) == 0


def test_no_value_is_left_in_anything_it_wrote_or_said(
    played: tuple[Path, dict[str, Json], str], tmp_path: Path
) -> None:
    """The report, both installations, everything that was exchanged, plan, inventory, screen: searched for values."""
    out, told, shown = played
    truth = build(tmp_path, customers=CUSTOMERS)  # the same estate: it comes from a seed
    classes = (FieldClass.PAN, FieldClass.NATIONAL_ID, FieldClass.MOBILE, FieldClass.EMAIL, FieldClass.PASSWORD_HASH)
    values = {cls.value: truth.values(cls) for cls in classes}
    assert all(values.values())
    values["name"] = frozenset(name for name in truth.values(FieldClass.NAME) if len(name.encode()) > WINDOW)
    needles = Needles.of(values)
    files = files_below(out)
    assert {out / "report.html", out / "inventory.json", out / "plan.toml"} <= set(files)
    assert needles.search_tree(out) == set()
    assert needles.search(shown.encode(), "screen") | needles.search(json.dumps(told).encode(), "JSON") == set()
    card = min(truth.owners)
    assert {hit.label for hit in needles.search(f"<td>{card}</td>".encode(), "the report")} == {"pan"}


def test_the_folder_of_an_earlier_demo_was_emptied(played: tuple[Path, dict[str, Json], str]) -> None:
    out, _, _ = played
    assert not (out / "left-over.txt").exists()


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "out" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    for lang in ("zh", "en"):
        code, heard, wrong = demo(mine.parent, lang=lang)
        assert (code, heard) == (2, "")
        assert json.loads(wrong)["problem"]["code"] == "app.not_writable"
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]
