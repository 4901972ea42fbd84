"""What every act about a person checks first: that the person exists, and that somebody else acts.

Leaves to others: whether the one who acts may do so (the decision, made before by ``app``).
"""

from __future__ import annotations

from tigertally.access import identities
from tigertally.access.errors import NoSuchPerson, SamePerson
from tigertally.store.tx import Tx


def need_person(tx: Tx, person: str) -> None:
    """Raise ``NoSuchPerson`` unless ``person`` is the id of somebody who is not disabled."""
    if identities.by_id(tx, person) is None:
        raise NoSuchPerson


def need_other(*, subject: str, by: str) -> None:
    """Raise ``SamePerson`` if somebody acts about themselves."""
    if not by or subject == by:
        raise SamePerson
