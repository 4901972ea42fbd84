"""Sealing: from the estate to the vault, and to a protected copy with tokens in the values' places.

The plan (:mod:`~tigertally.sealing.plan`) says what is which field of whom; ``propose`` makes one from findings, a
person edits its file, ``check`` holds it against the estate. ``read`` takes the values out in columns for the vault;
``protect`` writes the estate again without them. Invariants: sensitive authentication data is never read out and
never copied; both directions agree on when two values are the same; nothing clear is written outside the vault.
"""

from __future__ import annotations

from tigertally.sealing.copyreport import CopiedObject, LeftOut, ProtectReport
from tigertally.sealing.errors import (
    ClearValuesLeft,
    CopyBroken,
    CopyBusy,
    CopyExists,
    CopyInsideEstate,
    CopyNotWritable,
    LiveBusy,
    LiveUnavailable,
    NoRewrite,
    NothingLive,
    NotInPlace,
    NotRewritable,
    PlanIncomplete,
    PlanNotValid,
    RewriteElsewhere,
    SourceNotReadable,
    WriterNotNamed,
)
from tigertally.sealing.extract import Columns, FieldColumn, read
from tigertally.sealing.inplace.run import (
    LiveReport,
    LiveWork,
    begin_commit,
    commit_all,
    rewrite_all,
    stand,
    undo_all,
    untouched,
)
from tigertally.sealing.live.opening import place_of
from tigertally.sealing.plan import Action, Estate, Extent, Plan, PlanField, PlanMistake, PlanSource, TokenForm
from tigertally.sealing.planfile import dump, load
from tigertally.sealing.proposal import check, propose, uncovered
from tigertally.sealing.protect import protect
from tigertally.sealing.rewriters.shield import Count, TokenLookup
from tigertally.sealing.seal import SealReport, Skipped, seal_estate
from tigertally.sealing.values import normalise

__all__ = [
    "Action",
    "ClearValuesLeft",
    "Columns",
    "CopiedObject",
    "CopyBroken",
    "CopyBusy",
    "CopyExists",
    "CopyInsideEstate",
    "CopyNotWritable",
    "Count",
    "Estate",
    "Extent",
    "FieldColumn",
    "LeftOut",
    "LiveBusy",
    "LiveReport",
    "LiveUnavailable",
    "LiveWork",
    "NoRewrite",
    "NotInPlace",
    "NotRewritable",
    "NothingLive",
    "Plan",
    "PlanField",
    "PlanIncomplete",
    "PlanMistake",
    "PlanNotValid",
    "PlanSource",
    "ProtectReport",
    "RewriteElsewhere",
    "SealReport",
    "Skipped",
    "SourceNotReadable",
    "TokenForm",
    "TokenLookup",
    "WriterNotNamed",
    "begin_commit",
    "check",
    "commit_all",
    "dump",
    "load",
    "normalise",
    "place_of",
    "propose",
    "protect",
    "read",
    "rewrite_all",
    "seal_estate",
    "stand",
    "uncovered",
    "undo_all",
    "untouched",
]
