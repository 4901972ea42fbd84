"""Discovery: find every place where customer payment data lies, and say how sure each finding is.

``scan`` reads a tree once and returns an :class:`Inventory`; ``find_spans`` gives exact places in a text for
those who replace values. Invariants: read-only; a clear value never enters a report, a log or an error;
every object ends in a coverage row; limits on everything a hostile file could make large. Leaves to
others: plans and protected copies (``sealing``), what may be kept (``base.fields``).
"""

from tigertally.discovery.core import engine
from tigertally.discovery.detectors import Detectors, using
from tigertally.discovery.encodings import Encoding, detect_encoding
from tigertally.discovery.errors import BadDetector, BadInventory, NoSuchRoot
from tigertally.discovery.folding import bare_number
from tigertally.discovery.headers import header_row
from tigertally.discovery.inventory import (
    RULESET,
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
from tigertally.discovery.labels import Meaning, meaning
from tigertally.discovery.naming import column_names, safe_name
from tigertally.discovery.own import own_detectors
from tigertally.discovery.report import from_json, to_json
from tigertally.discovery.scan import scan
from tigertally.discovery.spans import Spans, find_spans

__all__ = [
    "RULESET",
    "BadDetector",
    "BadInventory",
    "Confidence",
    "Detectors",
    "Dialect",
    "Encoding",
    "Evidence",
    "Finding",
    "Inventory",
    "Kind",
    "Meaning",
    "NoSuchRoot",
    "ObjectReport",
    "Place",
    "PlaceKind",
    "Reason",
    "Spans",
    "Status",
    "Totals",
    "bare_number",
    "column_names",
    "detect_encoding",
    "engine",
    "find_spans",
    "from_json",
    "header_row",
    "meaning",
    "own_detectors",
    "safe_name",
    "scan",
    "to_json",
    "using",
]
