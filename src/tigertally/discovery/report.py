"""The inventory as JSON and back: ``tigertally-inventory-v1``, specified in docs/formats/inventory.md.

Invariants: integers only (times in microseconds), every member always present, nothing unknown accepted;
``from_json(to_json(i)) == i`` for every inventory that :func:`tigertally.discovery.scan` makes. Canonical
JSON (``base.canon``) by default, so that a digest of the text identifies the inventory; ``pretty`` for people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Final, TypeVar

from tigertally.base.canon import INT_MAX, Json, dumps
from tigertally.base.clock import BadInstant, from_text, to_text
from tigertally.base.fields import FieldClass
from tigertally.base.text import Text
from tigertally.discovery.errors import BadInventory
from tigertally.discovery.inventory import (
    Confidence,
    Dialect,
    Evidence,
    Finding,
    Inventory,
    Kind,
    ObjectReport,
    Place,
    PlaceKind,
    Reason,
    Status,
    Totals,
)

FORMAT: Final = "tigertally-inventory-v1"
_MICROS: Final = 1_000_000
_TOTALS: Final = ("objects", "scanned", "partly", "skipped", "failed", "files", "bytes", "tree_files", "tree_bytes")

_WHOLE: Final = (
    "format", "root", "ruleset", "started", "finished", "objects", "findings", "fingerprint_key", "totals",
)  # fmt: skip
_PRINT_CHARS: Final = 32
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{32}")
_KEY_ID: Final = re.compile(r"[0-9a-f]{16}")

E = TypeVar("E", bound=Enum)
T = TypeVar("T")


def to_json(inventory: Inventory, *, pretty: bool = False) -> str:
    """Return the inventory's text: canonical JSON, or the same members indented for reading."""
    value: Json = {
        "format": FORMAT,
        "root": inventory.root,
        "ruleset": inventory.ruleset,
        "started": to_text(inventory.started),
        "finished": to_text(inventory.finished),
        "objects": [object_out(report) for report in inventory.objects],
        "findings": [finding_out(finding) for finding in inventory.findings],
        "fingerprint_key": inventory.fingerprint_key,
        "totals": {name: getattr(inventory.totals, name) for name in _TOTALS},
    }
    canonical = dumps(value).decode()
    return json.dumps(json.loads(canonical), ensure_ascii=False, indent=2) + "\n" if pretty else canonical


