"""How much of a customer a role may see: a view for each role and field class, in four steps.

1. ``hidden`` (only that there is one), ``masked``, ``first_six`` (masked; a card's first six digits may be asked for),
   ``clear`` (masked; the value may be asked for). What may be asked for still needs the decision;
2. the shipped views are :data:`SHIPPED`; an organisation's rules (``rules``, by two persons) only lower them;
3. a person with several roles has the highest view of them; without a role, none.

The last four digits of a card are no step of their own, because its mask and its token show them already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from tigertally.access.errors import BadRules, RulesLoosen
from tigertally.access.policy import Role
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE, FieldClass


class View(IntEnum):
    """How much is seen, ascending."""

    HIDDEN = 0
    MASKED = 1
    FIRST_SIX = 2
    CLEAR = 3


Views = Mapping[tuple[Role, FieldClass], View]

SHIPPED: Final[dict[Role, View]] = {
    Role.OPERATOR: View.CLEAR,
    Role.LEAD: View.MASKED,
    Role.OFFICER: View.MASKED,
    Role.CUSTODIAN: View.HIDDEN,
    Role.AUDITOR: View.HIDDEN,
}


def view_of(views: Views, roles: Iterable[Role], cls: FieldClass) -> View:
    """Return how much somebody with ``roles`` sees of a class."""
    return max((views.get((role, cls), SHIPPED[role]) for role in roles), default=View.HIDDEN)


def parse(members: Mapping[str, object]) -> Views:
    """Return the views of a document's table ``views``: role → class → view. Raises ``BadRules``, ``RulesLoosen``."""
    out: dict[tuple[Role, FieldClass], View] = {}
    roles = {role.value: role for role in Role}
    classes = {cls.value: cls for cls in SEALABLE}
    steps = {view.name.lower(): view for view in View}
    for name, table in members.items():
        role = roles.get(name)
        if role is None or not isinstance(table, dict):
            raise BadRules(where=f"views.{name}")
        for field, step in table.items():
            where = f"views.{name}.{field}"
            if field not in classes or not isinstance(step, str) or step not in steps:
                raise BadRules(where=where)
            if steps[step] > SHIPPED[role]:
                raise RulesLoosen(where=where)
            out[role, classes[field]] = steps[step]
    return out


def body(views: Views) -> dict[str, Json]:
    """Return views as they stand in the canonical form of the rules."""
    return {f"{role.value}.{cls.value}": view.name.lower() for (role, cls), view in views.items()}
