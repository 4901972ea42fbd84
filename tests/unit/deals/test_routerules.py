"""The shipped rules of the legal route, and what they ask: every question, structure, threshold and unknown answer."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from tigertally import deals
from tigertally.access.policy import STAGES
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.deals import routerules
from tigertally.formats.dealpapers import Structure
from tigertally.formats.errors import Malformed
from tigertally.formats.route import CONDITION, GATE, RULE, Mark, Means, Requirement

RULES = deals.route_rules()
DATA = resources.files("tigertally.data").joinpath("routes", "china.toml").read_bytes()
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NO: dict[str, Json] = {**{item.name: False for item in RULES.questions if not item.number}, "persons": 6000}


def asked_at(now: datetime, structure: Structure, answers: dict[str, Json]) -> dict[str, Requirement]:
    checked = RULES.check({**NO, **answers})
    return {item.rule: item for item in RULES.asked(structure, checked, confirmed={}, now=now)}


def asked(structure: Structure, **answers: Json) -> dict[str, Requirement]:
    return asked_at(NOW, structure, answers)


def conditions(structure: Structure, **answers: Json) -> set[str]:
    return {item.condition for item in asked(structure, **answers).values() if item.binds}


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.asks.rule)
def test_every_rule_is_whole(rule: routerules.Rule) -> None:
    asks = rule.asks
    assert RULE.fullmatch(asks.rule)
    assert CONDITION.fullmatch(asks.condition)
    assert asks.condition in deals.CONDITIONS
    assert GATE.fullmatch(asks.gate)
    assert asks.gate in STAGES
    assert asks.classes
    assert rule.structures
    assert asks.instrument
    assert asks.zh
    assert asks.en
    assert re.search(r"[\u4e00-\u9fff]", asks.zh)
    assert not re.search(r"[{}]", asks.zh + asks.en)
    datetime.fromisoformat(asks.valid_from)
    assert not asks.valid_until or asks.valid_from < asks.valid_until
    assert rule.persons[0] <= rule.persons[1]
    if asks.mark is Mark.FOUND:
        assert re.fullmatch(r"F\d+", asks.source)
        assert asks.article
    if asks.means is Means.COUNSEL:
        assert asks.condition == "counsel_signoff"


@pytest.mark.parametrize("structure", Structure)
def test_every_structure_asks_at_least_what_its_own_row_asks(structure: Structure) -> None:
    """Whatever is answered: the table of structures stands at the closing beside the route."""
    everything = conditions(structure, **dict.fromkeys(NO))
    assert set(deals.STRUCTURES[structure].conditions) <= everything
    assert everything


def test_every_question_changes_something() -> None:
    for name in (item.name for item in RULES.questions):
        answers: tuple[Json, ...] = (50_000, 500_000, 2_000_000, 20_000_000) if name == "persons" else (False, True)
        yes: dict[str, Json] = {item.name: True for item in RULES.questions if not item.number}
        seen = {
            (structure, number, frozenset(asked(structure, **{**base, name: answer})))
            for structure in Structure
            for number, base in enumerate((NO, {**NO, **yes}))
            for answer in answers
        }
        assert len(seen) > 2 * len(Structure), name


@pytest.mark.parametrize(
    ("structure", "answers", "expected"),
    [
        (Structure.D1, {}, {"notices", "impact_assessment"}),
        (Structure.D1, {"group_access": True}, {"notices", "consents", "impact_assessment"}),
        (Structure.D2, {}, {"notices", "consents", "contract_consents", "impact_assessment"}),
        (
            Structure.D2,
            {"reorganisation": True},
            {"notices", "counsel_signoff", "contract_consents", "impact_assessment"},
        ),
        (
            Structure.D2,
            {"reorganisation": None},
            {"notices", "consents", "counsel_signoff", "contract_consents", "impact_assessment"},
        ),
        (Structure.D3, {}, {"notices", "impact_assessment"}),
        (Structure.D3, {"licensed": True}, {"notices", "impact_assessment", "regulator_approval"}),
        (Structure.D3, {"new_purpose": True}, {"notices", "impact_assessment", "consents"}),
        (Structure.D4, {}, {"notices", "impact_assessment", "split_map"}),
        (Structure.D5, {}, {"impact_assessment", "destroyed"}),
        (Structure.D5, {"transferred": True}, {"impact_assessment", "notices"}),
        (Structure.D6, {}, {"clean_shell"}),
        (Structure.D6, {"card_data": True}, {"clean_shell", "sad_purged"}),
        (Structure.D7, {}, {"notices", "impact_assessment", "regulator_approval", "user_information_plan"}),
        (Structure.D8, {}, {"impact_assessment", "export_route", "consents", "notices"}),
        (Structure.D9, {}, {"impact_assessment", "acquirer_letter", "notices"}),
        (Structure.D3, {"important_data": True}, {"notices", "impact_assessment", "disposal_plan"}),
        (Structure.D3, {"persons": 1_000_000}, {"notices", "impact_assessment", "officer_named"}),
        (Structure.D3, {"persons": 10_000_000}, {"notices", "impact_assessment", "officer_named", "disposal_plan"}),
    ],
)
def test_routes(structure: Structure, answers: dict[str, Json], expected: set[str]) -> None:
    assert conditions(structure, **answers) == expected


@pytest.mark.parametrize(
    ("persons", "short_forms", "officer", "plan"),
    [
        (99_999, True, False, False),
        (100_000, False, False, False),
        (999_999, False, False, False),
        (1_000_000, False, True, False),
        (9_999_999, False, True, False),
        (10_000_000, False, True, True),
        (None, True, True, True),
    ],
)
def test_thresholds(persons: Json, *, short_forms: bool, officer: bool, plan: bool) -> None:
    found = asked(Structure.D2, persons=persons)
    assert ("cn.order25.small_handler" in found) is short_forms
    assert ("cn.audit.12.officer" in found) is officer
    assert ("cn.netdata.32.ten_million" in found) is plan


def test_not_knowing_never_asks_less() -> None:
    for structure in Structure:
        for name in NO:
            unknown = set(asked(structure, **{name: None}))
            for answer in (1, 20_000_000) if name == "persons" else (False, True):
                known = set(asked(structure, **{name: answer}))
                assert known <= unknown, (structure, name)


def test_an_unverified_rule_advises_until_an_opinion_confirms_it() -> None:
    item = asked(Structure.D2, licensed=True)["cn.pboc.data"]
    assert not item.binds
    checked = RULES.check({**NO, "licensed": True})
    confirmed = {"cn.pboc.data": "0" * 64, "cn.pipl.23.consent": "1" * 64}
    again = {one.rule: one for one in RULES.asked(Structure.D2, checked, confirmed=confirmed, now=NOW)}
    assert again["cn.pboc.data"].binds
    assert again["cn.pboc.data"].confirmed == "0" * 64
    assert again["cn.pipl.23.consent"].confirmed == "", "what was found needs no opinion"


def test_a_rule_is_asked_between_its_days() -> None:
    before = datetime(2026, 8, 31, 23, 59, tzinfo=UTC)
    assert "cn.order25.small_handler" not in asked_at(before, Structure.D2, {})
    assert "cn.order25.small_handler" in asked_at(datetime(2026, 9, 1, tzinfo=UTC), Structure.D2, {})
    assert RULES.holds_until(before) == datetime(2026, 9, 1, tzinfo=UTC)
    assert RULES.holds_until(NOW) == NOW + routerules.HOLDS_MAX
    rule = next(item for item in RULES.rules if item.asks.rule == "cn.pipl.23.consent")
    ending = replace(rule, asks=replace(rule.asks, valid_until="2026-12-01"))
    assert ending.applies(Structure.D2, RULES.check(NO), "2026-11-30")
    assert not ending.applies(Structure.D2, RULES.check(NO), "2026-12-01")
    assert replace(RULES, rules=(ending,)).holds_until(NOW) == datetime(2026, 12, 1, tzinfo=UTC)
    assert RULES.holds_until(NOW - timedelta(days=400)) < NOW


def test_the_route_of_a_class() -> None:
    found = asked(Structure.D8, consent_based=True, sensitive=True, card_data=True)
    table = deals.by_class(tuple(found.values()))
    assert "cn.pipl.29.sensitive" in {item.rule for item in table[FieldClass.PAN]}
    assert "cn.pipl.29.sensitive" not in {item.rule for item in table[FieldClass.NAME]}
    assert {item.means for item in table[FieldClass.CVV]} == {Means.NEVER}


@pytest.mark.parametrize(
    ("answers", "question"),
    [
        ({"persons": True}, "persons"),
        ({"persons": -1}, "persons"),
        ({"persons": "6000"}, "persons"),
        ({"persons": 6222_0000_0000_0000}, "persons"),
        ({"licensed": 1}, "licensed"),
        ({"licensed": "no"}, "licensed"),
        ({"nobody_asked": True}, "nobody_asked"),
        ({"6222000000000000": True}, "-"),
    ],
)
def test_answers_out_of_form(answers: dict[str, Json], question: str) -> None:
    with pytest.raises(deals.BadAnswers) as refused:
        RULES.check(answers)
    assert refused.value.details == {"question": question}


def test_a_file_of_answers() -> None:
    assert deals.answers_of("persons = 5\nlicensed = false\n") == {"persons": 5, "licensed": False}
    assert RULES.check(deals.answers_of(""))["persons"] is None
    for text in ("persons = [1]", "persons = 1.5", "persons = 2026-01-01", "persons"):
        with pytest.raises(deals.BadAnswers):
            RULES.check(deals.answers_of(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('gate = "S8"', 'gate = "S8"\nextra = 1'),
        ('when = ["licensed"]', 'when = ["rich"]'),
        ('mark = "found"', 'mark = "sure"'),
        ('structures = ["D5"]', 'structures = ["D11"]'),
        ('id = "cn.civil.555.contracts"', 'id = "cn.aml.34.retained_records"'),
        ('kind = "number"', 'kind = "yes_no"'),
    ],
)
def test_a_file_of_rules_out_of_form(old: str, new: str) -> None:
    text = DATA.decode("utf-8")
    assert old in text
    with pytest.raises(Malformed):
        routerules.read(text.replace(old, new, 1).encode())
