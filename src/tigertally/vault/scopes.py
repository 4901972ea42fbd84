"""What is settled once for a scope: whether its cards have random tokens or computed ones.

A table maps random tokens, so a card whose row is gone is out of reach; computed ones (``cards``) need none, and
whoever has the token key can undo them. Both in one scope could meet, so the first card that is sealed settles it. It
is stated as a fact; a scope of which nothing is stated has random ones.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.text import Text
from tigertally.ledger import Ledger, facts, register_fact
from tigertally.store.tx import Tx
from tigertally.vault.errors import CardTokensSettled
from tigertally.vault.index import sql


class CardKind(Enum):
    """Where a card's token comes from."""

    RANDOM = "random"
    FF1 = "ff1"


CARD_TOKENS: Final = register_fact("vault.card_tokens", Text("卡号令牌的种类", "how cards get their tokens"), kind=str)
_PAN_CODE: Final = FIELD_RULES[FieldClass.PAN].code


def card_kind(tx: Tx, *, scope: str, ledger: Ledger | None = None) -> CardKind:
    """Return how the scope's cards get their tokens. Given the ledger, the fact is proved."""
    stated = facts.read(tx, ledger=ledger, kinds=[CARD_TOKENS.name], subjects=[scope])
    kinds = [str(fact.value["kind"]) for fact in stated if not fact.withdrawn]
    return CardKind(kinds[-1]) if kinds else CardKind.RANDOM


def settle_cards(tx: Tx, ledger: Ledger, *, scope: str, kind: CardKind, actor: str, now: datetime) -> None:
    """Let the scope's cards have tokens of ``kind``. Raises :class:`CardTokensSettled` if they have others."""
    present = card_kind(tx, scope=scope, ledger=ledger)
    if present is kind:
        return
    if present is not CardKind.RANDOM or sql.read_tally(tx, scope=scope).get(_PAN_CODE):
        raise CardTokensSettled(kind=present.value)
    facts.state(
        tx, ledger, CARD_TOKENS, subject=scope, value={"kind": kind.value}, start=now, until=None, actor=actor, now=now
    )
