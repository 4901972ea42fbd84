"""A deal that died before the destruction: the buyer erases what it received, the seller stays whole.

The same steps as any destruction, on the buyer's side, on the ground *deal dead*; the certificate is the buyer's, and
the seller validates it. Nothing is undone at the seller: its vault was never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tigertally.access.policy import Side
from tigertally.base.limits import DELETE_ROWS
from tigertally.crypto.sign import SigningKey
from tigertally.formats.certificate import Signer
from tigertally.formats.statement import Statement
from tigertally.handover import destruction
from tigertally.handover.errors import NotDead
from tigertally.handover.site import Site
from tigertally.handover.terms import DEAD, Terms
from tigertally.vault import KeyKeeper


def unwind(
    site: Site,
    *,
    terms: Terms,
    approved: str,
    signers: Sequence[Signer],
    keeper: KeyKeeper,
    signing: SigningKey,
    compact: Callable[[], None],
    protected: Sequence[Path] = (),
    batch: int = DELETE_ROWS,
) -> Statement:
    """Erase what we received in a dead deal; return the certificate. Arguments as of ``destruction.run``.

    Raises ``WrongSide``, ``NotDead``, ``NothingToUnwind``, ``LastCopy`` and what ``destruction.run`` raises.
    """
    terms.need_side(Side.BUYER)
    if terms.stage != DEAD:
        raise NotDead
    return destruction.run(
        site,
        terms=terms,
        approved=approved,
        signers=signers,
        keeper=keeper,
        signing=signing,
        compact=compact,
        protected=protected,
        batch=batch,
    )
