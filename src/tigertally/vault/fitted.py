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


def as_stored(tx: Tx, keys: VaultKeys, *, token: str) -> str:
    """Return the vault's own token of a fitting one; any other text as it is. Raises ``NoSuchToken``."""
    found = FittingTokens(keys.token).value_of(token)
    if found is not None:
        (stored,) = lookup(tx, keys, cls=found[0], column=[found[1]])
        if stored is None:
            raise NoSuchToken
        return stored
    part = fitting.stored_part(token)
    if part is None:
        return token
    span = tokens.span(part)
    if span is None:
        raise NoSuchToken
    code, low, high = span
    begun = index.between(tx, scope=keys.scope, kind=IndexKind.TOKEN, low=low, high=high)
    if len(begun) != 1:
        raise NoSuchToken  # of names that begin alike, none is named by it
    return tokens.text(code, begun[0])
