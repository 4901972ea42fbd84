"""A decision explained from its own entry: asked, known and by which entry, missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import delete

import tigertally.access
from tigertally.access import Action, NotAllowed, explain
from tigertally.access.errors import NoSuchDecision
from tigertally.access.explain import Explanation
from tigertally.access.unmet import ALL
from tigertally.base.fields import FieldClass
from tigertally.base.text import Lang
from tigertally.ledger import sql as ledger_sql
from tigertally.ledger.errors import NoSuchEntry

from .conftest import Office


def why(office: Office, entry: int | None = None, *, who: str = "li") -> Explanation:
    with office.reading() as tx:
        found = explain.last_decision(tx, office.ledger, office.id(who)) if entry is None else entry
        return explain.explain(tx, office.ledger, entry=found)


def test_an_allowed_reveal_names_what_it_rested_on(office: Office) -> None:
    office.qualify("li")
    grant = office.granted()
    office.reveal(grant)
    found = why(office)
    assert (found.allowed, found.missing, found.present_rules) == (True, (), True)
    assert (found.asked["person"], found.asked["purpose"], found.asked["classes"]) == (
        office.id("li"),
        "refund",
        ["pan"],
    )
    titles = [ground.title.render(Lang.EN) for ground in found.grounds]
    stated = ["passed the training", "passed the screening", "signed the confidentiality pledge"]
    sound = ["the key is within its period", "the whole ledger was checked and is sound"]
    assert titles == ["the access was reviewed", *stated, *sound, "a grant was approved"]
    assert found.grounds[0].said is not None


def test_a_refusal_names_what_was_missing(office: Office) -> None:
    with pytest.raises(NotAllowed) as caught:
        office.reveal(office.granted(uses=1), count=2)
    with office.writing() as tx:
        entry = office.access.record(tx, caught.value.request, caught.value.decision)
    found = why(office, entry)
    assert not found.allowed
    assert [code for code, _ in found.missing] == ["trained", "screened", "pledged", "grant_left", "key", "checked"]
    assert [ground.title.render(Lang.EN) for ground in found.grounds] == ["the access was reviewed"]


def test_what_is_no_decision_is_not_explained(office: Office) -> None:
    with pytest.raises(NoSuchDecision):
        why(office, 0)
    with pytest.raises(NoSuchEntry):
        why(office, 9_999)
    with pytest.raises(NoSuchDecision):
        why(office)


def test_an_erased_ground_is_still_proved(office: Office) -> None:
    office.qualify("li")
    office.reveal(office.granted())
    found = why(office)
    last = found.grounds[-1].entry
    office.tamper(delete(ledger_sql.payload).where(ledger_sql.payload.c.idx == last))
    assert why(office, found.entry).grounds[-1].said is None
    office.tamper(delete(ledger_sql.payload).where(ledger_sql.payload.c.idx == found.entry))
    with pytest.raises(NoSuchDecision):
        why(office, found.entry)


def test_every_condition_has_a_title(office: Office) -> None:
    """Of the codes in the conditions' room none is missing, and none too many."""
    text = (Path(tigertally.access.__file__).parent / "conditions.py").read_text("utf-8")
    codes = {"action", *re.findall(r'work\.no\("(\w+)"\)', text)}
    assert codes == set(ALL)
    assert all(condition.title.zh and condition.title.en for condition in ALL.values())
    request = {"classes": [FieldClass.CVV], "deal": office.deal, "purpose": "refund", "count": 1}
    assert set(office.unmet("sun", Action.REVEAL, **request)) <= codes
