"""What collects vectors: files under a folder, and the list of cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tigertally.base.canon import Json


@dataclass(slots=True, kw_only=True)
class Vectors:
    """Files under ``out``, and the list of cases."""

    out: Path
    cases: list[dict[str, str]] = field(default_factory=list)

    def base(self, name: str, make: Callable[[], bytes], *, expect: str = "accept", why: str = "") -> bytes:
        """Return the base ``name``, made if it is not there."""
        path = self.out / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(make())
        self.cases.append({"file": name, "expect": expect, "why": why or "as the product writes it", "base": "yes"})
        return path.read_bytes()

    def derived(self, name: str, data: bytes, *, expect: str, why: str) -> None:
        """Write a file that follows from a base or from constants."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.cases.append({"file": name, "expect": expect, "why": why, "base": "no"})

    def known(self, name: str, value: Json) -> None:
        """Write known answers, which a test of their own reads."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
