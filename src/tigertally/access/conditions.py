"""The conditions of a decision: each can only turn yes into no, and says by its code what does not hold.

A condition looks at a request, at what is known and at the rule of its action, and reports the one or two codes of
:data:`UNMET` that do not hold; what it cannot read is unmet too (the caller sees to that). Which conditions an action
has is the rule's to say (``policy.Rule.conditions``). A freeze binds even if it is ill-typed or a few seconds ahead of
this clock: it is the one fact whose absence permits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from tigertally.access import facts as kinds
from tigertally.access.asking import Request, Unmet
from tigertally.access.known import Known
from tigertally.access.policy import SENIOR, STAGES, Role, Rule
from tigertally.access.serving import SERVABLE, SERVICE_DAYS_MAX, is_service
from tigertally.access.stages import AGREED_STAGES, CLEAR_STAGES
from tigertally.access.unmet import UNMET, UNREADABLE
from tigertally.access.volume import UNITS_MAX, units
from tigertally.base.fields import INTERNAL, SEALABLE
from tigertally.ledger import Fact

CLOCK_AHEAD_MAX_S: Final = 5
WAIVER_DAYS_MAX: Final = 90
STRONG: Final = "webauthn"
ASSERTION: Final = "assertion"
GLASS_MAX: Final = timedelta(hours=1)
# What a broken glass stands in for, when a clear value is asked for without a grant.
SET_ASIDE: Final = frozenset(
    {"grant", "trained", "screened", "reviewed", "key", "checked", "witnessed", "factor_strong"}
)
_AHEAD: Final = timedelta(seconds=CLOCK_AHEAD_MAX_S)
_SERVICE_MAX: Final = timedelta(days=SERVICE_DAYS_MAX)
_WAIVED_MAX: Final = timedelta(days=WAIVER_DAYS_MAX)
_STAGES: Final = frozenset(STAGES)
_AGREED: Final = {side.value: stages for side, stages in AGREED_STAGES.items()}
_CLEAR: Final = {side.value: stages for side, stages in CLEAR_STAGES.items()}

# Names of kinds as plain constants: an attribute of an attribute each time is what a microsecond is lost on.
_TRAINED: Final = kinds.PERSON_TRAINED.name
_SCREENED: Final = kinds.PERSON_SCREENED.name
_PLEDGED: Final = kinds.PERSON_PLEDGED.name
_FROZEN: Final = kinds.PERSON_FROZEN.name
_AGREEMENT: Final = kinds.AGREEMENT_IN_FORCE.name
_SIGNED: Final = kinds.AGREEMENT_SIGNED.name
_STAGE: Final = kinds.DEAL_STAGE.name
_KEY: Final = kinds.KEY_ACTIVE.name
_CHECKED: Final = kinds.LEDGER_CHECKED.name
_WITNESSED: Final = kinds.LEDGER_WITNESSED.name
_WAIVED: Final = kinds.CONDITION_WAIVED.name
_REVIEWED: Final = kinds.PERSON_REVIEWED.name
_GLASS: Final = kinds.GLASS_BROKEN.name
_SERVICE: Final = kinds.SERVICE.name

# The kinds of facts that a decision reads, by name.
USED: Final = frozenset(
    (
        _TRAINED,
        _SCREENED,
        _PLEDGED,
        _FROZEN,
        _AGREEMENT,
        _SIGNED,
        _STAGE,
        _KEY,
        _CHECKED,
        _WITNESSED,
        _WAIVED,
        _REVIEWED,
        _GLASS,
        _SERVICE,
    )
)


class Work:
    """One question being answered: what is asked, what is known, what was found wanting."""

    __slots__ = ("_act", "answers", "found", "known", "now", "request", "rule", "unmet", "used")

    def __init__(self, request: Request, rule: Rule, known: Known) -> None:
        self.request = request
        self.rule = rule
        self.known = known
        self.found = known.found
        self._act = ""
        self.now = request.now
        self.answers = request.owner or request.person
        self.unmet: list[Unmet] = []
        self.used: set[int] = set()

    def act(self) -> str:
        """Return the digest of what is asked, computed once."""
        if not self._act:
            self._act = self.request.act_digest()
        return self._act

    def no(self, code: str) -> None:
        """Say that a condition does not hold."""
        self.unmet.append(UNMET[code])

    def unreadable(self, code: str) -> None:
        """Say that what a condition rests on cannot be read."""
        self.unmet.append(UNREADABLE["agreement" if code == "agreed" else code])

    def fact(self, kind: str, subject: str) -> Fact | None:
        """Return the newest fact that holds now, and note that it was used."""
        found = self.found.get((kind, subject))
        if found is None:
            return None
        now = self.now
        for fact in found:
            if fact.start <= now and ((until := fact.until) is None or now < until):
                self.used.add(fact.entry)
                return fact
        return None

    def frozen_by(self, person: str) -> Fact | None:
        """Return a fact that freezes ``person``; one that begins within the clocks' tolerance counts already."""
        found = self.found.get((_FROZEN, person))
        if not found:
            return None
        now = self.now
        for fact in found:
            if fact.start <= now + _AHEAD and (fact.until is None or now < fact.until):
                return fact
        return None

    def approved_by(self, wanted: frozenset[Role]) -> bool:
        """Return whether another person with one of these roles approved exactly this act, and note it.

        A service is none of two persons, on either side.
        """
        request, now = self.request, self.now
        if is_service(request.person):
            return False
        digest = self.act()
        for approval in request.approvals:
            if (
                approval.digest == digest
                and approval.approver
                and approval.approver not in (request.person, approval.asker)
                and not is_service(approval.approver)
                and not wanted.isdisjoint(approval.approver_roles)
                and approval.at <= now < approval.until
                and self.frozen_by(approval.approver) is None
            ):
                self.used.add(approval.entry)
                return True
        return False


