"""How much was seen: items of payment data in units, so that kinds that weigh differently can be added up.

法释 (2017) No. 10, art. 5, calls it serious to provide 50 items of property information, 500 of transaction
information or 5,000 of others, mixed in proportion, and half of that for whoever comes by them in performing duties.
So an item of property information weighs 100, of transaction information 10, of others 1, and :data:`UNITS_MAX` is
half of 5,000.
Whoever would reach it within a day needs a second person for every further value.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from tigertally.base.fields import FieldClass

UNITS_MAX: Final = 2_500
WINDOW: Final = timedelta(days=1)
PROPERTY: Final = 100
TRANSACTION: Final = 10
OTHER: Final = 1

_WEIGHED: Final = {
    FieldClass.PAN: PROPERTY,
    FieldClass.EXPIRY: PROPERTY,
    FieldClass.IBAN: PROPERTY,
    FieldClass.BANK_ACCOUNT: PROPERTY,
    FieldClass.PAYMENT_TOKEN: PROPERTY,
    FieldClass.PASSWORD_HASH: PROPERTY,
    FieldClass.SCHEME_TXN_ID: TRANSACTION,
}
UNITS: Final[dict[FieldClass, int]] = {cls: _WEIGHED.get(cls, OTHER) for cls in FieldClass}


def units(classes: Iterable[FieldClass], count: int) -> int:
    """Return what ``count`` subjects weigh, each with a value of every class."""
    return count * sum([UNITS[cls] for cls in classes])
