"""In which stages of a deal clear values may be seen, and in which under its agreement, by side."""

from __future__ import annotations

from typing import Final

from tigertally.access.policy import STAGES, Side

# Stages in which the holder of the data may still (seller) or already (buyer) see clear values.
CLEAR_STAGES: Final[dict[Side, frozenset[str]]] = {
    Side.SELLER: frozenset((*STAGES[:7], "S9")),
    Side.BUYER: frozenset({"S7", "S8"}),
}

# Stages in which whoever sees a deal's values does so under its agreement: the seller from the data room to closing,
# the buyer once it holds the data. Before, and when the deal died, the seller's customers are its own affair.
AGREED_STAGES: Final[dict[Side, frozenset[str]]] = {
    Side.SELLER: frozenset(STAGES[3:9]),
    Side.BUYER: frozenset(STAGES[1:9]),
}
