"""Detector files: each is its own test, and a broken one is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tigertally.base.fields import FieldClass
from tigertally.base.text import Lang
from tigertally.discovery import detectors, find_spans, using
from tigertally.discovery.detectors import Detector, Example
from tigertally.discovery.errors import BadDetector
from tigertally.discovery.finder import find_words
from tigertally.discovery.labels import meaning
from tigertally.discovery.own import own_detectors

ALL = detectors.built_in().all
EXAMPLES = [
    pytest.param(detector, example, wanted, id=f"{detector.name}-{'match' if wanted else 'miss'}-{index}")
    for detector in ALL
    for wanted, examples in ((True, detector.matches), (False, detector.misses))
    for index, example in enumerate(examples)
]


@pytest.mark.parametrize(("detector", "example", "wanted"), EXAMPLES)
def test_a_detector_finds_its_examples(detector: Detector, example: Example, wanted: bool) -> None:  # noqa: FBT001
    if example.cell:
        assert detector.column is not None
        assert detectors.fits_cell(detector.column, example.cell) is wanted
        return
    spans = find_spans(example.text.encode())
    found = [value for cls, value in zip(spans.classes(), spans.values(), strict=True) if cls is detector.cls]
    assert found == ([example.value] if wanted else [])


def test_every_class_that_a_scan_can_find_has_a_detector_or_a_rule_for_columns() -> None:
    files = {detector.cls for detector in ALL}
    assert set(FieldClass) - files == {FieldClass.SCHEME_TXN_ID}


@pytest.mark.parametrize("detector", [one for one in ALL if one.context], ids=lambda one: one.name)
def test_context_words_speak_for_the_class(detector: Detector) -> None:
    assert {meaning(word).field for word in detector.context} == {detector.cls}


GOOD = """
class = "bank_account"
source = "our own member cards"
score = "certain"

[text]
labels = ["会员卡"]
value = '''M\\d{8}'''

[column]
headers = ["会员卡"]
shape = '''^M\\d{8}$'''

[[match]]
text = "会员卡：M12345678"
value = "M12345678"

[[miss]]
text = "M12345678"
""".replace("\\\\", "\\")


def test_a_user_adds_one_without_code(tmp_path: Path) -> None:
    (tmp_path / "member-card.toml").write_text(GOOD, encoding="utf-8")
    held = own_detectors(tmp_path)
    found = find_words("会员卡：M12345678".encode(), held)
    assert (found.start.tolist(), found.stop.tolist(), found.row.tolist()) == ([12], [21], [len(ALL) + 1])
    assert len(find_words(b"M12345678", held)) == 0


def test_the_example_of_the_specification_holds(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/formats/detector.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    (tmp_path / "member-card.toml").write_text(example, encoding="utf-8")
    assert [one.name for one in own_detectors(tmp_path).all if one not in ALL] == ["member-card"]


def test_searches_ask_the_added_ones_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "member-card.toml").write_text(GOOD, encoding="utf-8")
    text = "会员卡：M12345678".encode()
    with using(own_detectors(tmp_path)):
        assert find_spans(text).classes() == [FieldClass.BANK_ACCOUNT]
    assert find_spans(text).classes() == []


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (('class = "bank_account"', 'class = "member"'), "unknown class"),
        (('score = "certain"', 'score = "sure"'), "unknown score"),
        (('score = "certain"', 'check = "magic"'), "unknown check"),
        (('source = "our own member cards"', ""), "source must be text"),
        (("labels", "label"), "it has an unknown key"),
        (('labels = ["会员卡"]', "labels = []"), "value is needed, and either labels or literals"),
        (('labels = ["会员卡"]', 'labels = ["ab"]'), "a word is too short"),
        (("M\\d{8}'''\n\n[column]", "M('''\n\n[column]"), "value is no regular expression"),
        (("^M\\d{8}$", "^M(?=x)$"), "shape is no RE2 expression"),
        (('headers = ["会员卡"]', "share = 101"), "share must be a percentage"),
        (("[[miss]]", "[[mis]]"), "it has an unknown key"),
        (("[text]", "[text"), "it is not TOML"),
        (('text = "会员卡：M12345678"', 'text = "会员卡：12345678"'), "it does not find its own example 1"),
        (('text = "M12345678"', 'text = "会员卡：M12345678"'), "it finds what it must not, example 1"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, edit: tuple[str, str], what: str) -> None:
    assert edit[0] in GOOD
    (tmp_path / "x.toml").write_text(GOOD.replace(*edit), encoding="utf-8")
    with pytest.raises(BadDetector) as caught:
        own_detectors(tmp_path)
    assert caught.value.details["file"] == "x.toml"
    assert caught.value.say(Lang.EN) == f"the detector file x.toml is not valid: {what}"
