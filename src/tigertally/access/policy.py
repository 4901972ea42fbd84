"""Who may do what, in one table.

Every verb that touches anything names an :class:`Action`; an action that is not in :data:`POLICY` is denied.
A rule lists who (roles), how sure we must be that it is them (age of the second factor), and which gates
stand in the way. Gates only subtract. Times are seconds. Sources: PCI DSS 7.2 (need to know), 8.4 (MFA), 12.6
(training), 12.7 (screening); law facts §8 for stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from tigertally.base import canon
from tigertally.crypto.digest import sha256_hex


class Role(Enum):
    """Roles. One person may have several; two-person acts still need two persons."""

    LEAD = "lead"
    OFFICER = "officer"
    CUSTODIAN = "custodian"
    OPERATOR = "operator"
    AUDITOR = "auditor"


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
    REWRITE = "sealing.rewrite"
    REWRITE_UNDO = "sealing.rewrite_undo"
    REWRITE_COMMIT = "sealing.rewrite_commit"
    VIEW = "vault.view"
    REVEAL = "vault.reveal"
    REVEAL_MANY = "vault.reveal_many"
    REVEAL_PART = "vault.reveal_part"
    PASSWORD_VERIFY = "vault.password_verify"  # noqa: S105 - an act
    UPDATE = "vault.update"
    ERASE = "vault.erase"
    ROTATE = "vault.rotate"
    CUSTODY = "vault.custody"
    CUSTODY_OPEN = "vault.custody_open"
    BACKUP = "vault.backup"
    HOLD_PLACE = "vault.hold_place"
    HOLD_LIFT = "vault.hold_lift"
    RETENTION_SET = "vault.retention_set"
    RETENTION_EVENT = "vault.retention_event"
    RETENTION_RUN = "vault.retention_run"
    CANARY_PLANT = "vault.canary_plant"
    CANARY_WITHDRAW = "vault.canary_withdraw"
    CANARY_TRACE = "vault.trace"
    GRANT_ASK = "access.grant_ask"
    GRANT_APPROVE = "access.grant_approve"
    APPROVE = "access.approve"
    DEAL_MANAGE = "deals.manage"
    AGREEMENT_SIGN = "deals.agreement_sign"
    PARTY_CONFIRM = "deals.party_confirm"
    PARTY_ENGAGE = "deals.party_engage"
    ROUTE = "deals.route"
    STAGE = "deals.stage"
    WAIVE = "deals.waive"
    CONDITION_WAIVE = "access.waive"
    GLASS_BREAK = "access.glass_break"
    GLASS_REVIEW = "access.glass_review"
    RULES_CHANGE = "access.rules_change"
    SELF_MANAGE = "access.self_manage"
    SERVICE_ADD = "access.service_add"
    SERVICE_END = "access.service_end"
    PROVIDER_TRUST = "access.provider_trust"
    RELEASE = "handover.release"
    BUNDLE = "handover.bundle"
    RECEIVE = "handover.receive"
    DESTROY = "handover.destroy"
    LEDGER_READ = "ledger.read"
    QUORUM_SET = "ledger.quorum_set"


class Side(Enum):
    """Which side of a deal this installation is on."""

    SELLER = "seller"
    BUYER = "buyer"


STAGES: Final = ("S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one action asks. ``factor_age_max_s`` 0 means: a session is enough.

    ``agreement`` asks for one in any case; ``agreed`` where the deal's stage does (``stages.AGREED_STAGES``).
    """

    roles: frozenset[Role]
    factor_age_max_s: int = 0
    trained: bool = False
    screened: bool = False
    pledged: bool = False
    grant: bool = False
    second_person: frozenset[Role] = frozenset()
    agreement: bool = False
    agreed: bool = False
    stages: frozenset[str] = frozenset()
    clear_values: bool = False
    factor_bound: bool = False
    factor_strong: bool = False
    volume: bool = False
    key: bool = False
    checked: bool = False
    witnessed: bool = False
    reviewed: bool = False
    conditions: tuple[str, ...] = field(init=False)
    """The names of the conditions to look at, in order; see :mod:`~tigertally.access.conditions`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(name for name, asked in self._asked() if asked))

    def _asked(self) -> tuple[tuple[str, object], ...]:
        return (
            ("role", True),
            ("frozen", True),
            ("service", True),
            ("factor", self.factor_age_max_s),
            ("factor_bound", self.factor_bound),
            ("factor_strong", self.factor_strong),
            ("trained", self.trained),
            ("screened", self.screened),
            ("pledged", self.pledged),
            ("grant", self.grant),
            ("second_person", self.second_person),
            ("agreement", self.agreement),
            ("agreed", self.agreed),
            ("stage", self.stages),
            ("class", self.clear_values),
            ("volume", self.volume),
            ("reviewed", self.reviewed),
            ("key", self.key),
            ("checked", self.checked),
            ("witnessed", self.witnessed),
        )

    def body(self) -> dict[str, canon.Json]:
        """Return the rule as it stands in the canonical form of the table."""
        return {
            "roles": sorted(role.value for role in self.roles),
            "factor_age_max_s": self.factor_age_max_s,
            "second_person": sorted(role.value for role in self.second_person),
            "stages": sorted(self.stages),
            **{name: bool(getattr(self, name)) for name in FLAGS},
        }


FLAGS: Final = (
    "agreed",
    "agreement",
    "checked",
    "clear_values",
    "factor_bound",
    "factor_strong",
    "grant",
    "key",
    "pledged",
    "reviewed",
    "screened",
    "trained",
    "volume",
    "witnessed",
)
"""Members of a rule that ask something or do not."""


_FRESH_S: Final = 300
_DAY_S: Final = 8 * 3600
SENIOR: Final = frozenset({Role.LEAD, Role.OFFICER})
"""Roles that can be a second person."""

_SECOND: Final = SENIOR
_ALL: Final = frozenset(Role)


_SEALING: Final = Rule(
    roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
    factor_age_max_s=_DAY_S,
    trained=True,
    screened=True,
    pledged=True,
    reviewed=True,
)
_CHANGING: Final = Rule(
    roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
    factor_age_max_s=_FRESH_S,
    trained=True,
    screened=True,
    pledged=True,
    reviewed=True,
)

POLICY: Final[dict[Action, Rule]] = {
    Action.PEOPLE_MANAGE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S),
    # Who can be a second person is not for one person to decide, once there are two.
    Action.PEOPLE_SENIOR: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.PEOPLE_ATTEST: Rule(roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S),
    Action.DISCOVERY_RECORD: Rule(roles=frozenset({Role.LEAD, Role.CUSTODIAN}), factor_age_max_s=_DAY_S),
    Action.SEAL: _SEALING,
    Action.PROTECT: _SEALING,
    # Somebody's database is written to, but every value can be put back until two persons end that.
    Action.REWRITE: _CHANGING,
    Action.REWRITE_UNDO: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        second_person=_SECOND,
    ),
    Action.REWRITE_COMMIT: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        second_person=_SECOND,
    ),
    Action.VIEW: Rule(roles=frozenset({Role.LEAD, Role.OPERATOR, Role.OFFICER}), factor_age_max_s=_DAY_S, pledged=True),
    # A clear value of C2 or C3 is never seen on a factor that can be read out over the telephone (NIST SP 800-63B
    # 5.2.5); classes of C1 are (``conditions``).
    Action.REVEAL: Rule(
        roles=frozenset({Role.OPERATOR}),
        factor_age_max_s=_FRESH_S,
        factor_strong=True,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        grant=True,
        clear_values=True,
        volume=True,
        agreed=True,
        key=True,
        checked=True,
    ),
    # What may be shown of a card at most (PCI DSS 3.4.1): a fresh factor and a purpose, but no grant.
    Action.REVEAL_PART: Rule(
        roles=frozenset({Role.OPERATOR}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        agreed=True,
        key=True,
        checked=True,
    ),
    # A grant says how many, which classes and what for; the second person approves these very tokens (DESIGN: two
    # persons for bulk reveals). What was given counts against the day like any other.
    Action.REVEAL_MANY: Rule(
        roles=frozenset({Role.OPERATOR}),
        factor_age_max_s=_FRESH_S,
        factor_strong=True,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        grant=True,
        clear_values=True,
        volume=True,
        agreed=True,
        key=True,
        checked=True,
        second_person=_SECOND,
    ),
    # Yes or no, nothing of the hash; the customer is there, so a day's factor is enough. Tries are counted (``vault``).
    Action.PASSWORD_VERIFY: Rule(
        roles=frozenset({Role.OPERATOR}),
        factor_age_max_s=_DAY_S,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
    ),
    # What a customer's value was is gone afterwards.
    Action.UPDATE: _CHANGING,
    Action.ERASE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.ROTATE: Rule(roles=frozenset({Role.LEAD, Role.CUSTODIAN}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    # Who keeps the root key, and who gets a share of it: never one person's affair (PCI DSS 3.6.1.1, 3.7.6).
    Action.CUSTODY: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
        factor_age_max_s=_FRESH_S,
        screened=True,
        pledged=True,
        reviewed=True,
        second_person=_SECOND,
    ),
    # Other holders' shares are the second persons here.
    Action.CUSTODY_OPEN: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}), factor_age_max_s=_FRESH_S, screened=True, pledged=True
    ),
    # A copy of everything that is sealed leaves; it is sealed once more, to a key that is not here.
    Action.BACKUP: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}), factor_age_max_s=_FRESH_S, screened=True, pledged=True
    ),
    # Stopping is for one, letting go on for two.
    Action.HOLD_PLACE: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S),
    Action.HOLD_LIFT: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S, second_person=_SECOND),
    # An event only lets periods run: what is erased in the end is for two to say, these very customers.
    Action.RETENTION_SET: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.RETENTION_EVENT: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S),
    Action.RETENTION_RUN: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.CANARY_PLANT: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.CANARY_WITHDRAW: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.CANARY_TRACE: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S),
    Action.GRANT_ASK: Rule(roles=frozenset({Role.OPERATOR, Role.CUSTODIAN}), factor_age_max_s=_DAY_S),
    Action.GRANT_APPROVE: Rule(roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S),
    Action.APPROVE: Rule(roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S),
    Action.DEAL_MANAGE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S),
    # Whoever works with a deal's data signs its agreement: only for oneself, so every role may.
    Action.AGREEMENT_SIGN: Rule(roles=_ALL, factor_age_max_s=_FRESH_S, pledged=True),
    Action.PARTY_CONFIRM: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    # Whose word counts as counsel's, and what the law asks of a deal: both decide what a gate asks.
    Action.PARTY_ENGAGE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.ROUTE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.WAIVE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, second_person=_SECOND),
    Action.CONDITION_WAIVE: Rule(
        roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S, second_person=_SECOND
    ),
    Action.GLASS_BREAK: Rule(
        roles=frozenset({Role.OPERATOR, Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S, second_person=_SECOND
    ),
    Action.GLASS_REVIEW: Rule(
        roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S, second_person=_SECOND
    ),
    Action.RULES_CHANGE: Rule(
        roles=frozenset({Role.LEAD, Role.OFFICER}), factor_age_max_s=_FRESH_S, second_person=_SECOND
    ),
    Action.SELF_MANAGE: Rule(roles=_ALL, factor_age_max_s=_FRESH_S),
    # What a program may do here, and with which keys it shows who it is; stopping one is for one.
    Action.SERVICE_ADD: Rule(
        roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, reviewed=True, second_person=_SECOND
    ),
    Action.SERVICE_END: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S),
    # Whose word is taken for who somebody is, and who that is here.
    Action.PROVIDER_TRUST: Rule(
        roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S, reviewed=True, second_person=_SECOND
    ),
    Action.STAGE: Rule(roles=frozenset({Role.LEAD}), factor_age_max_s=_FRESH_S),
    Action.RELEASE: Rule(
        roles=frozenset({Role.LEAD}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        agreement=True,
        second_person=_SECOND,
        stages=frozenset({"S5", "S6", "S7"}),
        checked=True,
        witnessed=True,
    ),
    Action.BUNDLE: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        agreement=True,
        stages=frozenset({"S7"}),
        checked=True,
    ),
    Action.RECEIVE: Rule(
        roles=frozenset({Role.LEAD, Role.CUSTODIAN}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        agreement=True,
        stages=frozenset({"S7"}),
        checked=True,
    ),
    Action.DESTROY: Rule(
        roles=frozenset({Role.LEAD}),
        factor_age_max_s=_FRESH_S,
        trained=True,
        screened=True,
        pledged=True,
        reviewed=True,
        second_person=_SECOND,
        stages=frozenset({"S7", "S8", "S9"}),
        checked=True,
        witnessed=True,
    ),
    Action.LEDGER_READ: Rule(roles=_ALL),
    # Who has to have seen the ledger before an act of a deal is not for one person to say.
    Action.QUORUM_SET: Rule(roles=SENIOR, factor_age_max_s=_FRESH_S, second_person=_SECOND),
}


NOTHING: Final = Rule(roles=frozenset())
"""The rule of an action that the table does not have: nobody has a role for it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """A whole table of rules. ``version`` is 0 for the shipped one; ``digest`` is what every decision records."""

    table: Mapping[Action, Rule]
    version: int = 0
    own: Mapping[str, canon.Json] = field(default_factory=dict)
    """What a document says beside the table (``views``); part of the digest if there is any."""
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", sha256_hex(canon.dumps(self.body())))

    def body(self) -> dict[str, canon.Json]:
        """Return the table in canonical form; the version is no part of it."""
        return {**{action.value: rule.body() for action, rule in self.table.items()}, **self.own}


SHIPPED: Final = Rules(table=POLICY)


def policy_digest() -> str:
    """Return SHA-256 (hex) of the shipped table in canonical form."""
    return SHIPPED.digest
