"""Event kinds of deals. Payloads hold ids, digests, versions and code words; never a name or a title."""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import register_event

PARTY_IMPORTED: Final = register_event(
    "deals.party.imported", Text("导入对方名片", "a party's card was imported"), "party", "fingerprint", "replaced"
)
DEAL_OPENED: Final = register_event("deals.deal.opened", Text("建立交易", "a deal was opened"), "deal", "side", "scope")
INVITATION_MADE: Final = register_event(
    "deals.invitation.made",
    Text("发出交易邀请", "an invitation was made"),
    "deal", "invitation", "agreement", "version", "buyer",
)  # fmt: skip
INVITATION_ACCEPTED: Final = register_event(
    "deals.invitation.accepted",
    Text("接受交易邀请", "an invitation was accepted"),
    "deal", "invitation", "acceptance", "agreement", "version", "seller",
)  # fmt: skip
DEAL_CONCLUDED: Final = register_event(
    "deals.deal.concluded",
    Text("交易订立", "a deal was concluded"),
    "deal", "invitation", "acceptance", "agreement", "version", "buyer",
)  # fmt: skip
AGREEMENT_SIGNED: Final = register_event(
    "deals.agreement.signed",
    Text("本人签署协议", "a person signed the agreement"),
    "deal", "person", "agreement", "version",
)  # fmt: skip
AGREEMENT_SUSPENDED: Final = register_event(
    "deals.agreement.suspended", Text("协议中止", "an agreement was suspended"), "deal", "agreement", "reason"
)
STAGE_ENTERED: Final = register_event(
    "deals.stage.entered",
    Text("进入交易阶段", "a deal entered a stage"),
    "deal", "from", "to", "reason", "facts", "waivers",
)  # fmt: skip
OPINION_GIVEN: Final = register_event(
    "deals.opinion.given", Text("作为律师签署意见", "an opinion was given as counsel"), "deal", "opinion", "route"
)
