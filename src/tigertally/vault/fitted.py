"""Fitting tokens against the vault: spelled for a protected copy, and read back when somebody asks with one.

``fitting`` knows the forms; what a scope holds is asked here.
"""

from __future__ import annotations

from collections.abc import Sequence

from tigertally.base.fields import FieldClass
from tigertally.store.tx import Tx
from tigertally.vault import fitting, index, tokens
from tigertally.vault.errors import NoSuchToken
from tigertally.vault.fitting import FittingTokens
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys
from tigertally.vault.reading import lookup


def lookup_fitting(tx: Tx, keys: VaultKeys, *, cls: FieldClass, column: Sequence[str]) -> list[str | None]:
    """Return the fitting token of each value of a column, None where the scope does not hold it or it has no form."""
    stored = lookup(tx, keys, cls=cls, column=column)
    return FittingTokens(keys.token).spell(cls, column, stored)


def shaped(keys: VaultKeys, *, cls: FieldClass, texts: Sequence[str], fitting_too: bool) -> list[bool]:
    """Return whether each text has the form of a token of its class: what a table holds that was rewritten in place.

    Cards' tokens need no look: they never pass for a card.
    """
    if cls is FieldClass.PAN:
        return [False] * len(texts)
    head = f"tok_{tokens.CLASS_LETTERS.get(cls, '')}"
    out = [text.startswith(head) and tokens.raw(text) is not None for text in texts]
    if fitting_too:
        made = FittingTokens(keys.token).values_of(texts)
        for at, text in enumerate(texts):
            found = made.get(at)
            out[at] = (
                out[at] or (found is not None and found[0] is cls) or (fitting.stored_part(text) or "").startswith(head)
            )
    return out


def as_stored(tx: Tx, keys: VaultKeys, *, token: str) -> str:
    """Return the vault's own token of a fitting one; any other text as it is. Raises ``NoSuchToken``."""
    (stored,) = all_as_stored(tx, keys, texts=[token])
    if not stored:
        raise NoSuchToken
    return stored


def all_as_stored(tx: Tx, keys: VaultKeys, *, texts: Sequence[str]) -> list[str]:
    """Return the vault's own token of each fitting one, "" if it stands for nothing; any other text as it is.

    Those that FF1 made are read by column; those of names, addresses and e-mails one by one.
    """
    out = list(texts)
    left = [at for at, text in enumerate(texts) if not tokens.surely_own(text)]
    asked: dict[FieldClass, tuple[list[int], list[str]]] = {}
    known = FittingTokens(keys.token).values_of([texts[at] for at in left])
    for place, found in known.items():
        at = left[place]
        out[at] = ""
        if found is not None:
            positions, values = asked.setdefault(found[0], ([], []))
            positions.append(at)
            values.append(found[1])
    for cls, (positions, values) in asked.items():
        for at, stored in zip(positions, lookup(tx, keys, cls=cls, column=values), strict=True):
            out[at] = stored or ""
    for place, at in enumerate(left):
        part = None if place in known else fitting.stored_part(texts[at])
        if part is not None:
            out[at] = _begun(tx, keys, part)
    return out


def _begun(tx: Tx, keys: VaultKeys, part: str) -> str:
    """Return the one token of the scope that begins so; "" if there are several: then none is named by it."""
    span = tokens.span(part)
    if span is None:
        return ""
    code, low, high = span
    begun = index.between(tx, scope=keys.scope, kind=IndexKind.TOKEN, low=low, high=high)
    return tokens.text(code, begun[0]) if len(begun) == 1 else ""
