"""Vectors of backups: the two statements, and flawed ones. Not a test itself."""

from __future__ import annotations

from tests.vectors import world
from tests.vectors.book import Vectors

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.formats import statement
from tigertally.formats.statement import Statement

REFUSED = "formats.malformed"


def build(vectors: Vectors) -> None:
    """Write them."""
    made = statement.parse(vectors.base("backup/backup.json", lambda: world.backup_paper().to_bytes()))
    gone = statement.parse(vectors.base("backup/erasures.json", lambda: world.erasures_paper().to_bytes()))
    flaws: dict[str, tuple[Statement, dict[str, Json], str]] = {
        "no-recipient": (made, {"recipients": []}, "somebody must be able to open it"),
        "recipient-twice": (made, {"recipients": ["key_a", "key_a"]}, "recipients are sorted, each once"),
        "short-root": (made, {"ledger": {"size": 7, "root": "AAAA"}}, "a root has 32 bytes"),
        "unknown-member": (made, {"more": 1}, "unknown members are refused"),
        "beyond-the-ledger": (gone, {"ledger": {"size": 3, "root": "A" * 43 + "="}}, "an entry that is not there yet"),
        "pseudonym-of-no-form": (gone, {"subjects": [{"entry": 3, "pseudonym": "sub_x"}]}, "a pseudonym is hex"),
    }
    for name, (paper, change, why) in flaws.items():
        body = canon.loads(paper.payload)
        assert isinstance(body, dict)
        flawed = Statement(kind=paper.kind, payload=canon.dumps({**body, **change}), signatures=paper.signatures)
        vectors.derived(f"backup/{name}.json", flawed.to_bytes(), expect=REFUSED, why=why)
