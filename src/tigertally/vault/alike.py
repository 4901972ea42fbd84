"""Values that are spelled otherwise than their rule would spell them (``normal``): entries that let a search find them.

An entry leads from the token that the one spelling has, or would have, to the token of the value as it stands. A value
that is spelled so already needs none, so to most columns nothing is added: a search asks for the one spelling itself
and for what leads from it. What the entries tell without keys: which values are equal but for spelling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.store.tx import Tx
from tigertally.vault import index, normal, tokens
from tigertally.vault.index import runs
from tigertally.vault.index.runs import Halves, Numbers
from tigertally.vault.index.sql import IndexKind
from tigertally.vault.keyring import VaultKeys


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Spelled:
    """Of a column of values: which are spelled otherwise, and the token that the one spelling of each would have."""

    at: Numbers
    tokens: Halves


def spelled(keys: VaultKeys, *, codes: npt.NDArray[np.uint8], texts: bytes, edges: Numbers) -> Spelled:
    """Look at values (shapes as in ``normal.unlike``). Needs no database."""
    at, forms = normal.unlike(codes, texts, edges)
    return Spelled(at=at, tokens=tokens.derive(keys.token, codes[at].tolist(), forms))


def remember(tx: Tx, *, scope: str, found: Spelled, given: Halves, stored: npt.NDArray[np.bool_]) -> None:
    """Add the entries of the values that are ``stored``; ``given`` are the tokens of the whole column."""
    mine = stored[found.at]
    ones, as_they_stand = found.tokens[mine], given[found.at[mine]]
    first, _ = runs.firsts(as_they_stand)
    index.add(tx, scope=scope, kind=IndexKind.ALIKE, keys=ones[first], payloads=as_they_stand[first])


def spellings(cls: FieldClass, value: str) -> list[str]:
    """Return a value, and its one spelling if it has another: what a search asks for."""
    rule = normal.RULES.get(cls)
    return list(dict.fromkeys(filter(None, (value, rule(value) if rule else ""))))


def others(tx: Tx, keys: VaultKeys, *, cls: FieldClass, value: str) -> Halves:
    """Return the tokens of the values whose one spelling is that of ``value``, but which are spelled otherwise."""
    rule = normal.RULES.get(cls)
    form = rule(value).encode("utf-8", "surrogatepass") if rule else b""
    if not form:
        return np.empty((0, 2), np.uint64)
    one = tokens.derive(keys.token, [FIELD_RULES[cls].code], [form])
    found = index.find(tx, scope=keys.scope, kind=IndexKind.ALIKE, keys=one).payloads
    return found[runs.firsts(found)[0]]


def several(tx: Tx, *, scope: str, held: Halves) -> int:
    """Return how many of the one spellings stand for more than one of the values whose tokens are ``held``."""
    pieces: Sequence[Halves] = [piece.reshape(-1, 4) for piece in index.scan(tx, scope=scope, kind=IndexKind.ALIKE)]
    pairs = np.unique(np.concatenate([np.empty((0, 4), np.uint64), *pieces]), axis=0)
    order = runs.ordered(np.concatenate([held, np.zeros_like(held)], axis=1))
    here = np.zeros(len(pairs), np.bool_)
    here[runs.match(order, pairs[:, 2:]).which] = True
    pairs = pairs[here]
    first, number = runs.firsts(pairs[:, :2])
    times = np.bincount(number, minlength=len(first))
    itself = np.zeros(len(first), np.int64)
    itself[runs.match(order, pairs[first, :2]).which] = 1
    return int((times + itself > 1).sum())
