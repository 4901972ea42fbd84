"""Vectors of shares: a set, its shares as text and as words, and flawed ones. Not a test itself."""

from __future__ import annotations

import base64
from functools import cache

from tests.vectors import world
from tests.vectors.book import Vectors

from tigertally.base import canon
from tigertally.base.ids import ShareSetId
from tigertally.base.secret import SecretBytes
from tigertally.crypto import kdf, shares
from tigertally.crypto.aead import Cipher
from tigertally.crypto.digest import sha256
from tigertally.formats import share, statement
from tigertally.formats.share import TaggedShare
from tigertally.formats.shareset import Group, Holder, Plan, Rule, ShareSet, Terms
from tigertally.formats.statement import Kind, Statement

SET = ShareSetId(world.ident("shs", "shares"))
SEATS = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1))
REFUSED = "formats.malformed"


def terms(**more: object) -> Terms:
    """Seller one of two, buyer both of two, escrow; two groups recover, from S7 on with the buyer."""
    given: dict[str, object] = {
        "set": SET,
        "epoch": 1,
        "party": world.seller().id,
        "deal": "",
        "need": 2,
        "groups": (
            Group(name="seller", need=1, holders=(Holder(name="chen", key=None), Holder(name="qian", key=None))),
            Group(name="buyer", need=2, holders=(Holder(name="sun", key=None), Holder(name="li", key=None))),
            Group(name="escrow", need=1, holders=(Holder(name="notary", key=world.buyer().transfer.public),)),
        ),
        "rules": (Rule(stage="S7", group="buyer"),),
        "previous": "",
        "created": world.NOW,
    }
    return Terms(**{**given, **more})  # type: ignore[arg-type]


@cache
def made() -> tuple[Statement, list[TaggedShare]]:
    """A set that is drawn anew in every process; only the first is kept."""
    secret = shares.new_secret()
    commitments, dealt = shares.deal(terms().structure, value=secret)
    wrapped = sealer(secret).wrap(SecretBytes(world.seed("root", 32)), aad())
    whole = ShareSet(terms=terms(), root="ab" * 16, commitments=commitments, sealed=wrapped)
    tag = share.tag_of(SET, 1)
    paper = statement.make(Kind.SHARES, whole.body(), world.seller().signing)
    return paper, [TaggedShare(tag=tag, share=one) for one in dealt]


def plan(present: Statement) -> Statement:
    """The seller leaves: buyer and escrow hold from now on."""
    groups = (
        Group(name="buyer", need=1, holders=(Holder(name="sun", key=world.buyer().transfer.public),)),
        Group(name="escrow", need=1, holders=(Holder(name="notary", key=world.seller().transfer.public),)),
    )
    after = terms(epoch=2, groups=groups, rules=(), previous=present.digest)
    return statement.make(Kind.RESHARE, Plan(terms=after, givers=((1, 1), (3, 1))).body(), world.seller().signing)


def sealer(secret: SecretBytes) -> Cipher:
    """What the shares recover, as the cipher of the root key."""
    return Cipher(kdf.derive(secret, label="custody-seal", context=SET.encode()))


def aad() -> bytes:
    """What the root key is bound to."""
    return f"shares|{SET}|{world.seller().id}".encode()


def build(vectors: Vectors) -> None:
    """Write them."""
    paper = vectors.base("shares/shares.json", lambda: made()[0].to_bytes())  # noqa: PLW0108 - made only if it is needed
    vectors.base("shares/reshare.json", lambda: plan(statement.parse(paper)).to_bytes())
    texts = []
    for at, seat in enumerate(SEATS):
        name = f"shares/seat-{seat[0]}-{seat[1]}.share"
        texts.append(vectors.base(name, lambda at=at: made()[1][at].to_text().expose().encode()))  # type: ignore[misc]
    _flawed_sets(vectors, statement.parse(paper))
    _flawed_shares(vectors, texts)


