"""Views by role and class: only lowered, of several roles the highest, part of the rules' digest."""

from __future__ import annotations

import pytest

from tigertally.access import Role, rules
from tigertally.access.errors import BadRules, RulesLoosen
from tigertally.access.policy import SHIPPED
from tigertally.access.views import View, view_of
from tigertally.base.fields import SEALABLE, FieldClass

from .conftest import Office

MOBILE, PAN = FieldClass.MOBILE, FieldClass.PAN
LOWER = '[views.operator]\nmobile = "hidden"\npan = "first_six"\n'


def test_the_shipped_views() -> None:
    for cls in SEALABLE:
        seen = {role: view_of({}, [role], cls) for role in Role}
        assert seen[Role.OPERATOR] is View.CLEAR
        assert seen[Role.LEAD] is seen[Role.OFFICER] is View.MASKED
        assert seen[Role.CUSTODIAN] is seen[Role.AUDITOR] is view_of({}, [], cls) is View.HIDDEN


def test_views_are_in_force_with_the_rules_and_part_of_their_digest(office: Office) -> None:
    with office.writing() as tx:
        who = {"actor": office.id("wang"), "approver": office.id("zhao")}
        made = rules.change(tx, office.ledger, rules.parse(LOWER), **who, now=office.now)
    assert made.digest != SHIPPED.digest
    assert rules.rules_of(rules.parse("[views]\n"), version=1).digest != made.digest
    with office.reading() as tx:
        views = rules.views_in_force(tx, office.ledger)
        assert rules.in_force(tx, office.ledger).digest == made.digest
    assert view_of(views, [Role.OPERATOR], MOBILE) is View.HIDDEN
    assert view_of(views, [Role.OPERATOR], PAN) is View.FIRST_SIX
    assert view_of(views, [Role.OPERATOR, Role.LEAD], MOBILE) is View.MASKED
    assert view_of(views, [Role.LEAD], PAN) is View.MASKED


@pytest.mark.parametrize(
    "text",
    [
        "views = 1\n",
        '[views]\noperator = "hidden"\n',
        '[views.king]\npan = "hidden"\n',
        '[views.operator]\ncvv = "hidden"\n',
        '[views.operator]\npan = "last_four"\n',
        "[views.operator]\npan = 0\n",
    ],
)
def test_what_is_no_view_is_refused(text: str) -> None:
    with pytest.raises(BadRules):
        rules.parse(text)


@pytest.mark.parametrize("text", ['[views.lead]\npan = "clear"\n', '[views.auditor]\nname = "masked"\n'])
def test_no_view_is_raised(text: str) -> None:
    with pytest.raises(RulesLoosen):
        rules.parse(text)
