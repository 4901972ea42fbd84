"""Who may do what: persons, factors, sessions, grants, approvals, and the one decision.

Floor 5. Everybody asks here; what is asked is recorded in the ledger before the answer is used. The table of
actions is ``policy``; the pure function is ``decision``; ``guard`` loads, decides and records. Facts about
people, deals and keys are stated by wings above (kinds in ``facts``) and read here through the ledger.

Invariants: anything not in the policy table is denied; every condition can only turn yes into no; what is
missing, expired, ill-typed or from the future is unmet; the second person is never the first.
"""

from tigertally.access.approvals import Approval
from tigertally.access.asking import Decision, Request, Unmet
from tigertally.access.decision import decide
from tigertally.access.errors import NotAllowed
from tigertally.access.facts import (
    AGREEMENT_IN_FORCE,
    AGREEMENT_SIGNED,
    DEAL_STAGE,
    KEY_ACTIVE,
    PERSON_FROZEN,
    PERSON_PLEDGED,
    PERSON_SCREENED,
    PERSON_TRAINED,
)
from tigertally.access.grants import Grant
from tigertally.access.guard import Access, Actor
from tigertally.access.identities import Person
from tigertally.access.policy import Action, Purpose, Role

__all__ = [
    "AGREEMENT_IN_FORCE",
    "AGREEMENT_SIGNED",
    "DEAL_STAGE",
    "KEY_ACTIVE",
    "PERSON_FROZEN",
    "PERSON_PLEDGED",
    "PERSON_SCREENED",
    "PERSON_TRAINED",
    "Access",
    "Action",
    "Actor",
    "Approval",
    "Decision",
    "Grant",
    "NotAllowed",
    "Person",
    "Purpose",
    "Request",
    "Role",
    "Unmet",
    "decide",
]
