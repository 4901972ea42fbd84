"""Writes the vectors beside it: ``python -m tests.vectors.generate`` from the repository root.

Good files are *bases*. A signature or a sealed key is drawn at random, so a base that exists is kept; delete it
to have it made anew. Everything else, all hostile files included, follows from the bases alone: running this
again changes nothing, and a test does so. ``cases.json`` lists every file with what a reader must answer
(``accept`` or the code of a problem) and why the case is there.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.vectors import (
    flawed_backups,
    flawed_logs,
    flawed_papers,
    flawed_parts,
    flawed_seals,
    flawed_shares,
    flawed_tokens,
    world,
)
from tests.vectors.book import Vectors

from tigertally.base import canon
from tigertally.base.secret import SecretBytes
from tigertally.crypto import merkle
from tigertally.crypto.sign import SigningKey
from tigertally.formats import record
from tigertally.formats.leaf import commit_payload

HERE = Path(__file__).parent


def build(out: Path) -> None:
    """Write all vectors under ``out``."""
    vectors = Vectors(out=out)
    papers = flawed_papers.papers(vectors)
    flawed_papers.flawed_statements(vectors, papers)
    flawed_papers.flawed_bodies(vectors)
    flawed_logs.notes(vectors)
    flawed_logs.proofs(vectors)
    flawed_seals.keyfiles(vectors)
    flawed_seals.envelopes(vectors)
    flawed_seals.sealed_values(vectors)
    flawed_seals.streams(vectors)
    flawed_parts.parts(vectors)
    flawed_shares.build(vectors)
    flawed_backups.build(vectors)
    flawed_tokens.build(vectors)
    _canon(vectors)
    _known_answers(vectors)
    flawed_logs.exports(vectors, papers["party"])
    listed = sorted(vectors.cases, key=lambda case: case["file"])
    (out / "cases.json").write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _canon(vectors: Vectors) -> None:
    """Whole files, one flaw of spelling each."""
    add = vectors.derived
    flaws = {
        "float": (b'{"a":1.0}', "no floats"),
        "exponent": (b'{"a":1e3}', "no floats"),
        "minus-zero": (b"-0", "zero has one spelling"),
        "leading-zero": (b"01", "no leading zeros"),
        "too-large": (b"9007199254740992", "beyond 2^53 - 1"),
        "nan": (b"NaN", "not JSON"),
        "space": (b'{"a": 1}', "no whitespace"),
        "unsorted": (b'{"b":1,"a":2}', "members are sorted"),
        "utf16-order": ('{"\ufb33":1,"\U0001f600":2}'.encode(), "sorted by UTF-16 units, where U+1F600 is first"),
        "duplicate": (b'{"a":1,"a":1}', "no member twice"),
        "escaped-slash": (rb'"\/"', "a slash is not escaped"),
        "escaped-letter": (rb'"\u0041"', "a letter is not escaped"),
        "upper-case-escape": (rb'"\u001F"', "escapes are lower case"),
        "long-escape": (rb'"\u000a"', "a newline has a short escape"),
        "raw-control": (b'"\x01"', "control characters are escaped"),
        "lone-surrogate": (rb'"\ud800"', "not a character"),
        "bad-utf8": (b'"\xff"', "not UTF-8"),
        "overlong-utf8": (b'"\xc1\x81"', "not UTF-8"),
        "byte-order-mark": (b"\xef\xbb\xbf{}", "not whitespace"),
        "trailing": (b"{}{}", "one value only"),
        "too-deep": (b"[" * 34 + b"]" * 34, "over the depth limit"),
        "huge-number": (b"1" * 5000, "must not be parsed at length"),
    }
    for name, (data, why) in flaws.items():
        add(f"canon/{name}.json", data, expect="base.not_canonical", why=why)
    order = '{"\\r":"a","1":"b","\U0001f600":"c","\ufb33":"d"}'
    add("canon/sorted.json", order.encode(), expect="accept", why="UTF-16 order of names")
    add(
        "canon/escapes.json",
        '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\x7f\u2028é虎"'.encode(),
        expect="accept",
        why="the only escapes",
    )


def _known_answers(vectors: Vectors) -> None:
    """Plain inputs with the bytes that follow from them, for other implementations."""
    fields = [
        record.Field(1, 0, b"4111111111111111", b"7000000000001111"),
        record.Field(5, 0, "虚构".encode(), b"tok_name"),
    ]
    name, salt = world.subjects()[0].encode(), bytes(range(16))
    encoded = record.encode(name, fields)
    vectors.known(
        "record/two-fields.json",
        {
            "subject": name.decode(),
            "fields": [
                {"code": one.code, "slot": one.slot, "value": one.value.decode(), "token": one.token.decode()}
                for one in fields
            ],
            "salt": salt.hex(),
            "record": encoded.hex(),
            "commitment": record.commit(salt, encoded).hex(),
            "root_of_this_alone": merkle.root_of([merkle.leaf_hash(record.commit(salt, encoded))]).hex(),
        },
    )
    payload = canon.dumps({"note": "虚构", "number": 1})
    vectors.known(
        "ledger/payload-commitment.json",
        {"salt": salt.hex(), "payload": payload.decode(), "commitment": commit_payload(salt, payload).hex()},
    )
    leaves = [bytes([at]) * at for at in range(8)]
    vectors.known(
        "merkle/roots.json",
        {
            "leaves": [item.hex() for item in leaves],
            "roots": [merkle.root_of(merkle.leaf_hash(item) for item in leaves[:size]).hex() for size in range(9)],
        },
    )
    key = SigningKey(SecretBytes(bytes(range(64))))
    vectors.known(
        "statement/key-of-seed.json",
        {"seeds": bytes(range(64)).hex(), "public": key.public.raw.hex(), "keyid": key.public.key_id},
    )
    vectors.known(
        "party/fingerprint.json", {"card": world.seller().card.body(), "fingerprint": world.seller().card.fingerprint()}
    )


if __name__ == "__main__":
    build(HERE)
