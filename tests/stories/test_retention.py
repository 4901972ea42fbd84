"""Retention as its users meet it: rules by two persons, counted by the beat, erased by two, holds left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update
from tests.stories import town as towns
from tests.stories.test_backup import subjects
from tests.stories.town import Town

from tigertally import vault
from tigertally.app.verbs import retention as verbs
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.store import jobs
from tigertally.store.jobs import JobState
from tigertally.vault import entries, spelling
from tigertally.vault.rows import sql as rows

RULE = (
    '[[rule]]\nclass = "{cls}"\nperiod = "{period}"\nfrom = "{start}"\n'
    'action = "{action}"\nsource = "x"\nmark = "{mark}"\n'
)


def rule(
    cls: str = "*", period: str = "3y", start: str = "sealed", action: str = "erase", mark: str = "default"
) -> str:
    return RULE.format(cls=cls, period=period, start=start, action=action, mark=mark)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A sealed installation."""
    made = towns.found_town(tmp_path_factory.mktemp("retention") / "town")
    towns.fill(made, customers=100)
    towns.seal(made)
    with made.at_work():
        yield made


def put(town: Town, text: str) -> None:
    path = town.root / "retention.toml"
    path.write_text(text)
    town.two(town.seller, "retention", "set", path, who="chen", second="wang")


def age(town: Town, whom: list[str], days: int) -> None:
    """Let records have been sealed so many days ago."""
    with town.seller.house() as house, house.store.transaction() as tx:
        at = house.clock.now() - timedelta(days=days)
        raws = [spelling.subject_raw(one) for one in whom]
        tx.execute(update(rows.record).where(rows.record.c.subject.in_(raws)).values(sealed_at=at))


def counted(town: Town) -> dict[str, object]:
    return dict(town.do(town.seller, "retention", "run").data)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "rule"),
        ("rule = 1", "rule"),
        ("[[rule", "TOML"),
        (rule(cls="cvv"), "rule 1, class"),
        (rule() + rule(period="0y"), "rule 2, period"),
        (rule(period="101y"), "rule 1, period"),
        (rule(start="When"), "rule 1, from"),
        (rule(action="hide"), "rule 1, action"),
        (rule(mark="sure"), "rule 1, mark"),
        (rule(mark="unverified"), "rule 1, action of an unverified rule"),
        (rule().replace('"x"', '"622848 0402 123456789"'), "rule 1, source"),
        (rule() + 'more = "x"\n', "rule 1"),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_place(text: str, where: str) -> None:
    with pytest.raises(vault.BadRetention) as caught:
        vault.retention.parse(text)
    assert caught.value.details == {"where": where}


def test_the_shipped_rules_are_rules() -> None:
    terms = vault.retention.terms_of(vault.retention.parse(vault.retention.shipped()), version=1)
    assert {term.mark for term in terms.terms} == {"found", "default"}


def test_without_rules_nothing_is_due(town: Town) -> None:
    assert town.tell(town.seller, "retention", "run").problem["code"] == "vault.no_retention"
    assert town.do(town.seller, "retention", "show").data["version"] == 0
    assert "[[rule]]" in town.do(town.seller, "retention", "show", "--shipped").text("document")


def test_what_is_past_is_counted_told_and_erased_by_two_without_who_is_held(town: Town) -> None:
    firm, everybody = town.seller, subjects(town)
    old, held = everybody[:5], everybody[4]
    assert town.tell(firm, "retention", "set", firm.unlock, who="chen").exit == 2
    put(town, rule())
    assert (counted(town)["due"], counted(town)["past"]) == (0, {})
    age(town, old, 3 * 366 + 1)
    town.do(firm, "hold", "place", "--subject", held, "--reason", "court", who="wang")
    found = counted(town)
    assert (found["customers"], found["due"], found["held"], found["partly"]) == (len(everybody), 4, 1, 0)
    assert not any(one in json.dumps(found) for one in everybody)
    beaten = town.do(firm, "ledger", "beat").data["retention"]
    assert isinstance(beaten, list)
    assert dict(beaten[0])["due"] == 4
    assert "4" in town.tell(firm, "status", as_json=False).err
    words = ("retention", "run", "--plan", str(found["plan"]))
    assert town.tell(firm, "retention", "run", "--plan", "0" * 64, who="chen").problem["code"] == (
        "vault.retention_otherwise"
    )
    assert town.tell(firm, *words, who="chen").unmet == ["second_person"]
    assert set(old) <= set(subjects(town))
    done = town.two(firm, *words, who="chen", second="wang")
    assert (done.data["erased"], done.data["held"]) == (4, 1)
    assert set(everybody) - set(subjects(town)) == set(old) - {held}
    assert town.do(firm, *words, who="chen").data == done.data  # done: nothing more, nobody is asked
    assert town.do(firm, "status").data["retention"] == []
    assert town.do(firm, "fsck").data["clean"] is True
    town.two(firm, "hold", "lift", "--subject", held, who="wang", second="chen")
    assert counted(town)["due"] == 1


