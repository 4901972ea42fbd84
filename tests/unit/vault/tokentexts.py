"""Tokens as texts, for tests: what the vault keeps as numbers is compared as it stands in a copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.crypto.cmac import ColumnMac
from tigertally.vault import tokens
from tigertally.vault.index.runs import Halves

PAN = FIELD_RULES[FieldClass.PAN].code


def nobody(made: Halves) -> npt.NDArray[np.bool_]:
    """No token is taken."""
    return np.zeros(len(made), np.bool_)


def some(taken: Callable[[list[str]], set[str]]) -> Callable[[Halves], npt.NDArray[np.bool_]]:
    """Those tokens are taken that ``taken`` names."""

    def asked(made: Halves) -> npt.NDArray[np.bool_]:
        texts = card_texts(made)
        refused = taken(texts)
        return np.array([text in refused for text in texts], np.bool_)

    return asked


def card_texts(made: Halves) -> list[str]:
    """Card tokens as they stand in a copy."""
    return tokens.texts(np.full(len(made), PAN, np.uint8), made)


def derived(key: ColumnMac, codes: Sequence[int], values: Sequence[bytes]) -> list[str]:
    """The tokens of values that are no cards, as they stand in a copy."""
    return tokens.texts(np.array(codes, np.uint8), tokens.derive(key, codes, values))
