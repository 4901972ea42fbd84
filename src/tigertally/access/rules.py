"""Rules as data: what an organisation asks beyond the shipped table. Versioned; changed by two persons.

A document (TOML) names actions and the members of their rules that differ. It can only make them stricter: fewer
roles, a fresher factor, a second person, fewer stages, more conditions, lower ``views``; what an organisation cannot
meet it waives, by two persons and for a time (``waivers``), it does not write it away. How rules themselves are
changed and conditions waived is not for a document to say, so no document can lock the installation.

The document in force is a fact: its canonical JSON, its version, and the digest of the whole table that came of it
when it was agreed to. Every decision records the digest of the table it was made under. A document that this program
cannot read, or whose rules would be looser than its own, leaves nothing allowed but putting another in force.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from tigertally.access import views
from tigertally.access.errors import BadRules, RulesLoosen
from tigertally.access.facts import INSTALLATION, RULES_IN_FORCE
from tigertally.access.policy import POLICY, SENIOR, SHIPPED, STAGES, Action, Role, Rule, Rules
from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.ledger import Fact, Ledger, facts
from tigertally.store.tx import Tx

BYTES_MAX: Final = 65_536
# Conditions that an organisation can add to any action; the others need something that only some actions have.
ADDABLE: Final = (
    "checked",
    "factor_bound",
    "factor_strong",
    "pledged",
    "reviewed",
    "screened",
    "trained",
    "witnessed",
)
VIEWS: Final = "views"
FIXED: Final = frozenset({Action.RULES_CHANGE, Action.CONDITION_WAIVE})
_MEMBERS: Final = frozenset({"roles", "factor_age_max_s", "second_person", "stages", *ADDABLE})

Document = Mapping[str, Mapping[str, Json]]


def parse(text: str) -> Document:
    """Return the document in TOML text; :class:`BadRules` names what is wrong, :class:`RulesLoosen` what is looser."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise BadRules(where="TOML") from None
    rules_of(found, version=1)
    return found


def rules_of(document: Mapping[str, object], *, version: int) -> Rules:
    """Return the whole table that ``document`` makes of the shipped one. Raises as :func:`parse`."""
    table = dict(POLICY)
    named = {action.value: action for action in Action if action not in FIXED}
    own: dict[str, Json] = {}
    for name, members in document.items():
        if name == VIEWS and isinstance(members, dict):
            own[VIEWS] = views.body(views.parse(members))
            continue
        action = named.get(name)
        if action is None or not isinstance(members, dict) or not members.keys() <= _MEMBERS:
            raise BadRules(where=name)
        table[action] = _stricter(action, POLICY[action], members)
    return Rules(table=table, version=version, own=own)


def in_force(tx: Tx, ledger: Ledger, *, as_of: int | None = None) -> Rules:
    """Return the rules in force, the shipped ones if there is no document.

    ``as_of``: as they were when the ledger had that many entries.
    """
    fact = newest(tx, ledger, as_of=as_of)
    if fact is None:
        return SHIPPED
    version = fact.value.get("version")
    return _read(str(fact.value.get("document")), version if isinstance(version, int) else 0)


def newest(tx: Tx, ledger: Ledger, *, as_of: int | None = None) -> Fact | None:
    """Return the fact of the document in force; None if there is none."""
    found = facts.read(tx, ledger=ledger, kinds=[RULES_IN_FORCE.name], subjects=[INSTALLATION], as_of=as_of)
    standing = [fact for fact in found if not fact.withdrawn]
    return standing[-1] if standing else None


def change(tx: Tx, ledger: Ledger, document: Document, *, actor: str, approver: str, now: datetime) -> Rules:
    """Put a document in force, in place of the one there is; return the rules. Two persons decided that before."""
    before = in_force(tx, ledger)
    rules = rules_of(document, version=before.version + 1)
    value: dict[str, Json] = {
        "version": rules.version,
        "document": canon.dumps(dict(document)).decode(),
        "digest": rules.digest,
        "by": actor,
        "approver": approver,
    }
    facts.replace(
        tx, ledger, RULES_IN_FORCE, subject=INSTALLATION, value=value, start=now, until=None, actor=actor, now=now
    )
    return rules


def views_in_force(tx: Tx, ledger: Ledger) -> views.Views:
    """Return where the organisation's views are lower than the shipped ones."""
    fact = newest(tx, ledger)
    body = {} if fact is None else canon.loads(str(fact.value.get("document")).encode())
    members = body.get(VIEWS, {}) if isinstance(body, dict) else {}
    return views.parse(members if isinstance(members, dict) else {})


@lru_cache(maxsize=8)
def _read(document: str, version: int) -> Rules:
    try:
        body = canon.loads(document.encode())
        return rules_of(body if isinstance(body, dict) else {"": {}}, version=version)
    except (canon.NotCanonical, BadRules, RulesLoosen):
        return Rules(table={action: POLICY[action] for action in (*FIXED, Action.APPROVE)}, version=version)


def _stricter(action: Action, shipped: Rule, members: Mapping[str, object]) -> Rule:
    where = action.value
    rule = replace(
        shipped,
        roles=_roles(members.get("roles"), shipped.roles, where=where),
        factor_age_max_s=_age(members.get("factor_age_max_s"), shipped.factor_age_max_s, where=where),
        second_person=_roles(members.get("second_person"), shipped.second_person or SENIOR, where=where)
        if "second_person" in members
        else shipped.second_person,
        stages=_stages(members.get("stages"), shipped.stages, where=where),
    )
    flags: dict[str, bool] = {}
    for name in ADDABLE:
        asked = members.get(name, getattr(rule, name))
        if not isinstance(asked, bool):
            raise BadRules(where=f"{where}.{name}")
        if getattr(rule, name) and not asked:
            raise RulesLoosen(where=f"{where}.{name}")
        flags[name] = asked
    return replace(rule, **flags)  # type: ignore[arg-type]  # every flag is a bool


def _words(value: object, *, where: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise BadRules(where=where)
    return value


def _roles(value: object, shipped: frozenset[Role], *, where: str) -> frozenset[Role]:
    if value is None:
        return shipped
    named = {role.value: role for role in Role}
    words = _words(value, where=where)
    if not set(words) <= named.keys():
        raise BadRules(where=where)
    found = frozenset(named[word] for word in words)
    if not found <= shipped:
        raise RulesLoosen(where=where)
    return found


def _stages(value: object, shipped: frozenset[str], *, where: str) -> frozenset[str]:
    if value is None:
        return shipped
    found = frozenset(_words(value, where=where))
    if not found <= frozenset(STAGES):
        raise BadRules(where=where)
    if not shipped or not found <= shipped:  # an action that is outside of deals has no stage to ask for
        raise RulesLoosen(where=where)
    return found


def _age(value: object, shipped: int, *, where: str) -> int:
    if value is None:
        return shipped
    if type(value) is not int or value < 1:
        raise BadRules(where=where)
    if shipped and value > shipped:
        raise RulesLoosen(where=where)
    return value
