"""Discovery: find every place where customer payment data lies, and say how sure each finding is.

``scan`` reads a tree once and returns an :class:`Inventory`; ``find_spans`` gives exact places in a text for
those who replace values. Invariants: read-only; a clear value never enters a report, a log or an error;
every object ends in a coverage row; limits on everything a hostile file could make large. Leaves to
others: plans and protected copies (``sealing``), what may be kept (``base.fields``).
"""

from tigertally.discovery.baseline import Accepted, Judged, all_tests, judge, propose_baseline, read_baseline
from tigertally.discovery.changes import Changes, Spot, compare
from tigertally.discovery.core import engine, slowness
from tigertally.discovery.detectors import Detectors, using
from tigertally.discovery.encodings import Encoding, detect_encoding
from tigertally.discovery.errors import (
    BadAddress,
    BadBaseline,
    BadDetector,
    BadFingerprintKey,
    BadInventory,
    NeedsExtra,
    NoJournal,
    NoSuchRoot,
    SourceUnavailable,
)
from tigertally.discovery.fingerprints import Fingerprints, fingerprinting, read_key
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
from tigertally.discovery.sarif import to_sarif
from tigertally.discovery.scan import scan, scan_origin
from tigertally.discovery.sources.address import connect_server, origin_of, scheme_of
from tigertally.discovery.sources.ports import Origin
from tigertally.discovery.spans import Spans, find_spans
from tigertally.discovery.summary import Summary, Task, summarise

__all__ = [
    "RULESET",
    "Accepted",
    "BadAddress",
    "BadBaseline",
    "BadDetector",
    "BadFingerprintKey",
    "BadInventory",
    "Changes",
    "Confidence",
    "Detectors",
    "Dialect",
    "Encoding",
    "Evidence",
    "Finding",
    "Fingerprints",
    "Inventory",
    "Judged",
    "Kind",
    "Meaning",
    "NeedsExtra",
    "NoJournal",
    "NoSuchRoot",
    "ObjectReport",
    "Origin",
    "Place",
    "PlaceKind",
    "Reason",
    "SourceUnavailable",
    "Spans",
    "Spot",
    "Status",
    "Summary",
    "Task",
    "Totals",
    "all_tests",
    "bare_number",
    "column_names",
    "compare",
    "connect_server",
    "detect_encoding",
    "engine",
    "find_spans",
    "fingerprinting",
    "from_json",
    "header_row",
    "judge",
    "meaning",
    "origin_of",
    "own_detectors",
    "propose_baseline",
    "read_baseline",
    "read_key",
    "safe_name",
    "scan",
    "scan_origin",
    "scheme_of",
    "slowness",
    "summarise",
    "to_json",
    "to_sarif",
    "using",
]
