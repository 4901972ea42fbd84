"""Who may do what, in one table.

Every verb that touches anything names an :class:`Action`; an action that is not in :data:`POLICY` is denied.
A rule lists who (roles), how sure we must be that it is them (age of the second factor), and which gates
stand in the way. Gates only subtract. Times are seconds. Sources: PCI DSS 7.2 (need to know), 8.4 (MFA), 12.6
(training), 12.7 (screening); law facts §8 for stages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from tigertally.base import canon
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex


class Role(Enum):
    """Roles. One person may have several; two-person acts still need two persons."""

    LEAD = "lead"
    OFFICER = "officer"
    CUSTODIAN = "custodian"
    OPERATOR = "operator"
    AUDITOR = "auditor"


ROLE_TITLES: Final[dict[Role, Text]] = {
    Role.LEAD: Text("数据安全负责人", "data-security lead"),
    Role.OFFICER: Text("合规审批人", "compliance officer"),
    Role.CUSTODIAN: Text("数据保管员", "data custodian"),
    Role.OPERATOR: Text("业务操作员", "operator"),
    Role.AUDITOR: Text("审计员", "auditor"),
}


class Purpose(Enum):
    """Why somebody wants to see a value."""

    REFUND = "refund"
    DISPUTE = "dispute"
    FRAUD_REVIEW = "fraud_review"
    LEGAL_ORDER = "legal_order"
    CUSTOMER_REQUEST = "customer_request"


class Action(Enum):
    """Everything that needs a decision."""

    PEOPLE_MANAGE = "people.manage"
    PEOPLE_SENIOR = "people.senior"
    PEOPLE_ATTEST = "people.attest"
    DISCOVERY_RECORD = "discovery.record"
    SEAL = "sealing.seal"
    PROTECT = "sealing.protect"
    VIEW = "vault.view"
    REVEAL = "vault.reveal"
    ERASE = "vault.erase"
    ROTATE = "vault.rotate"
    GRANT_ASK = "access.grant_ask"
    GRANT_APPROVE = "access.grant_approve"
    APPROVE = "access.approve"
    DEAL_MANAGE = "deals.manage"
    PARTY_CONFIRM = "deals.party_confirm"
    STAGE = "deals.stage"
    WAIVE = "deals.waive"
    RELEASE = "handover.release"
    BUNDLE = "handover.bundle"
    RECEIVE = "handover.receive"
    DESTROY = "handover.destroy"
    LEDGER_READ = "ledger.read"


class Side(Enum):
    """Which side of a deal this installation is on."""

    SELLER = "seller"
    BUYER = "buyer"


STAGES: Final = ("S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9")

# Stages in which the holder of the data may still (seller) or already (buyer) see clear values.
CLEAR_STAGES: Final[dict[Side, frozenset[str]]] = {
    Side.SELLER: frozenset((*STAGES[:7], "S9")),
    Side.BUYER: frozenset({"S7", "S8"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one action asks. ``factor_age_max_s`` 0 means: a session is enough."""

    roles: frozenset[Role]
    factor_age_max_s: int = 0
    trained: bool = False
    screened: bool = False
    pledged: bool = False
    grant: bool = False
    second_person: frozenset[Role] = frozenset()
    agreement: bool = False
    stages: frozenset[str] = frozenset()
    clear_values: bool = False


_FRESH_S: Final = 300
_DAY_S: Final = 8 * 3600
SENIOR: Final = frozenset({Role.LEAD, Role.OFFICER})
"""Roles that can be a second person."""

_SECOND: Final = SENIOR
_ALL: Final = frozenset(Role)


POLICY: Final[dict[Action, Rule]] = {
    Action.PEOPLE_MANAGE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S),
    # Who can be a second person is not for one person to decide, once there are two.
    Action.PEOPLE_SENIOR: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.PEOPLE_ATTEST: Rule(roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S),
    Action.DISCOVERY_RECORD: Rule(roles=frozenset({Role.LEAD, Role.CUSTODIAN}), factor_age_max_s=_DAY_S),
    Action.SEAL: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}), factor_age_max_s=_DAY_S, trained=True, screened=True, pledged=True
    ),
    Action.PROTECT: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}), factor_age_max_s=_DAY_S, trained=True, screened=True, pledged=True
    ),
    Action.VIEW: Rule(roles=frozenset({Role.LEAD, Role.OPERATOR, Role.OFFICER}), factor_age_max_s=_DAY_S, pledged=True),
    Action.REVEAL: Rule(
        roles=frozenset({Role.OPERATOR}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        grant=True,
        clear_values=True,
    ),
    Action.ERASE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.ROTATE: Rule(roles=frozenset({Role.LEAD, Role.CUSTODIAN}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.GRANT_ASK: Rule(roles=frozenset({Role.OPERATOR, Role.CUSTODIAN}), factor_age_max_s=_DAY_S),
    Action.GRANT_APPROVE: Rule(roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S),
    Action.APPROVE: Rule(roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S),
    Action.DEAL_MANAGE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S),
    Action.PARTY_CONFIRM: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.WAIVE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.STAGE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S),
    Action.RELEASE: Rule(
        roles=frozenset({Role.LEAD}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        agreement=True,
        second_person=_SECOND,
        stages=frozenset({"S5", "S6", "S7"}),
    ),
    Action.BUNDLE: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        agreement=True,
        stages=frozenset({"S7"}),
    ),
    Action.RECEIVE: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        agreement=True,
        stages=frozenset({"S7"}),
    ),
    Action.DESTROY: Rule(
        roles=frozenset({Role.LEAD}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        second_person=_SECOND,
        stages=frozenset({"S7", "S8", "S9"}),
    ),
    Action.LEDGER_READ: Rule(roles=_ALL),
}


@cache
def policy_digest() -> str:
    """Return SHA-256 (hex) of the table in canonical form; every decision records it."""
    table: dict[str, canon.Json] = {}
    for action, rule in POLICY.items():
        table[action.value] = {
            "roles": sorted(role.value for role in rule.roles),
            "factor_age_max_s": rule.factor_age_max_s,
            "trained": rule.trained,
            "screened": rule.screened,
            "pledged": rule.pledged,
            "grant": rule.grant,
            "second_person": sorted(role.value for role in rule.second_person),
            "agreement": rule.agreement,
            "stages": sorted(rule.stages),
            "clear_values": rule.clear_values,
        }
    return sha256_hex(canon.dumps(table))
