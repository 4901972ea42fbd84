"""The rules as Cedar (cedarpolicy.com): a policy set and its schema, generated from the table that decides.

For counsel of both sides to read and sign, and for anybody to evaluate with an engine that is not ours. One ``permit``
per action; there is no ``forbid``, since Cedar skips a policy that errs, and a forbid that is skipped lets pass. What
a condition needs is a member of the request's context; a member that may be missing is asked for by ``has`` first. So
what is missing, ill typed or unknown is not allowed. Times are microseconds since 1970 (UTC).

The context holds, of each kind of fact, the newest that holds at ``now``, the conditions that a waiver or a broken
glass stands in for, and one second person's approval; where there are several, the request is asked for each. A service
has an id of its own kind; ``answers`` is the person whose training, pledge, grant … count: oneself, or its owner, and
``frozen`` whether either is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from tigertally.access.conditions import ASSERTION, CLOCK_AHEAD_MAX_S, STRONG
from tigertally.access.policy import SENIOR, SHIPPED, STAGES, Action, Role, Rule, Rules, Side
from tigertally.access.serving import SERVABLE, SERVICE_DAYS_MAX
from tigertally.access.stages import AGREED_STAGES, CLEAR_STAGES
from tigertally.access.volume import UNITS_MAX
from tigertally.base.fields import INTERNAL, SEALABLE

NAMESPACE: Final = "Tigertally"
FOREVER: Final = 2**63 - 1
_SECOND: Final = 1_000_000
_SERVICE: Final = 'context.person like "svc_*"'

SCHEMA: Final = """\
// Tigertally 虎符: what a request says. Generated; times are microseconds since 1970 (UTC).
namespace Tigertally {
  type Held = { start: Long, until: Long };
  type Screening = { outcome: String, start: Long, until: Long };
  type Stage = { stage: String, side: String, start: Long, until: Long };
  type Agreement = { digest: String, classes: Set<String>, purposes: Set<String>, start: Long, until: Long };
  type Signature = { deal: String, digest: String, start: Long, until: Long };
  type Grant = {
    asker: String, approver: String, action: String, classes: Set<String>, purpose: String, deal: String,
    scope: String, left: Long, start: Long, until: Long
  };
  type Approval = {
    digest: String, asker: String, approver: String, approver_roles: Set<String>, approver_frozen: Bool,
    at: Long, until: Long
  };
  type Service = {
    owner: String, actions: Set<String>, classes: Set<String>, purposes: Set<String>, deal: String, daily: Long,
    by: String, approver: String, start: Long, until: Long
  };
  type Asked = {
    now: Long, person: String, answers: String, served: Long, service?: Service,
    roles: Set<String>, frozen: Bool, classes: Set<String>, count: Long,
    purpose: String, deal: String, scope: String, act: String, factor_kind: String, factor_act: String,
    seen: Long, asked: Long, waived: Set<String>, key?: Held, reviewed?: Held, checked?: Held, witnessed?: Held,
    factor_at?: Long, trained?: Held, screened?: Screening, pledged?: Held, agreement?: Agreement,
    signed?: Signature,
    stage?: Stage, grant?: Grant, second?: Approval
  };
  entity Person;
  entity Installation;
  action %s appliesTo {
    principal: [Person], resource: [Installation], context: Asked
  };
}
"""


def schema() -> str:
    """Return the schema, in Cedar's own syntax."""
    return SCHEMA % ",\n    ".join(json.dumps(action.value) for action in Action)


def policies(rules: Rules = SHIPPED) -> str:
    """Return the policy set: one permit per action, with the digest of the table that it was made from."""
    head = f"// Tigertally 虎符: who may do what. Generated from the rules with SHA-256 {rules.digest}.\n"
    return head + "".join(_policy(action, rule) for action, rule in rules.table.items())


def _policy(action: Action, rule: Rule) -> str:
    conditions = "\n  && ".join(_conditions(action, rule))
    name = json.dumps(action.value)
    return (
        f"\n@id({name})\npermit (principal, action == {NAMESPACE}::Action::{name}, resource)\nwhen {{\n"
        f"  {conditions}\n}};\n"
    )


def _conditions(action: Action, rule: Rule) -> list[str]:
    found = [
        'context.person != ""',
        f"context.roles.containsAny({_set(role.value for role in rule.roles)})",
        "!context.frozen",
        *_service(action),
    ]
    if rule.factor_age_max_s:
        found += [
            "context has factor_at",
            f"context.now - context.factor_at <= {rule.factor_age_max_s * _SECOND}",
            f"context.factor_at - context.now <= {CLOCK_AHEAD_MAX_S * _SECOND}",
        ]
    found += ['context.factor_act != ""', "context.factor_act == context.act"] if rule.factor_bound else []
    found += [_or_waived("factor_strong", _strong())] if rule.factor_strong else []
    found += [_or_waived("trained", *_held("trained"))] if rule.trained else []
    passed = 'context.screened.outcome == "pass"'
    found += [_or_waived("screened", *_held("screened"), passed)] if rule.screened else []
    found += _held("pledged") if rule.pledged else []
    found += [_or_waived("grant", *_grant(action))] if rule.grant else []
    found += _approval(rule.second_person) if rule.second_person else []
    found += _agreement() if rule.agreement else []
    found += [_agreed()] if rule.agreed else []
    if rule.volume:
        few = f"(context.seen >= 0 && context.asked >= 0 && context.seen + context.asked < {UNITS_MAX})"
        found.append(f"({few} || ({_and(_approval(SENIOR))}))")
    for asked, name in (
        (rule.reviewed, "reviewed"),
        (rule.key, "key"),
        (rule.checked, "checked"),
        (rule.witnessed, "witnessed"),
    ):
        found += [_or_waived(name, *_held(name))] if asked else []
    if rule.stages:
        found += [*_held("stage"), f"{_set(rule.stages)}.contains(context.stage.stage)"]
    return found + (_clear() if rule.clear_values else [])


