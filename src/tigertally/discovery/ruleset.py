"""Which rules a scan goes by: the version of ours, and a digest of the detectors that a user added."""

from __future__ import annotations

import hashlib

from tigertally.discovery.detectors import active, built_in
from tigertally.discovery.inventory import RULESET


def ruleset() -> str:
    """Return the rules' name: ``2026.2``, and ``+`` with eight hexadecimal digits for detectors of a user's own."""
    ours = {one.digest for one in built_in().all}
    added = sorted(one.digest for one in active().all if one.digest not in ours)
    if not added:
        return RULESET
    return f"{RULESET}+{hashlib.sha256(''.join(added).encode()).hexdigest()[:8]}"