def _flawed_sets(vectors: Vectors, paper: Statement) -> None:
    body = canon.loads(paper.payload)
    assert isinstance(body, dict)
    groups = body["groups"]
    assert isinstance(groups, list)
    swapped = [{**groups[0], "points": groups[2]["points"]}, *groups[1:]]
    flaws = {
        "need-over-groups": ({"need": 4}, "more groups are needed than there are"),
        "points-missing": ({"points": body["points"][:1]}, "a commitment per coefficient"),
        "no-point": ({"points": ["02" + "ff" * 32] * 2}, "no point has that x"),
        "infinity": ({"points": ["00" * 33] * 2}, "infinity has no encoding"),
        "group-elsewhere": ({"groups": swapped}, "a group's polynomial begins on the outer one"),
        "names-twice": ({"groups": [groups[0], {**groups[1], "name": "seller"}, groups[2]]}, "groups have names"),
        "rule-of-nobody": ({"rules": [{"stage": "S7", "group": "bank"}]}, "a rule names a group"),
        "previous-in-first": ({"previous": "ab" * 32}, "the first set has none before it"),
        "no-previous": ({"epoch": 2}, "a later set names the one before it"),
        "unknown-member": ({"more": 1}, "unknown members are refused"),
    }
    for name, (change, why) in flaws.items():
        flawed = Statement(kind=Kind.SHARES, payload=canon.dumps({**body, **change}), signatures=paper.signatures)
        vectors.derived(f"shares/set-{name}.json", flawed.to_bytes(), expect=REFUSED, why=why)


def _flawed_shares(vectors: Vectors, texts: list[bytes]) -> None:
    good = texts[2].decode()
    raw = base64.b32decode(good.partition(":")[2] + "=" * 6)[:-4]
    words = [word.expose() for word in share.from_bytes(SecretBytes(raw)).to_words()]
    vectors.derived("shares/seat-2-1.words", " ".join(words).encode(), expect="accept", why="the same share on paper")
    one, two = [*words], [*words]
    one[6] = "baba" if words[6] != "baba" else "zuzu"
    two[6], two[30] = words[30], words[6]
    spoiled = {
        "word-wrong": (one, "formats.wrong_words", "word 7 is wrong"),
        "words-swapped": (two, "formats.wrong_words", "words 7 and 31 are wrong"),
        "word-unknown": ([*words[:6], "tiger", *words[7:]], "formats.wrong_word", "word 7 is none"),
        "word-missing": (words[1:], "formats.wrong_word_count", "51 words"),
    }
    for name, (line, code, why) in spoiled.items():
        vectors.derived(f"shares/{name}.words", " ".join(line).encode(), expect=code, why=why)
    flaws = {
        "version": (b"\x02" + raw[1:], REFUSED, "another version"),
        "seat-zero": (raw[:6] + b"\x00" + raw[7:], REFUSED, "seats are counted from one"),
        "seat-taken": (raw[:7] + b"\x02" + raw[8:], "formats.wrong_share", "the share of another seat"),
        "no-such-seat": (raw[:7] + b"\x03" + raw[8:], "formats.other_share", "a seat that the set does not have"),
        "scalar-too-large": (raw[:8] + b"\xff" * 32 + raw[40:], REFUSED, "value is below N"),
        "bit-in-value": (raw[:39] + bytes([raw[39] ^ 1]) + raw[40:], "formats.wrong_share", "does not fit"),
        "bit-in-blind": (raw[:-1] + bytes([raw[-1] ^ 1]), "formats.wrong_share", "does not fit"),
        "other-ceremony": (raw[:1] + b"\x00" * 5 + raw[6:], "formats.other_share", "the tag of no epoch of this set"),
    }
    for name, (data, code, why) in flaws.items():
        text = share.TEXT_PREFIX + base64.b32encode(data + sha256(data)[:4]).decode().rstrip("=")
        vectors.derived(f"shares/{name}.share", text.encode(), expect=code, why=why)
    for name, text, why in (
        ("checksum", good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BAAA"), "the checksum does not fit"),
        ("lower-case", good.lower(), "upper case only"),
        ("padded", good + "======", "no padding"),
    ):
        vectors.derived(f"shares/{name}.share", text.encode(), expect=REFUSED, why=why)
