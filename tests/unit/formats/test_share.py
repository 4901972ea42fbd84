"""A share in its three spellings, and the papers of a sharing: strict, and the wrong word is named."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.ids import PartyId, ShareSetId, new_id
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import curve, shares
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.sign import SigningKey
from tigertally.formats import share, shareset, sharewords, statement
from tigertally.formats.errors import Malformed, OtherShare, WrongShare, WrongWord, WrongWordCount, WrongWords
from tigertally.formats.share import HolderCard, TaggedShare
from tigertally.formats.shareset import Group, Holder, Plan, Rule, ShareSet, Terms
from tigertally.formats.statement import Kind

SET = ShareSetId(new_id("shs"))
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def terms(**more: object) -> Terms:
    given = Terms(
        set=SET,
        epoch=1,
        party=PartyId(new_id("pty")),
        deal="",
        need=2,
        groups=(
            Group(name="seller", need=1, holders=(Holder(name="chen", key=None), Holder(name="wang", key=None))),
            Group(name="buyer", need=1, holders=(Holder(name="sun", key=TransferKey.generate().public),)),
            Group(name="escrow", need=1, holders=(Holder(name="notary", key=None),)),
        ),
        rules=(Rule(stage="S7", group="buyer"),),
        previous="",
        created=NOW,
    )
    return replace(given, **more)  # type: ignore[arg-type]


def a_set(given: Terms | None = None) -> tuple[ShareSet, list[TaggedShare]]:
    given = given or terms()
    commitments, dealt = shares.deal(given.structure, value=shares.new_secret())
    made = ShareSet(terms=given, root="ab" * 16, commitments=commitments, sealed=b"\x01\x01sealed")
    tag = share.tag_of(given.set, given.epoch)
    return made, [TaggedShare(tag=tag, share=one) for one in dealt]


def test_each_spelling_comes_back() -> None:
    made, dealt = a_set()
    for one in dealt:
        words = " ".join(word.expose() for word in one.to_words())
        for again in (
            share.from_bytes(one.to_bytes()),
            share.from_text(one.to_text()),
            share.from_words(SecretText(words)),
        ):
            assert again.to_bytes() == one.to_bytes()
            assert made.admit(again).seat == one.share.seat


def test_words_are_taken_as_they_are_printed() -> None:
    _, dealt = a_set()
    words = [word.expose() for word in dealt[0].to_words()]
    printed = "\n".join(
        "  ".join(f"{at + offset + 1}. {words[at + offset].upper()}" for offset in range(4)) for at in range(0, 52, 4)
    )
    assert share.from_words(SecretText(printed)).to_bytes() == dealt[0].to_bytes()
    assert share.from_words(SecretText("，".join(words))).to_bytes() == dealt[0].to_bytes()
    assert len(words) == sharewords.WORDS
    assert {len(word) for word in words} == {4}


def test_the_wrong_word_is_named_whichever_it_is() -> None:
    drawn = random.Random(7)
    data = drawn.randbytes(sharewords.DATA_BYTES)
    words = sharewords.to_words(data)
    for at in range(sharewords.WORDS):
        other = next(word for word in ("baba", "zuzu", "kite") if word != words[at])
        with pytest.raises(WrongWords) as told:
            sharewords.from_words(" ".join([*words[:at], other, *words[at + 1 :]]))
        assert told.value.details["numbers"] == str(at + 1)
    for _ in range(200):
        one, two = sorted(drawn.sample(range(sharewords.WORDS), 2))
        spoiled = list(words)
        spoiled[one], spoiled[two] = words[two], words[one]
        if spoiled == words:
            continue
        with pytest.raises(WrongWords) as told:
            sharewords.from_words(" ".join(spoiled))
        assert told.value.details["numbers"] == f"{one + 1}, {two + 1}"


def test_three_wrong_words_are_never_taken() -> None:
    drawn = random.Random(8)
    words = sharewords.to_words(bytes(sharewords.DATA_BYTES))
    for _ in range(300):
        spoiled = list(words)
        for at in drawn.sample(range(sharewords.WORDS), 3):
            spoiled[at] = "mazu"
        with pytest.raises(WrongWords):
            sharewords.from_words(" ".join(spoiled))


def test_what_is_no_word_and_what_is_too_few_is_said() -> None:
    words = sharewords.to_words(bytes(sharewords.DATA_BYTES))
    with pytest.raises(WrongWord) as told:
        sharewords.from_words(" ".join([*words[:6], "quux", *words[7:]]))
    assert told.value.details["number"] == 7
    with pytest.raises(WrongWordCount) as counted:
        sharewords.from_words(" ".join(words[:-1]))
    assert counted.value.details == {"given": 51, "needed": 52}
    with pytest.raises(WrongWordCount):
        sharewords.from_words("")


@pytest.mark.parametrize("flaw", ["prefix", "case", "checksum", "cut", "more", "version", "seat", "scalar", "padding"])
def test_another_text_is_refused(flaw: str) -> None:
    _, dealt = a_set()
    good = dealt[0].to_text().expose()
    raw = bytearray(dealt[0].to_bytes().expose())
    texts = {
        "prefix": good.replace("TTSHARE1", "TTSHARE2"),
        "case": good.lower(),
        "checksum": good[:-2] + ("AA" if good[-2:] != "AA" else "BA"),
        "cut": good[:-8],
        "more": good + "AAAAAAAA",
        "padding": good + "=",
    }
    if flaw in texts:
        with pytest.raises(Malformed):
            share.from_text(SecretText(texts[flaw]))
        return
    match flaw:
        case "version":
            raw[0] = 2
        case "seat":
            raw[6] = 0
        case "scalar":
            raw[8:40] = curve.N.to_bytes(32, "big")
    with pytest.raises(Malformed):
        share.from_bytes(SecretBytes(raw))


def test_a_share_of_something_else_is_named() -> None:
    made, dealt = a_set()
    other, others = a_set(terms(set=ShareSetId(new_id("shs"))))
    assert other.terms.set != made.terms.set
    with pytest.raises(OtherShare) as told:
        made.admit(others[0])
    assert told.value.details["which"] == "another ceremony"
    later, _ = a_set(terms(epoch=3, previous="ab" * 32))
    with pytest.raises(OtherShare) as told:
        later.admit(dealt[0])
    assert told.value.details["which"] == "epoch 1"
    moved = TaggedShare(
        tag=dealt[0].tag,
        share=shares.Share(seat=(2, 1), value=dealt[0].share.value, blind=dealt[0].share.blind),
    )
    with pytest.raises(WrongShare) as wrong:
        made.admit(moved)
    assert wrong.value.details == {"group": "buyer", "member": 1}
    absent = TaggedShare(
        tag=dealt[0].tag,
        share=shares.Share(seat=(1, 3), value=dealt[0].share.value, blind=dealt[0].share.blind),
    )
    with pytest.raises(OtherShare):
        made.admit(absent)


def test_a_set_and_a_plan_come_back_and_say_who_is_who() -> None:
    key = SigningKey.generate()
    made, _ = a_set()
    paper = statement.make(Kind.SHARES, made.body(), key)
    assert shareset.read_set(statement.parse(paper.to_bytes())).body() == made.body()
    assert made.terms.title((1, 2)) == "seller 2 (wang)"
    keyed = tuple(
        replace(
            group,
            holders=tuple(Holder(name=one.name, key=TransferKey.generate().public) for one in group.holders),
        )
        for group in made.terms.groups
    )
    plan = Plan(terms=terms(epoch=2, previous="ab" * 32, groups=keyed), givers=((1, 1), (2, 1)))
    again = shareset.read_plan(statement.make(Kind.RESHARE, plan.body(), key))
    assert again.body() == plan.body()
    assert again.givers == plan.givers


@pytest.mark.parametrize(
    "change",
    [
        {"need": 0},
        {"need": 4},
        {"need": 1},
        {"epoch": 2},
        {"epoch": 0},
        {"previous": "ab" * 32},
        {"deal": "dea_1"},
        {"root": "AB" * 16},
        {"rules": [{"stage": "S7", "group": "nobody"}]},
        {"rules": [{"stage": "S70", "group": "buyer"}]},
        {"rules": [{"stage": "S7", "group": "buyer"}] * 2},
        {"groups": []},
        {"points": []},
        {"points": ["00" * 33] * 2},
        {"more": 1},
    ],
)
def test_a_set_that_cannot_be_is_refused(change: dict[str, Json]) -> None:
    made, _ = a_set()
    body = made.body()
    assert isinstance(body, dict)
    flawed = statement.make(Kind.SHARES, {**body, **change}, SigningKey.generate())
    with pytest.raises(Malformed):
        shareset.read_set(flawed)


def test_groups_with_points_of_another_set_are_refused() -> None:
    made, _ = a_set()
    other, _ = a_set()
    mixed = replace(made, commitments=replace(made.commitments, groups=other.commitments.groups))
    with pytest.raises(Malformed) as told:
        shareset.read_set(statement.make(Kind.SHARES, mixed.body(), SigningKey.generate()))
    assert told.value.details["where"] == "body.points"


def test_a_holders_card() -> None:
    card = HolderCard(name="sun", key=TransferKey.generate().public)
    assert share.parse_card(card.to_bytes()).fingerprint() == card.fingerprint()
    for bad in (card.to_bytes().replace(b"holder-v1", b"holder-v2"), card.to_bytes()[:-1], b"{}"):
        with pytest.raises(Problem):
            share.parse_card(bad)