def waiver_of(work: Work, code: str) -> Fact | None:
    """Return the newest waiver of ``code`` for this action: by two persons, for at most 90 days, not over."""
    now, action = work.now, work.request.action._value_
    for fact in work.known.of(_WAIVED, kinds.INSTALLATION):
        value, until = fact.value, fact.until
        actions = value["actions"]
        if (
            value["condition"] == code
            and isinstance(actions, list)
            and action in actions
            and until is not None
            and fact.start <= now < until <= fact.start + _WAIVED_MAX
            and value["by"]
            and value["approver"]
            and value["by"] != value["approver"]
        ):
            return fact
    return None


def glass_of(work: Work, code: str) -> Fact | None:
    """Return the glass that was broken for this person, by two persons and not over, if it stands in for ``code``."""
    now = work.now
    if (
        code not in SET_ASIDE
        or not work.rule.grant
        or work.request.grant is not None
        or is_service(work.request.person)
    ):
        return None
    for fact in work.known.of(_GLASS, work.request.person):
        value, until = fact.value, fact.until
        two = value["by"] and value["approver"] and value["by"] != value["approver"]
        if two and until is not None and fact.start <= now < until <= fact.start + GLASS_MAX:
            return fact
    return None


def _role(work: Work) -> None:
    person: object = work.request.person
    if not isinstance(person, str) or not person or work.rule.roles.isdisjoint(work.request.roles):
        work.no("role")


def _frozen(work: Work) -> None:
    if work.now.tzinfo is None:
        raise ValueError("naive datetime")
    fact = work.frozen_by(work.request.person)
    if fact is None and work.request.owner:
        fact = work.frozen_by(work.request.owner)
    if fact is not None:
        work.used.add(fact.entry)
        work.no("frozen")


def _service(work: Work) -> None:
    request = work.request
    if not is_service(request.person):
        if work.answers != request.person:
            work.no("service")
        return
    fact = work.fact(_SERVICE, request.person)
    if (
        fact is None
        or fact.until is None
        or fact.until - fact.start > _SERVICE_MAX
        or not request.owner
        or is_service(request.owner)
        or fact.value["owner"] != request.owner
        or not fact.value["by"]
        or not fact.value["approver"]
        or fact.value["by"] == fact.value["approver"]
    ):
        work.no("service")
        return
    value = fact.value
    if (
        request.action not in SERVABLE
        or request.action._value_ not in _strings(value["actions"])
        or not {item._value_ for item in request.classes}.issubset(_strings(value["classes"]))
        or (request.purpose and request.purpose not in _strings(value["purposes"]))
        or request.deal != value["deal"]
    ):
        work.no("service_fits")
    daily = value["daily"]
    if not isinstance(daily, int) or request.served < 0 or request.served + max(1, request.count) > daily:
        work.no("service_left")


def _factor(work: Work) -> None:
    at = work.request.factor_at
    if at is None or not -CLOCK_AHEAD_MAX_S <= (work.now - at).total_seconds() <= work.rule.factor_age_max_s:
        work.no("factor")


def _factor_bound(work: Work) -> None:
    bound = work.request.factor_act
    if not bound or bound != work.act():
        work.no("factor_bound")


def _factor_strong(work: Work) -> None:
    request = work.request
    # A service signs for this installation and for one use: nothing to phish.
    kind = ASSERTION if is_service(request.person) else STRONG
    if request.factor_kind != kind and not (request.classes and request.classes <= INTERNAL):
        work.no("factor_strong")


def _trained(work: Work) -> None:
    if work.fact(_TRAINED, work.answers) is None:
        work.no("trained")


def _screened(work: Work) -> None:
    fact = work.fact(_SCREENED, work.answers)
    if fact is None or fact.value.get("outcome") != "pass":
        work.no("screened")


def _pledged(work: Work) -> None:
    if work.fact(_PLEDGED, work.answers) is None:
        work.no("pledged")


