"""Deals: who sells to whom, under which agreement, at which stage, and what may be told of the customers meanwhile.

The exchange: import and confirm cards, ``invite``, ``accept``, ``conclude``. Stages move through gates that read facts;
verbs take ``tx``, ``ledger`` and keyword arguments, and the decision who may call them was made before.
Invariants: no card is believed that two persons did not confirm; an agreement is in force only with both signatures on
one text, and any change suspends it; no gate opens on what is missing, expired or cannot be checked, unless two
persons waived it by name and for a time; a row edited in the database opens nothing.
"""

from tigertally.deals.agreements import SuspendReason, bring_into_force, suspend
from tigertally.deals.agreements import sign as sign_agreement
from tigertally.deals.clauses import BLOCK_TITLES, STANDARD, draft, templates
from tigertally.deals.clauses import check as check_agreement
from tigertally.deals.conditions import CONDITIONS, WAIVABLE, GateFacts
from tigertally.deals.disclosure import K_MIN, Band, Cell, Level, banded, permits, ranged
from tigertally.deals.dossier import Deal, Standing, all_deals, answer_structure, open_deal, standing
from tigertally.deals.dossier import find as find_deal
from tigertally.deals.errors import (
    AgreementChanged,
    AgreementExpired,
    AlreadyConcluded,
    AnotherAgreement,
    AnotherDeal,
    AnotherParty,
    BadDeal,
    BadMove,
    BadWaiver,
    CardDiffers,
    ClausesFaulty,
    DatedInFuture,
    DealNotProved,
    DealOver,
    FingerprintDiffers,
    GateClosed,
    NoInvitation,
    NoSuchDeal,
    NoSuchParty,
    NoSuchTemplate,
    NotConcluded,
    NotInForce,
    NotOurInvitation,
    NotWaivable,
    OldVersion,
    OwnCard,
    PartyNotConfirmed,
    ReasonNeeded,
    ScopeTaken,
    StructureUnknown,
    WrongSide,
)
from tigertally.deals.exchange import accept, conclude, invite
from tigertally.deals.facts import (
    INVENTORY_RECORDED,
    PARTY_CONFIRMED,
    PROTECTED,
    SAD_PURGED,
    SEALED,
    STRUCTURE_ANSWERED,
    WAIVED,
)
from tigertally.deals.gates import GATES, WAIVER_MAX, Judgement, gate, judge
from tigertally.deals.parties import Party, confirm, confirmed_card, import_card
from tigertally.deals.parties import everybody as all_parties
from tigertally.deals.parties import find as find_party
from tigertally.deals.records import (
    INVENTORY_AGE_MAX,
    record_inventory,
    record_protected,
    record_sad_purged,
    record_sealed,
)
from tigertally.deals.signers import InForce, Signed, in_force, sign_personally, signers
from tigertally.deals.stages import DEAD, STAGE_TITLES, MoveReason, look, move, moves
from tigertally.deals.structure import STRUCTURES, StructureRule
from tigertally.deals.waivers import WaiverReason, waive

__all__ = [
    "BLOCK_TITLES",
    "CONDITIONS",
    "DEAD",
    "GATES",
    "INVENTORY_AGE_MAX",
    "INVENTORY_RECORDED",
    "K_MIN",
    "PARTY_CONFIRMED",
    "PROTECTED",
    "SAD_PURGED",
    "SEALED",
    "STAGE_TITLES",
    "STANDARD",
    "STRUCTURES",
    "STRUCTURE_ANSWERED",
    "WAIVABLE",
    "WAIVED",
    "WAIVER_MAX",
    "AgreementChanged",
    "AgreementExpired",
    "AlreadyConcluded",
    "AnotherAgreement",
    "AnotherDeal",
    "AnotherParty",
    "BadDeal",
    "BadMove",
    "BadWaiver",
    "Band",
    "CardDiffers",
    "Cell",
    "ClausesFaulty",
    "DatedInFuture",
    "Deal",
    "DealNotProved",
    "DealOver",
    "FingerprintDiffers",
    "GateClosed",
    "GateFacts",
    "InForce",
    "Judgement",
    "Level",
    "MoveReason",
    "NoInvitation",
    "NoSuchDeal",
    "NoSuchParty",
    "NoSuchTemplate",
    "NotConcluded",
    "NotInForce",
    "NotOurInvitation",
    "NotWaivable",
    "OldVersion",
    "OwnCard",
    "Party",
    "PartyNotConfirmed",
    "ReasonNeeded",
    "ScopeTaken",
    "Signed",
    "Standing",
    "StructureRule",
    "StructureUnknown",
    "SuspendReason",
    "WaiverReason",
    "WrongSide",
    "accept",
    "all_deals",
    "all_parties",
    "answer_structure",
    "banded",
    "bring_into_force",
    "check_agreement",
    "conclude",
    "confirm",
    "confirmed_card",
    "draft",
    "find_deal",
    "find_party",
    "gate",
    "import_card",
    "in_force",
    "invite",
    "judge",
    "look",
    "move",
    "moves",
    "open_deal",
    "permits",
    "ranged",
    "record_inventory",
    "record_protected",
    "record_sad_purged",
    "record_sealed",
    "sign_agreement",
    "sign_personally",
    "signers",
    "standing",
    "suspend",
    "templates",
    "waive",
]
