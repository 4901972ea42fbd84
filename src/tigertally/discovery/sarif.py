"""An inventory as SARIF 2.1.0 (OASIS), for the tools that read it: code scanning, dashboards, ticket systems.

A finding is a result; its class is the rule, its tier the level (certain: error, likely: warning, possible: note), its
object the location, its table, column or key the logical location. Accepted findings are suppressed with their reason.
What was not read whole is a notification of the run. Only masked examples are in it. The fingerprint is of class and
place, never of a value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from tigertally.base.canon import Json
from tigertally.base.clock import to_text
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.text import Lang
from tigertally.discovery.baseline import Accepted, Judged, all_tests
from tigertally.discovery.inventory import Confidence, Finding, Inventory, ObjectReport, PlaceKind, Status

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[Mapping[Confidence, str]] = {
    Confidence.CERTAIN: "error",
    Confidence.LIKELY: "warning",
    Confidence.POSSIBLE: "note",
}


def to_sarif(inventory: Inventory, judged: Judged, *, lang: Lang, version: str) -> str:
    """Return the SARIF log of ``inventory``, as ``judged`` by a baseline (an empty one leaves all open)."""
    results: list[Json] = [_result(finding, None, lang) for finding in judged.open]
    results += [_result(finding, entry, lang) for finding, entry in judged.accepted]
    notes: list[Json] = [_note(report, lang) for report in inventory.objects if report.status is not Status.SCANNED]
    rules: list[Json] = [_rule(cls, lang) for cls in FieldClass]
    run: Json = {
        "tool": {"driver": {"name": "Tigertally", "version": version, "rules": rules}},
        "automationDetails": {"id": f"discover/{inventory.root}/{inventory.ruleset}"},
        "invocations": [
            {
                "executionSuccessful": True,
                "startTimeUtc": to_text(inventory.started),
                "endTimeUtc": to_text(inventory.finished),
                "toolExecutionNotifications": notes,
            }
        ],
        "results": results,
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def _rule(cls: FieldClass, lang: Lang) -> Json:
    rule = FIELD_RULES[cls]
    return {
        "id": cls.value,
        "name": "".join(part.title() for part in cls.value.split("_")),
        "shortDescription": {"text": rule.title.render(lang)},
        "properties": {"jrt0171": rule.tier.name, "pci": rule.pci, "destiny": rule.destiny.value},
    }


def _result(finding: Finding, entry: Accepted | None, lang: Lang) -> Json:
    title = FIELD_RULES[finding.field].title.render(lang)
    reasons = "; ".join(reason.say(lang) for reason in finding.reasons)
    shown = ", ".join(finding.examples)
    location: dict[str, Json] = {"physicalLocation": {"artifactLocation": {"uri": quote(finding.object)}}}
    place = "/".join(part for part in (finding.place.table, finding.place.name) if part)
    if finding.place.kind is not PlaceKind.TEXT and place:
        kind = "member" if finding.place.kind is PlaceKind.COLUMN else "object"
        location["logicalLocations"] = [{"fullyQualifiedName": place, "kind": kind}]
    where = f"{finding.object}\n{place}\n{finding.field.value}\n{finding.detail}"
    result: dict[str, Json] = {
        "ruleId": finding.field.value,
        "level": "none" if all_tests(finding) else _LEVELS[finding.tier],
        "message": {"text": f"{title} × {finding.count} ({shown}): {reasons}"},
        "locations": [location],
        "partialFingerprints": {"place/v1": hashlib.sha256(where.encode("utf-8", "replace")).hexdigest()[:32]},
        "properties": {
            "tier": finding.tier.value,
            "count": finding.count,
            "distinct": finding.distinct,
            "detail": finding.detail,
            "testNumbers": all_tests(finding),
        },
    }
    if entry is not None:
        said = f"{entry.reason} ({entry.person}, {entry.expires.isoformat()})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": said}]
    return result


def _note(report: ObjectReport, lang: Lang) -> Json:
    why = "" if report.reason is None else report.reason.render(lang)
    return {
        "level": "error" if report.status is Status.FAILED else "warning",
        "message": {"text": f"{report.path}: {report.status.value}: {why}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(report.path)}}}],
    }
