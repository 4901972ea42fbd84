"""What a service can be allowed at all, for how long, and which roles it stands in for: bounds that nobody widens."""

from __future__ import annotations

from typing import Final

from tigertally.access.policy import Action, Role

SERVICE_ROLES: Final = frozenset({Role.OPERATOR, Role.CUSTODIAN, Role.AUDITOR})
"""Roles that a service stands in for, as far as its own lists go: none that manages or can be a second person."""

SERVABLE: Final = frozenset(
    {
        Action.DISCOVERY_RECORD,
        Action.SEAL,
        Action.PROTECT,
        Action.VIEW,
        Action.REVEAL,
        Action.REVEAL_PART,
        Action.BACKUP,
        Action.LEDGER_READ,
    }
)
"""What a service can be allowed at all."""

SERVICE_DAYS_MAX: Final = 90
_SERVICE_ID: Final = "svc_"


def is_service(person: str) -> bool:
    """Return whether an id is a service's."""
    return person.startswith(_SERVICE_ID)
