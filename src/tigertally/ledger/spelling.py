"""Canonical bytes of payloads and leaves, in bulk: the same as by ``base.canon``, an order of magnitude sooner.

A payload has the exact members of its kind, so their order is known before the values are; a leaf's members are all
plain ASCII by construction. What is not a string or a small integer goes through ``base.canon`` itself. That both
ways agree on every input is a law under test (tests/laws/test_ledger_spelling.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from tigertally.base import canon
from tigertally.base.canon import INT_MAX, Json, NotCanonical
from tigertally.formats import leaf as leaves
from tigertally.ledger.events import Event, EventKind

# RFC 8785 §3.2.2.2 escapes what this encoder escapes, and nothing else.
_string: Final = json.JSONEncoder(ensure_ascii=False).encode
read_leaf: Final = leaves.read
_Heads = tuple[tuple[str, str], ...]


def payload_bytes(events: Sequence[Event]) -> list[bytes]:
    """Return the canonical bytes of each event's payload; :class:`NotCanonical` if one has none.

    Every payload must have exactly the members of its kind (``events.check``).
    """
    heads: dict[str, _Heads] = {}
    bodies: list[bytes] = []
    try:
        for event in events:
            kind = event.kind
            known = heads.get(kind.name)
            if known is None:
                known = heads[kind.name] = _heads(kind)
            payload = event.payload
            bodies.append(("{" + "".join([head + _spell(payload[name]) for name, head in known]) + "}").encode())
    except UnicodeEncodeError:
        raise NotCanonical from None
    return bodies


def leaf_bytes(*, at: str, kind: str, actor: str, about: Sequence[str], commitment: str) -> bytes:
    """Return a leaf's canonical bytes: ``formats.leaf.Leaf.to_bytes`` of fields that are spelled already.

    ``at`` is an instant's one spelling, ``kind`` matches ``KIND``, pseudonyms and ``commitment`` are hexadecimal.
    """
    listed = '","'.join(about)
    listed = f'"{listed}"' if about else ""
    return (
        f'{{"about":[{listed}],"actor":"{actor}","at":"{at}","commit":"{commitment}","kind":"{kind}","v":1}}'
    ).encode("ascii")


@lru_cache(maxsize=1024)
def _heads(kind: EventKind) -> _Heads:
    """Return each member's name and what stands before its value, in canonical order."""
    names = sorted(kind.members, key=lambda name: name.encode("utf-16-be"))
    return tuple((name, ("," if at else "") + _string(name) + ":") for at, name in enumerate(names))


def _spell(value: Json) -> str:
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int) and not isinstance(value, bool) and -INT_MAX <= value <= INT_MAX:
        return str(value)
    # Inside of a list, so that its depth counts as it does inside of the payload.
    return canon.dumps([value])[1:-1].decode()
