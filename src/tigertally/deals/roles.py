"""What a party may be to a deal besides seller and buyer: whoever works for one side (law facts §8)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from tigertally.base.text import Text


class PartyRole(Enum):
    """A party's role, for which two persons engage it."""

    AGENCY = "agency"
    AUDITOR = "auditor"
    COUNSEL = "counsel"
    PSP = "psp"


ROLE_TITLES: Final[dict[PartyRole, Text]] = {
    PartyRole.AGENCY: Text("中介", "agency"),
    PartyRole.AUDITOR: Text("审计或评估机构", "auditor"),
    PartyRole.COUNSEL: Text("律师", "counsel"),
    PartyRole.PSP: Text("收单或支付机构", "acquirer or payment institution"),
}
