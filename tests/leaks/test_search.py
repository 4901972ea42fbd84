"""Negative controls: the search finds a planted value in every form and in every kind of place.

A leak test that finds nothing is worth what its search is worth.
"""

from __future__ import annotations

import base64
import gzip
import io
import random
import re
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from tests.leaks.search import Needles
from tests.leaks.unpacked import unpacked

CARD = "6225760012345678903"
SHORT_CARD = "4111111111111111"
NAME = "欧阳虚构"
MAIL = "invented.person@mail.example"
NEEDLES = Needles.of({"card": [CARD, SHORT_CARD], "name": [NAME], "mail": [MAIL]})


def labels(data: bytes) -> set[str]:
    return {hit.label for hit in NEEDLES.search(data, "here")}


@pytest.mark.parametrize("lead", [b"", b"x", b"xy", b"a longer beginning, "])
@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("gb18030"),
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
    ],
)
@pytest.mark.parametrize(("label", "value"), [("card", CARD), ("name", NAME), ("mail", MAIL)])
def test_every_form_is_found_wherever_it_stands(label: str, value: str, spell: object, lead: bytes) -> None:
    assert callable(spell)
    assert labels(lead + spell(value) + b" and an end") == {label}


@pytest.mark.parametrize(("label", "value"), [("card", CARD), ("name", NAME), ("mail", MAIL)])
@pytest.mark.parametrize("lead", [b"", b"1", b"12", b"123", b"\xff\xfe\xfd"])
@pytest.mark.parametrize("tail", [b"", b"7", b"\xff\xff"])
def test_base64_at_any_alignment(label: str, value: str, lead: bytes, tail: bytes) -> None:
    whole = lead + value.encode() + tail
    assert labels(b"x=" + base64.b64encode(whole)) == {label}
    assert labels(base64.urlsafe_b64encode(whole)) == {label}


@pytest.mark.parametrize("between", [" ", "-", ".", "\n", "_", " - ", "\x00"])
def test_separators_do_not_hide_digits(between: str) -> None:
    assert labels(between.join(CARD[at : at + 4] for at in range(0, len(CARD), 4)).encode()) == {"card"}
    assert labels(between.join(CARD).encode()) == {"card"}


def test_escapes_are_read() -> None:
    assert labels(b'{"n": "\\u6b27\\u9633\\u865a\\u6784"}') == {"name"}
    assert labels(b"?n=%E6%AC%A7%E9%98%B3%E8%99%9A%E6%9E%84") == {"name"}


def test_a_value_across_the_border_of_two_chunks() -> None:
    for border in (1 << 22, 2 << 22):
        for before in (1, 7, 8, 15):
            data = b"a" * (border - before) + SHORT_CARD.encode() + b"b" * 50
            assert labels(data) == {"card"}


def test_nothing_is_found_where_nothing_is() -> None:
    noise = bytes(range(256)) * 4000 + b"4111111111111112 6225760012345678900"
    assert labels(noise) == set()
    assert labels(b"") == labels(b"411") == set()


def test_values_in_a_database_its_log_and_its_integers(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (a, b)")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("INSERT INTO t VALUES (?, ?)", [int(SHORT_CARD), NAME])
        database.commit()
        hits = NEEDLES.search_tree(tmp_path)
    places = {(hit.label, Path(hit.place).name) for hit in hits}
    assert ("card", "some.db-wal") in places
    assert ("name", "some.db-wal") in places


def test_values_in_archives_within_archives_and_in_names(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", MAIL)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.zip", inner.getvalue())
    (tmp_path / "log.gz").write_bytes(gzip.compress(CARD.encode() * 3))
    (tmp_path / f"{NAME}.txt").write_text("nothing inside")
    hits = NEEDLES.search_tree(tmp_path)
    found = {(hit.label, Path(re.split("!| \\(", hit.place)[0]).name) for hit in hits}
    assert found == {("mail", "outer.zip"), ("card", "log.gz"), ("name", f"{NAME}.txt")}
    kept = NEEDLES.search_tree(tmp_path, except_for=[tmp_path / "log.gz"])
    assert {hit.label for hit in kept} == {"mail", "name"}


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_values_in_what_is_left_of_an_archive(packing: int) -> None:
    """Cut anywhere behind the value, or with its list of members overwritten, it gives the value away."""
    noise = base64.b64encode(random.Random(1).randbytes(60_000))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packing) as archive:
        archive.writestr("first.txt", noise[:20_000])
        archive.writestr("second.txt", NAME.encode() + noise[20_000:])
        archive.writestr("third.gz", gzip.compress(CARD.encode() + noise[:9_000]))
    whole = made.getvalue()
    cuts = range(whole.rindex(b"third.gz"), 0, -4_001)  # the name stands once more in the list at the end
    found = [{hit.label for _, inner in unpacked(whole[:cut]) for hit in NEEDLES.search(inner, "")} for cut in cuts]
    assert found[0] == {"name", "card"}
    assert {"name"} in found
    assert found[-1] == set()
    packed = gzip.compress(noise[:5_000] + CARD.encode() + noise)
    ((_, rest),) = unpacked(packed[: len(packed) // 2])
    assert labels(rest) == {"card"}
    assert [inner for _, inner in unpacked(packed[:12])] == [b""]
