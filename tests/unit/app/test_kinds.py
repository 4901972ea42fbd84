"""Whoever opens an installation knows every kind of entry and fact: seen in a process of its own, as a user's is."""

from __future__ import annotations

import json
import subprocess
import sys

HERE = """
import importlib, json, pkgutil
import tigertally
from tigertally.ledger import event_kinds, fact_kinds
{imports}
print(json.dumps([sorted(event_kinds()), sorted(fact_kinds())]))
"""
EVERYTHING = """
for found in pkgutil.walk_packages(tigertally.__path__, "tigertally."):
    if not found.name.endswith(("__main__", "._core")) and ".migrations" not in found.name:
        importlib.import_module(found.name)
"""


def known(imports: str) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", HERE.format(imports=imports)], capture_output=True, check=True, encoding="utf-8"
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_every_kind_is_known() -> None:
    assert known("import tigertally.app.kinds") == known(EVERYTHING)