def _grant(work: Work) -> None:
    request, grant = work.request, work.request.grant
    if grant is None:
        work.no("grant")
        return
    if grant.asker == work.answers and not grant.approver and grant.start <= work.now < grant.until:
        work.no("grant_waits")
    elif grant.asker != work.answers or not grant.approver or grant.approver == grant.asker:
        work.no("grant_person")
    elif not grant.start <= work.now < grant.until:
        work.no("grant_time")
    elif (
        not request.purpose
        or grant.purpose != request.purpose
        or grant.action != request.action._value_
        or grant.deal != request.deal
        or grant.scope != request.scope
        or not grant.classes.issuperset([item._value_ for item in request.classes])
    ):
        work.no("grant_fits")
    elif not 1 <= request.count <= grant.left:
        work.no("grant_left")
    else:
        work.used.add(grant.entry)


def _second_person(work: Work) -> None:
    if not work.approved_by(work.rule.second_person):
        work.no("second_person")


def _agreement(work: Work) -> None:
    fact = work.fact(_AGREEMENT, work.request.deal)
    if fact is None:
        work.no("agreement")
        return
    covered, purposes = _strings(fact.value.get("classes")), _strings(fact.value.get("purposes"))
    wanted = [item._value_ for item in work.request.classes]
    if not wanted or not set(covered).issuperset(wanted):
        work.no("agreement")
    purpose = work.request.purpose
    if not purposes or (purpose and purpose not in purposes):
        work.no("agreed_purpose")
    if not _signed(work, fact.value.get("digest")):
        work.no("agreed_person")


def _signed(work: Work, digest: object) -> bool:
    """Return whether the person signed the very text that is in force, and note it."""
    now, deal = work.now, work.request.deal
    for fact in work.known.of(_SIGNED, work.answers):
        value = fact.value
        if value["deal"] != deal or value["digest"] != digest:
            continue
        if fact.start <= now and (fact.until is None or now < fact.until):
            work.used.add(fact.entry)
            return True
    return False


def _agreed(work: Work) -> None:
    """Ask for the agreement where the deal's stage does. Outside of any deal the pledge is what a person signed."""
    if not work.request.deal:
        return
    fact = work.fact(_STAGE, work.request.deal)
    asking = None if fact is None else _AGREED.get(str(fact.value.get("side")))
    if fact is None or asking is None or fact.value.get("stage") not in _STAGES:
        # Where clear values are asked for, the condition on them says the same.
        if not work.rule.clear_values:
            work.no("stage")
    elif fact.value.get("stage") in asking:
        _agreement(work)


def _strings(value: object) -> list[str]:
    """Return a list of strings; nothing if anything in it is of another type."""
    if not isinstance(value, list):
        return []
    for item in value:
        if not isinstance(item, str):
            return []
    return value


def _stage(work: Work) -> None:
    fact = work.fact(_STAGE, work.request.deal)
    if fact is None or fact.value.get("stage") not in work.rule.stages:
        work.no("stage")


def _clear(work: Work) -> None:
    request = work.request
    if not request.classes or not request.classes <= SEALABLE:
        work.no("class")
    if not request.deal:
        return
    fact = work.fact(_STAGE, request.deal)
    stages = None if fact is None else _CLEAR.get(str(fact.value.get("side")))
    if fact is None or stages is None or fact.value.get("stage") not in stages:
        work.no("clear_stage")


def _volume(work: Work) -> None:
    request = work.request
    asked = units(request.classes, request.count)
    if request.seen >= 0 and asked >= 0 and request.seen + asked < UNITS_MAX:
        return
    if not work.approved_by(SENIOR):
        work.no("volume")


def _reviewed(work: Work) -> None:
    if work.fact(_REVIEWED, work.answers) is None:
        work.no("reviewed")


def _key(work: Work) -> None:
    if work.fact(_KEY, work.request.key) is None:
        work.no("key")


def _checked(work: Work) -> None:
    if work.fact(_CHECKED, kinds.INSTALLATION) is None:
        work.no("checked")


def _witnessed(work: Work) -> None:
    # What is stated of a deal was stated under that deal's own policy, and is withdrawn when the policy changes.
    if work.fact(_WITNESSED, work.request.deal or kinds.INSTALLATION) is None:
        work.no("witnessed")


# By the name in a rule; a condition that cannot be read is unmet by that code.
CONDITIONS: Final[Mapping[str, Callable[[Work], None]]] = {
    "role": _role,
    "frozen": _frozen,
    "service": _service,
    "factor": _factor,
    "factor_bound": _factor_bound,
    "factor_strong": _factor_strong,
    "trained": _trained,
    "screened": _screened,
    "pledged": _pledged,
    "grant": _grant,
    "second_person": _second_person,
    "agreement": _agreement,
    "agreed": _agreed,
    "stage": _stage,
    "class": _clear,
    "volume": _volume,
    "reviewed": _reviewed,
    "key": _key,
    "checked": _checked,
    "witnessed": _witnessed,
}