def named_cardholders(town: Town) -> list[str]:
    """Customers with a card and a name."""
    wanted = {FIELD_RULES[cls].code for cls in (FieldClass.PAN, FieldClass.NAME)}
    with town.seller.house() as house, house.store.reading() as tx:
        found = rows.aged_after(tx, scope="main", after=-1, limit=1000)
        there = entries.heads([head for _, _, head, _ in found])
    return [
        spelling.subject_text(raw)
        for at, (_, raw, _, _) in enumerate(found)
        if wanted <= set(there.code[there.record == at].tolist())
    ]


def test_the_longest_class_keeps_the_rest_and_a_class_without_a_rule_for_good(town: Town) -> None:
    put(town, rule(period="1y"))
    age(town, subjects(town), 0)
    whom = named_cardholders(town)[:3]
    age(town, whom, 400)
    assert counted(town)["due"] == 3
    put(town, rule(cls="name", period="12m"))  # the card has no rule
    assert (counted(town)["due"], counted(town)["partly"]) == (0, 3)
    put(town, rule(period="1y") + rule(cls="name", period="2y"))
    assert (counted(town)["due"], counted(town)["partly"]) == (0, 3)
    put(town, rule(period="1y") + rule(cls="name", action="tell", period="1y", mark="unverified"))
    assert (counted(town)["due"], counted(town)["told"]) == (0, 3)
    put(town, rule(period="1y") + rule(cls="name", period="1y") + rule(cls="name", period="500d"))
    assert counted(town)["due"] == 0


def test_an_event_lets_a_period_run_but_not_before_the_data_was_sealed(town: Town) -> None:
    firm = town.seller
    put(town, rule(period="1y", start="relation-ended"))
    assert counted(town)["due"] == 0
    for day in ("2999-01-01",):
        words = ("retention", "event", "relation-ended", "--on", day)
        assert town.tell(firm, *words, who="wang").problem["code"] == "vault.bad_retention"
    town.do(firm, "retention", "event", "relation-ended", "--on", "2026-06-01", who="wang")
    before = counted(town)
    town.do(firm, "retention", "event", "relation-ended", "--on", "2020-06-01", who="wang")
    assert (before["due"], int(str(counted(town)["due"])) >= 3) == (0, True)
    events = town.do(firm, "retention", "show").data["events"]
    assert isinstance(events, list)
    assert len(events) == 1


def test_a_run_that_was_killed_goes_on_without_asking(town: Town) -> None:
    firm = town.seller
    put(town, rule(period="1y"))
    first = counted(town)
    plan, due = str(first["plan"]), first["due"]
    assert int(str(due)) >= 3
    key = f"vault.retention:main:{plan}"
    words = ("retention", "run", "--plan", plan)
    begun = town.tell(firm, *words, who="chen")
    town.do(firm, "approve", str(begun.problem["approval"]), who="wang")
    before = len(subjects(town))
    with firm.house() as house, pytest.raises(KeyboardInterrupt):
        verbs.run(house, actor=firm.actor(house, "chen"), scope="main", plan=plan, progress=Killed())
    with firm.house() as house, house.store.reading() as tx:
        job = jobs.find(tx, key=key)
    assert job is not None
    assert job.state is not JobState.DONE
    assert len(subjects(town)) == before
    assert town.do(firm, *words, who="chen").data["erased"] == due


class Killed:
    """Stops the work in its first batch, before it is committed."""

    def begin(self, what: object, total: int | None) -> None:
        del what, total

    def advance(self, done: int) -> None:
        del done
        raise KeyboardInterrupt
