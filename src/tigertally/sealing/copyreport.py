"""What a protected copy holds and what was left out of it, and its written form.

The report lies inside the finished copy. It has counts and names, never a value. It is plain on purpose: it proves
nothing to others, and whoever could change it could change the copy beside it; the decision to make a copy, its plan
and its place, and within a deal its counts, are in the ledger. Invariant: every object of the inventory is in exactly
one of ``objects`` and ``left_out``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from tigertally.base import canon
from tigertally.base.canon import Json, NotCanonical
from tigertally.base.fields import FieldClass
from tigertally.base.text import Text
from tigertally.sealing.errors import CopyBroken
from tigertally.sealing.rewriters.shield import Count

REPORT_FORMAT: Final = "tigertally-copy-v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedObject:
    """One file of the copy: whether it was rewritten or is the same bytes, its size, and what was replaced in it."""

    path: str
    rewritten: bool
    size: int
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An object, or a member of an archive, that is not in the copy, and why."""

    path: str
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectReport:
    """The whole copy. ``plan_digest`` binds it to the plan and the inventory it was made from."""

    plan_digest: str
    objects: tuple[CopiedObject, ...]
    left_out: tuple[LeftOut, ...]

    def totals(self) -> tuple[Count, ...]:
        """Return the counts of all objects, by class."""
        sealed: Counter[FieldClass] = Counter()
        purged: Counter[FieldClass] = Counter()
        unknown: Counter[FieldClass] = Counter()
        for count in (count for one in self.objects for count in one.counts):
            sealed[count.cls] += count.sealed
            purged[count.cls] += count.purged
            unknown[count.cls] += count.unknown
        classes = sorted({*sealed, *purged, *unknown}, key=lambda cls: cls.value)
        return tuple(Count(cls=cls, sealed=sealed[cls], purged=purged[cls], unknown=unknown[cls]) for cls in classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of one file of the estate: its copy if there is one, and what was left out of it."""

    copied: CopiedObject | None
    left_out: tuple[LeftOut, ...]


def report_bytes(report: ProtectReport) -> bytes:
    """Return the canonical JSON of ``report``."""
    return canon.dumps(
        {
            "format": REPORT_FORMAT,
            "plan_digest": report.plan_digest,
            "objects": [_copied_json(one) for one in report.objects],
            "left_out": [_left_json(one) for one in report.left_out],
        }
    )


def parse_report(data: bytes) -> ProtectReport:
    """Return the report of :func:`report_bytes`; anything else raises :class:`CopyBroken`."""
    tree = _object(data)
    if tree.get("format") != REPORT_FORMAT:
        raise CopyBroken(object="report")
    return ProtectReport(
        plan_digest=_text(tree.get("plan_digest")),
        objects=tuple(_copied(one) for one in _list(tree.get("objects"))),
        left_out=tuple(_left(one) for one in _list(tree.get("left_out"))),
    )


def made_bytes(made: Made) -> bytes:
    """Return the canonical JSON of one file's outcome: the done-marker of a copy in progress."""
    return canon.dumps(
        {
            "copied": None if made.copied is None else _copied_json(made.copied),
            "left_out": [_left_json(one) for one in made.left_out],
        }
    )


def parse_made(data: bytes) -> Made:
    """Return the outcome of :func:`made_bytes`; anything else raises :class:`CopyBroken`."""
    tree = _object(data)
    copied = tree.get("copied")
    return Made(
        copied=None if copied is None else _copied(copied),
        left_out=tuple(_left(one) for one in _list(tree.get("left_out"))),
    )


def _copied_json(one: CopiedObject) -> Json:
    return {
        "path": one.path,
        "rewritten": one.rewritten,
        "size": one.size,
        "counts": [
            {"class": count.cls.value, "sealed": count.sealed, "purged": count.purged, "unknown": count.unknown}
            for count in one.counts
        ],
    }


def _left_json(one: LeftOut) -> Json:
    return {"path": one.path, "reason": {"zh": one.reason.zh, "en": one.reason.en}}


def _copied(value: Json) -> CopiedObject:
    tree = _dict(value)
    counts = []
    for entry in map(_dict, _list(tree.get("counts"))):
        cls = next((cls for cls in FieldClass if cls.value == entry.get("class")), None)
        if cls is None:
            raise CopyBroken(object="report")
        sealed, purged, unknown = (_int(entry.get(key)) for key in ("sealed", "purged", "unknown"))
        counts.append(Count(cls=cls, sealed=sealed, purged=purged, unknown=unknown))
    return CopiedObject(
        path=_text(tree.get("path")),
        rewritten=tree.get("rewritten") is True,
        size=_int(tree.get("size")),
        counts=tuple(counts),
    )


def _left(value: Json) -> LeftOut:
    tree = _dict(value)
    reason = _dict(tree.get("reason"))
    return LeftOut(path=_text(tree.get("path")), reason=Text(_text(reason.get("zh")), _text(reason.get("en"))))


def _object(data: bytes) -> dict[str, Json]:
    try:
        return _dict(canon.loads(data))
    except NotCanonical:
        raise CopyBroken(object="report") from None


def _dict(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise CopyBroken(object="report")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise CopyBroken(object="report")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise CopyBroken(object="report")
    return value


def _int(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise CopyBroken(object="report")
    return value
