"""``deal read``: every kind of paper in words, from files alone; and what is about to be signed is shown before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.stories.town import Answer, process
from tests.unit.formats.verify.test_verify_papers import PAPERS
from tests.vectors import world

from tigertally.access import Action
from tigertally.cli.actwords import ACTION_TITLES, act_words, plan_words
from tigertally.formats import agreement
from tigertally.formats.statement import Kind, Statement, make

SAYS = {
    "seller": ("party card", "fingerprint (compare by telephone): 46c8"),
    "agreement": ("term: 2026-01-31", "clause liability (fictional)", "liability条款（虚构）"),
    "invitation": ("structure: D2", "purposes: refunds", "clause sharing (fictional)"),
    "acceptance": ("answers the invitation", "agreement signed by: ? Fictional Buyer Ltd"),
    "release": ("customers: 6", "classes: mobile number, name, card number"),
    "manifest": ("root of the content", "values by class: mobile number 6"),
    "receipt": ("root (recomputed", "received: 2026-03-01"),
    "certificate": ("not covered: backups held by a third party", "copy: checked to be gone"),
}


def read(tmp_path: Path, *words: str | Path) -> Answer:
    """``deal read`` by somebody who has no installation."""
    home = ("--home", str(tmp_path / "none"))
    return process(("deal", "read", *map(str, words), *home), cwd=tmp_path)


def lay(tmp_path: Path, name: str, paper: Statement) -> Path:
    path = tmp_path / f"{name}.json"
    path.write_bytes(paper.to_bytes())
    return path


@pytest.mark.parametrize("name", SAYS)
def test_a_paper_in_words(tmp_path: Path, name: str) -> None:
    paper = PAPERS[name]()
    answer = read(tmp_path, lay(tmp_path, name, paper), "--lang", "en")
    assert answer.exit == 0, answer.err
    assert paper.digest in answer.out
    for words in SAYS[name]:
        assert words in answer.out


def test_json_has_the_whole_agreement(tmp_path: Path) -> None:
    told = json.loads(read(tmp_path, lay(tmp_path, "invitation", PAPERS["invitation"]()), "--json").out)
    assert told["kind"] == "invitation"
    assert set(told["agreement"]["payload"]["clauses"]) == set(agreement.BLOCKS)
    assert [(item["valid"], item["trusted"]) for item in told["signatures"]] == [(True, False)]


def test_only_a_named_card_is_trusted_and_a_wrong_signature_is_told(tmp_path: Path) -> None:
    paper = PAPERS["receipt"]()
    path = lay(tmp_path, "receipt", paper)
    (tmp_path / "cards").mkdir()
    card = lay(tmp_path / "cards", "buyer", PAPERS["buyer"]())
    assert "no card tells whose key this is" in read(tmp_path, path, "--lang", "en").out
    assert "✓ Fictional Buyer Ltd" in read(tmp_path, path, "--trust", card, "--lang", "en").out
    other = Statement(
        kind=paper.kind,
        payload=paper.payload,
        signatures=((paper.signatures[0][0], PAPERS["buyer"]().signatures[0][1]),),
    )
    lay(tmp_path, "receipt", other)
    assert (
        "✗ Fictional Buyer Ltd: the signature is not valid" in read(tmp_path, path, "--trust", card, "--lang", "en").out
    )


def test_what_others_wrote_steers_nothing(tmp_path: Path) -> None:
    hostile = world.agreement(purposes=("refunds {x} [red]\x1b[2J\u202e",))
    signed = make(Kind.AGREEMENT, hostile.body(), world.seller().signing)
    answer = read(tmp_path, lay(tmp_path, "agreement", signed), "--lang", "en")
    assert answer.exit == 0, answer.err
    assert "refunds {x} [red]·[2J·" in answer.out


def test_every_act_has_a_title_and_nothing_of_it_is_left_out() -> None:
    assert set(ACTION_TITLES) == set(Action)
    what = {"action": "vault.erase", "unheard_of": "{x}", "classes": ["pan"], "fingerprint": "ab12cd34"}
    told = [(name.en, value if isinstance(value, str) else value.en) for name, value in act_words(what, {})]
    assert told == [
        ("unheard_of", "{x}"),
        ("classes", "card number"),
        ("fingerprint (compare with what they read out)", "ab12 cd34"),
    ]


def test_a_plan_that_is_not_the_present_one_is_told() -> None:
    assert [name.en for name, _ in plan_words(None)] == ["beware"]
