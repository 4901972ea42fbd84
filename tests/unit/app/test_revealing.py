"""The file of many clear values: its owner's alone, whole or not there, never over another; and the list it is for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tigertally.app.errors import NotReadable
from tigertally.app.verbs.revealing import _listed, _new_file


@pytest.fixture(params=["unnamed", "partial"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system with files that have no name, and one without."""
    if request.param == "partial":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)


@pytest.mark.usefixtures("way")
def test_a_whole_file_is_its_owners_alone(tmp_path: Path) -> None:
    out = tmp_path / "values.csv"
    with _new_file(out) as file:
        assert not out.exists()
        file.write("a\n")
    assert out.read_text() == "a\n"
    assert out.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.usefixtures("way")
def test_nothing_is_left_of_half_a_file_and_no_file_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "values.csv"
    with pytest.raises(KeyError), _new_file(out) as file:
        file.write("a\n")
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    out.write_text("mine")
    with pytest.raises(FileExistsError), _new_file(out) as file:
        file.write("a\n")
    assert out.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [out]


def test_a_list_has_a_heading_or_none(tmp_path: Path) -> None:
    source = tmp_path / "list.csv"
    source.write_text('id, Token \n1,"a"\n2,b\n\n3,a\n')
    listed = _listed(source)
    assert (listed.texts, listed.lines, listed.repeated) == (["a", "b"], [2, 3], 1)
    source.write_text("a\nb\n")
    assert _listed(source).texts == ["a", "b"]
    for wrong in (b"id,token\n1\n", b'"a\n', b"\xff\n"):
        source.write_bytes(wrong)
        with pytest.raises(NotReadable):
            _listed(source)