def from_json(text: str) -> Inventory:
    """Return the inventory in ``text``, however indented; raise :class:`BadInventory` for anything else."""
    try:
        value: Json = json.loads(text, object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadInventory(where="json") from None
    whole = _members(value, "/", *_WHOLE)
    if whole["format"] != FORMAT:
        raise BadInventory(where="/format")
    totals = _members(whole["totals"], "/totals", *_TOTALS)
    inventory = Inventory(
        root=_text(whole["root"], "/root"),
        ruleset=_text(whole["ruleset"], "/ruleset"),
        started=_instant(whole["started"], "/started"),
        finished=_instant(whole["finished"], "/finished"),
        objects=_list(whole["objects"], "/objects", object_in),
        findings=_list(whole["findings"], "/findings", finding_in),
        totals=Totals(**{name: _count(totals[name], f"/totals/{name}") for name in _TOTALS}),
        fingerprint_key=_key_id(whole["fingerprint_key"]),
    )
    known = {report.path for report in inventory.objects}
    if len(known) != len(inventory.objects):
        raise BadInventory(where="/objects")
    if any(finding.object not in known for finding in inventory.findings):
        raise BadInventory(where="/findings")
    return inventory


def object_out(report: ObjectReport) -> Json:
    """Return the written form of one object."""
    dialect: Json = None
    if report.dialect is not None:
        dialect = {
            "delimiter": report.dialect.delimiter,
            "header": report.dialect.header,
            "columns": list(report.dialect.columns),
        }
    return {
        "path": report.path,
        "kind": report.kind.value,
        "encoding": report.encoding,
        "status": report.status.value,
        "reason": None if report.reason is None else {"zh": report.reason.zh, "en": report.reason.en},
        "size": report.size,
        "bytes_read": report.bytes_read,
        "micros": round(report.seconds * _MICROS),
        "stamp": report.stamp,
        "dialect": dialect,
    }


def finding_out(finding: Finding) -> Json:
    """Return the written form of one finding."""
    return {
        "object": finding.object,
        "location": {"kind": finding.place.kind.value, "table": finding.place.table, "name": finding.place.name},
        "class": finding.field.value,
        "tier": finding.tier.value,
        "count": finding.count,
        "distinct": finding.distinct,
        "cells": finding.cells,
        "examples": list(finding.examples),
        "reasons": [
            {"evidence": reason.evidence.value, "number": reason.number, "word": reason.word}
            for reason in finding.reasons
        ],
        "detail": finding.detail,
        "fingerprints": _split(finding.fingerprints.hex()),
    }


def object_in(value: Json, where: str) -> ObjectReport:
    """Return an object from its written form; raise :class:`BadInventory`."""
    names = ("path", "kind", "encoding", "status", "reason", "size", "bytes_read", "micros", "stamp", "dialect")
    row = _members(value, where, *names)
    reason = None
    if row["reason"] is not None:
        said = _members(row["reason"], f"{where}/reason", "zh", "en")
        reason = Text(_text(said["zh"], f"{where}/reason/zh"), _text(said["en"], f"{where}/reason/en"))
    dialect = None
    if row["dialect"] is not None:
        how = _members(row["dialect"], f"{where}/dialect", "delimiter", "header", "columns")
        if not isinstance(how["header"], bool):
            raise BadInventory(where=f"{where}/dialect/header")
        dialect = Dialect(
            delimiter=_text(how["delimiter"], f"{where}/dialect/delimiter"),
            header=how["header"],
            columns=_list(how["columns"], f"{where}/dialect/columns", _text),
        )
    return ObjectReport(
        path=_text(row["path"], f"{where}/path"),
        kind=_enum(Kind, row["kind"], f"{where}/kind"),
        encoding=_optional(row["encoding"], f"{where}/encoding"),
        status=_enum(Status, row["status"], f"{where}/status"),
        reason=reason,
        size=_count(row["size"], f"{where}/size"),
        bytes_read=_count(row["bytes_read"], f"{where}/bytes_read"),
        seconds=_count(row["micros"], f"{where}/micros") / _MICROS,
        dialect=dialect,
        stamp=_optional(row["stamp"], f"{where}/stamp"),
    )


def finding_in(value: Json, where: str) -> Finding:
    """Return a finding from its written form; raise :class:`BadInventory`."""
    names = ("object", "location", "class", "tier", "count", "distinct", "cells", "examples", "reasons", "detail")
    row = _members(value, where, *names, "fingerprints")
    prints = _list(row["fingerprints"], f"{where}/fingerprints", _text)
    if list(prints) != sorted(set(prints)) or not all(map(_FINGERPRINT.fullmatch, prints)):
        raise BadInventory(where=f"{where}/fingerprints")
    place = _members(row["location"], f"{where}/location", "kind", "table", "name")
    return Finding(
        object=_text(row["object"], f"{where}/object"),
        place=Place(
            kind=_enum(PlaceKind, place["kind"], f"{where}/location/kind"),
            table=_optional(place["table"], f"{where}/location/table"),
            name=_optional(place["name"], f"{where}/location/name"),
        ),
        field=_enum(FieldClass, row["class"], f"{where}/class"),
        tier=_enum(Confidence, row["tier"], f"{where}/tier"),
        count=_count(row["count"], f"{where}/count"),
        distinct=_count(row["distinct"], f"{where}/distinct"),
        cells=_count(row["cells"], f"{where}/cells"),
        examples=_list(row["examples"], f"{where}/examples", _text),
        reasons=_list(row["reasons"], f"{where}/reasons", _reason_in),
        detail=_text(row["detail"], f"{where}/detail"),
        fingerprints=bytes.fromhex("".join(prints)),
    )


def _key_id(value: Json) -> str | None:
    named = _optional(value, "/fingerprint_key")
    if named is not None and not _KEY_ID.fullmatch(named):
        raise BadInventory(where="/fingerprint_key")
    return named


def _split(text: str) -> list[Json]:
    return [text[at : at + _PRINT_CHARS] for at in range(0, len(text), _PRINT_CHARS)]


def _reason_in(value: Json, where: str) -> Reason:
    row = _members(value, where, "evidence", "number", "word")
    number = row["number"]
    return Reason(
        evidence=_enum(Evidence, row["evidence"], f"{where}/evidence"),
        number=None if number is None else _count(number, f"{where}/number"),
        word=_optional(row["word"], f"{where}/word"),
    )


def _members(value: Json, where: str, *names: str) -> dict[str, Json]:
    """Return an object with exactly these members."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise BadInventory(where=where)
    return value


def _list(value: Json, where: str, each: Callable[[Json, str], T]) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise BadInventory(where=where)
    return tuple(each(item, f"{where}/{index}") for index, item in enumerate(value))


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise BadInventory(where=where)
    return value


def _optional(value: Json, where: str) -> str | None:
    return None if value is None else _text(value, where)


def _count(value: Json, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= INT_MAX:
        raise BadInventory(where=where)
    return value


def _enum(kinds: type[E], value: Json, where: str) -> E:
    try:
        return kinds(_text(value, where))
    except ValueError:
        raise BadInventory(where=where) from None


def _instant(value: Json, where: str) -> datetime:
    try:
        return from_text(_text(value, where))
    except BadInstant:
        raise BadInventory(where=where) from None


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member comes twice")
    return found


def _refuse(_: str) -> float:
    raise ValueError("not an integer")
