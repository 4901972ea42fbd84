"""Scans that go on where they were, take over what has not changed, and say what has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tigertally.base.clock import SystemClock
from tigertally.discovery import Inventory, NoJournal, Status, compare, scan

CARD = "4111111111111111"
OTHER = "5555555555554444"


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    root = tmp_path / "estate"
    root.mkdir()
    for index in range(5):
        (root / f"{index}.csv").write_text("id,卡号\n" + f"1,{CARD}\n" * (index + 1))
    (root / "plain.txt").write_text("nothing here")
    return root


def again(root: Path, since: Inventory | None, read: list[str], journal: Path | None = None) -> Inventory:
    """Scan, and note which objects were read."""
    found = scan(root, clock=SystemClock(), since=since, journal=journal)
    old = {} if since is None else {one.path: one for one in since.objects}
    read += [one.path for one in found.objects if old.get(one.path) is not one]
    return found


def test_only_what_changed_is_read_again(estate: Path) -> None:
    first = scan(estate, clock=SystemClock())
    assert all(one.stamp is not None and len(one.stamp) == 32 for one in first.objects)
    assert len({one.stamp for one in first.objects}) == len(first.objects)
    (estate / "1.csv").write_text("id,卡号\n" + f"1,{OTHER}\n" * 2)
    (estate / "new.txt").write_text(f"卡号：{CARD}")
    (estate / "0.csv").unlink()
    read: list[str] = []
    second = again(estate, first, read)
    assert read == ["1.csv", "new.txt"]
    fresh = scan(estate, clock=SystemClock())
    assert second.findings == fresh.findings
    assert [one.path for one in second.objects] == [one.path for one in fresh.objects]
    assert second.totals == fresh.totals


def test_a_file_that_took_anothers_place_is_read(estate: Path) -> None:
    first = scan(estate, clock=SystemClock())
    info = (estate / "1.csv").stat()
    copy = estate.parent / "copy"
    copy.write_text("id,卡号\n" + f"1,{OTHER}\n" * 2)
    os.utime(copy, ns=(info.st_atime_ns, info.st_mtime_ns))
    copy.replace(estate / "1.csv")
    read: list[str] = []
    again(estate, first, read)
    assert read == ["1.csv"]


def test_an_inventory_of_other_rules_is_not_used(estate: Path) -> None:
    first = scan(estate, clock=SystemClock())
    read: list[str] = []
    again(
        estate, Inventory(**{**{name: getattr(first, name) for name in Inventory.__slots__}, "ruleset": "2025.9"}), read
    )
    assert len(read) == 6


def test_a_killed_scan_goes_on_where_it_was(tmp_path: Path) -> None:
    root = tmp_path / "estate"
    root.mkdir()
    for index in range(300):
        (root / f"{index:03d}.csv").write_text("id,卡号\n" + f"1,{CARD}\n" * 3_000)
    notes = tmp_path / "i.partial"
    code = (
        "from pathlib import Path; from tigertally.discovery import scan;"
        "from tigertally.base.clock import SystemClock;"
        f"scan(Path({str(root)!r}), clock=SystemClock(), journal=Path({str(notes)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    while not notes.exists() or notes.read_text().count("\n") < 40:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert notes.stat().st_mode & 0o777 == 0o600
    with notes.open("a") as file:
        file.write('{"objects": [{"path": "half')
    done = notes.read_text().count("\n") - 1  # the header
    assert CARD not in notes.read_text()
    noted = [json.loads(line)["objects"][0] for line in notes.read_text().splitlines()[1:-1]]
    found = scan(root, clock=SystemClock(), journal=notes)
    whole = scan(root, clock=SystemClock())
    assert not notes.exists()
    assert 0 < done < 300
    assert [round(one.seconds * 1e6) for one in found.objects[:done]] == [one["micros"] for one in noted]
    assert [one.path for one in found.objects] == [one.path for one in whole.objects]
    assert found.findings == whole.findings


def test_a_journal_of_another_place_is_not_used_and_one_that_cannot_be_written_is_said(
    estate: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.write_text('{"format":"tigertally-scan-journal-v1","root":"elsewhere","ruleset":"2026.2"}\n{"x":1}\n')
    assert len(scan(estate, clock=SystemClock(), journal=notes).objects) == 6
    with pytest.raises(NoJournal):
        scan(estate, clock=SystemClock(), journal=tmp_path / "no" / "notes")


def test_what_is_new_gone_changed_and_moved(estate: Path) -> None:
    first = scan(estate, clock=SystemClock())
    (estate / "0.csv").unlink()
    (estate / "1.csv").write_text("id,卡号\n" + f"1,{CARD}\n" * 7)
    (estate / "2.csv").rename(estate / "renamed.csv")
    (estate / "new.log").write_text(f"卡号：{OTHER}\n")
    (estate / "4.csv").write_bytes(b"\x1f\x8b cut")
    changes = compare(first, scan(estate, clock=SystemClock()))
    assert [one.object for one in changes.new] == ["new.log"]
    assert [one.object for one in changes.gone] == ["0.csv"]
    assert [(old.object, old.count, new.count) for old, new in changes.changed] == [("1.csv", 2, 7)]
    assert changes.moved == (("2.csv", "renamed.csv"),)
    assert [one.object for one in changes.unseen] == ["4.csv"]
    same = scan(estate, clock=SystemClock())
    nothing = compare(same, same)
    assert not any((nothing.new, nothing.gone, nothing.changed, nothing.moved, nothing.unseen))


def test_failed_objects_are_tried_again(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut")
    first = scan(tmp_path, clock=SystemClock())
    assert (first.objects[0].status, first.objects[0].stamp) == (Status.FAILED, None)
    read: list[str] = []
    again(tmp_path, first, read)
    assert read == ["a.xls"]
