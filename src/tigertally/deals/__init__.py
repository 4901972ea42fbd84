"""Deals: who sells to whom under which agreement, and at which stage."""

from tigertally.deals.facts import INVENTORY_RECORDED, PARTY_CONFIRMED, PROTECTED, SAD_PURGED, SEALED, WAIVED

__all__ = ["INVENTORY_RECORDED", "PARTY_CONFIRMED", "PROTECTED", "SAD_PURGED", "SEALED", "WAIVED"]
