"""Sealing: from the estate to the vault, and to a protected copy with tokens in the values' places.

The plan (:mod:`~tigertally.sealing.plan`) says what is which field of whom; ``propose`` makes one from findings, a
person edits its file, ``check`` holds it against the estate. ``read`` takes the values out in columns for the vault;
``protect`` writes the estate again without them. Invariants: sensitive authentication data is never read out and
never copied; both directions agree on when two values are the same; nothing clear is written outside the vault.
"""

from __future__ import annotations

from tigertally.sealing.copyreport import CopiedObject, LeftOut, ProtectReport
from tigertally.sealing.errors import (
    CopyBroken,
    CopyBusy,
    CopyExists,
    CopyInsideEstate,
    CopyNotWritable,
    NotRewritable,
    PlanIncomplete,
    PlanNotValid,
    SourceNotReadable,
)
from tigertally.sealing.extract import Columns, FieldColumn, read
from tigertally.sealing.plan import Action, Extent, Plan, PlanField, PlanMistake, PlanSource, TokenForm
from tigertally.sealing.planfile import dump, load
from tigertally.sealing.proposal import check, propose, uncovered
from tigertally.sealing.protect import protect
from tigertally.sealing.rewriters.shield import Count, TokenLookup
from tigertally.sealing.seal import SealReport, Skipped, seal_estate
from tigertally.sealing.values import normalise

__all__ = [
    "Action",
    "Columns",
    "CopiedObject",
    "CopyBroken",
    "CopyBusy",
    "CopyExists",
    "CopyInsideEstate",
    "CopyNotWritable",
    "Count",
    "Extent",
    "FieldColumn",
    "LeftOut",
    "NotRewritable",
    "Plan",
    "PlanField",
    "PlanIncomplete",
    "PlanMistake",
    "PlanNotValid",
    "PlanSource",
    "ProtectReport",
    "SealReport",
    "Skipped",
    "SourceNotReadable",
    "TokenForm",
    "TokenLookup",
    "check",
    "dump",
    "load",
    "normalise",
    "propose",
    "protect",
    "read",
    "seal_estate",
    "uncovered",
]