def _service(action: Action) -> list[str]:
    person = "context.answers == context.person"
    if action not in SERVABLE:
        return [f"!({_SERVICE})", person]
    held = _and(
        [
            *_held("service"),
            f"context.service.until - context.service.start <= {SERVICE_DAYS_MAX * 86_400 * _SECOND}",
            'context.answers != ""',
            '!(context.answers like "svc_*")',
            "context.service.owner == context.answers",
            'context.service.by != ""',
            'context.service.approver != ""',
            "context.service.by != context.service.approver",
            f"context.service.actions.contains({json.dumps(action.value)})",
            "context.service.classes.containsAll(context.classes)",
            '(context.purpose == "" || context.service.purposes.contains(context.purpose))',
            "context.service.deal == context.deal",
            "context.served >= 0",
            "context.served + (if context.count < 1 then 1 else context.count) <= context.service.daily",
        ]
    )
    return [f"(if {_SERVICE} then ({held}) else {person})"]


def _or_waived(code: str, *conditions: str) -> str:
    return f"(context.waived.contains({json.dumps(code)}) || ({_and(conditions)}))"


def _strong() -> str:
    internal = _set(item.value for item in INTERNAL)
    low = f"!context.classes.isEmpty() && {internal}.containsAll(context.classes)"
    kind = f"(if {_SERVICE} then {json.dumps(ASSERTION)} else {json.dumps(STRONG)})"
    return f"context.factor_kind == {kind} || ({low})"


def _and(conditions: Iterable[str]) -> str:
    return " && ".join(conditions)


def _agreement() -> list[str]:
    return [
        *_held("agreement"),
        "!context.classes.isEmpty()",
        "context.agreement.classes.containsAll(context.classes)",
        "!context.agreement.purposes.isEmpty()",
        '(context.purpose == "" || context.agreement.purposes.contains(context.purpose))',
        *_held("signed"),
        "context.signed.deal == context.deal",
        "context.signed.digest == context.agreement.digest",
    ]


def _agreed() -> str:
    free = " || ".join(
        f'(context.stage.side == "{side.value}" && '
        f"{_set(item for item in STAGES if item not in AGREED_STAGES[side])}.contains(context.stage.stage))"
        for side in Side
    )
    asking = " || ".join(
        f'(context.stage.side == "{side.value}" && {_set(AGREED_STAGES[side])}.contains(context.stage.stage))'
        for side in Side
    )
    staged = _and(_held("stage"))
    return f'(context.deal == "" || ({staged} && (({free}) || (({asking}) && {_and(_agreement())}))))'


def _held(name: str) -> list[str]:
    return [
        f"context has {name}",
        f"context.{name}.start <= context.now",
        f"context.now < context.{name}.until",
    ]


def _grant(action: Action) -> list[str]:
    same = [f"context.grant.{name} == context.{name}" for name in ("purpose", "deal", "scope")]
    return [
        *_held("grant"),
        "context.grant.asker == context.answers",
        'context.grant.approver != ""',
        "context.grant.approver != context.grant.asker",
        f"context.grant.action == {json.dumps(action.value)}",
        *same,
        'context.purpose != ""',
        "context.grant.classes.containsAll(context.classes)",
        "1 <= context.count",
        "context.count <= context.grant.left",
    ]


def _approval(wanted: frozenset[Role]) -> list[str]:
    return [
        f"!({_SERVICE})",
        "context has second",
        "context.second.digest == context.act",
        'context.second.approver != ""',
        "context.second.approver != context.person",
        '!(context.second.approver like "svc_*")',
        "context.second.approver != context.second.asker",
        f"context.second.approver_roles.containsAny({_set(role.value for role in wanted)})",
        "context.second.at <= context.now",
        "context.now < context.second.until",
        "!context.second.approver_frozen",
    ]


def _clear() -> list[str]:
    sides = " || ".join(
        f'(context.stage.side == "{side.value}" && {_set(CLEAR_STAGES[side])}.contains(context.stage.stage))'
        for side in Side
    )
    staged = " && ".join(_held("stage"))
    return [
        "!context.classes.isEmpty()",
        f"{_set(item.value for item in SEALABLE)}.containsAll(context.classes)",
        f'(context.deal == "" || ({staged} && ({sides})))',
    ]


def _set(words: Iterable[str]) -> str:
    return "[" + ", ".join(json.dumps(word) for word in sorted(words)) + "]"
