"""Canaries and traces as their users meet them: planted by two, loud when touched, gone before a sale."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.stories import town as towns
from tests.stories.test_backup import subjects
from tests.stories.town import Town

from tigertally import vault
from tigertally.app.verbs import ledger
from tigertally.app.verbs import vault as verbs
from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretText
from tigertally.data.issuers import luhn_ok
from tigertally.ledger.errors import LedgerBroken
from tigertally.vault import entries, spelling, tokens
from tigertally.vault.canaries import people
from tigertally.vault.canaries import sql as tables
from tigertally.vault.rows import sql as rows


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A sealed installation."""
    made = towns.found_town(tmp_path_factory.mktemp("canaries") / "town")
    towns.fill(made, customers=100)
    towns.seal(made)
    with made.at_work():
        yield made


def plant(town: Town, recipient: str, *more: str) -> list[str]:
    """Plant four canaries; return who they are, which nobody is told."""
    before = set(subjects(town))
    words = ("canary", "plant", "--recipient", recipient, "--count", "4", *more)
    town.two(town.seller, *words, who="chen", second="wang")
    return sorted(set(subjects(town)) - before)


def alerts(town: Town) -> list[dict[str, object]]:
    with town.seller.house() as house:
        actor = town.seller.actor(house, "chen")
        found = [index for index, leaf in ledger.recent(house, count=100) if leaf.kind == "vault.canary.touched"]
        return [dict(ledger.entry(house, actor=actor, index=index).payload) for index in sorted(found, reverse=True)]  # type: ignore[arg-type]


def card_token(town: Town, whom: str) -> str:
    with town.seller.house() as house, house.store.reading() as tx:
        heads = rows.aged_after(tx, scope="main", after=-1, limit=5_000)
        (head,) = [head for _, raw, head, _ in heads if spelling.subject_text(raw) == whom]
        places = [one for one in entries.places(head) if one.code == tokens.PAN_CODE]
        return tokens.text(places[0].code, places[0].token) if places else ""


def test_made_up_values_are_well_formed_and_nobodys() -> None:
    shape = [(FieldClass.PAN, 16), (FieldClass.PAN, 19), (FieldClass.NATIONAL_ID, 30), (FieldClass.MOBILE, 30)]
    for _ in range(50):
        visa, unionpay, national, mobile = people.values(shape)
        assert luhn_ok(visa)
        assert luhn_ok(unionpay)
        assert (len(visa), visa[:6], len(unionpay), unionpay[:6]) == (16, "400000", 19, "620000")
        assert (len(national), national[4:6], len(mobile), mobile[:3]) == (18, "00", 11, "154")
    assert not people.can_make([FieldClass.PAN, FieldClass.ADDRESS])


def test_a_canary_looks_like_anybody_and_is_told_by_a_digest_only(town: Town) -> None:
    before = subjects(town)
    (_, *others) = mine = plant(town, "night-shift")
    assert len(others) == 3
    with town.seller.house() as house, house.store.reading() as tx:
        found = rows.aged_after(tx, scope="main", after=-1, limit=5_000)
        shapes = {
            spelling.subject_text(raw): tuple((o.code, o.slot) for o in entries.places(h)) for _, raw, h, _ in found
        }
        kept = tables.read_canaries(tx, scope="main")
    assert all(shapes[one] in [shapes[other] for other in before] for one in mine)
    assert len(kept) == 4
    assert not {spelling.subject_raw(one) for one in mine} & set(kept)
    listed = town.do(town.seller, "canary", "list")
    assert not any(one in listed.out for one in mine)
    again = town.tell(town.seller, "canary", "plant", "--recipient", "night-shift", who="chen")
    town.do(town.seller, "approve", str(again.problem["approval"]), who="wang")
    again = town.tell(town.seller, "canary", "plant", "--recipient", "night-shift", who="chen")
    assert again.problem["code"] == "vault.already_planted"


def test_whoever_touches_one_raises_an_alert_and_sees_nothing(town: Town) -> None:
    firm, (whom, *_) = town.seller, plant(town, "day-shift")
    refused = town.tell(firm, "show", whom, who="zhao")
    strange = town.tell(firm, "show", "sub_" + "0" * 26, who="zhao")
    assert refused.problem == strange.problem  # nothing tells it from a customer who is not there
    first = alerts(town)[0]
    assert (first["verb"], first["recipients"], first["kept"]) == ("vault.show", ["day-shift"], True)
    assert whom not in json.dumps(alerts(town))
    token = card_token(town, whom)
    if token:
        asked = town.do(firm, "grant", "ask", "--class", "pan", "--purpose", "refund", who="zhao").text("grant")
        town.tell(firm, "reveal", token, "--purpose", "refund", "--grant", asked, who="zhao")  # nobody approved it
        assert alerts(town)[0]["verb"] == "vault.reveal"
        town.do(firm, "grant", "approve", asked, who="wang")
        told = town.tell(firm, "reveal", token, "--purpose", "refund", "--grant", asked, who="zhao")
        assert told.problem["code"] == "vault.no_such_token"
        with firm.house() as house:
            actor = firm.actor(house, "zhao")
            count, found = verbs.find_tail(house, actor=actor, scope="main", tail=token[-4:])
            assert whom not in {one.subject for one in found}
            assert count == len(found)
        assert alerts(town)[0]["verb"] == "vault.find"
    (firm.home / "feeds.toml").write_text(f'[soc]\nurl = "file://{town.root / "fed.jsonl"}"\n')
    town.do(firm, "feed", "run")
    assert "vault.canary.touched" in (town.root / "fed.jsonl").read_text()


def test_one_that_is_let_through_is_shown_and_tells(town: Town) -> None:
    (whom, *_) = plant(town, "auditor", "--let-through")
    before = len(alerts(town))
    assert whom in town.do(town.seller, "show", whom, who="zhao").out
    assert (len(alerts(town)), alerts(town)[0]["kept"]) == (before + 1, False)


def test_no_customer_raises_an_alert(town: Town) -> None:
    before = len(alerts(town))
    token = towns.some_token(town)
    assert town.do(town.seller, "show", token, who="zhao").exit == 0
    assert len(alerts(town)) == before


def test_a_release_is_refused_while_canaries_stand_and_counts_have_none(town: Town) -> None:
    with town.seller.house() as house, house.store.reading() as tx:
        with pytest.raises(vault.CanariesStand):
            vault.canaries.need_none(tx, house.ledger, scope="main")
        before, _ = vault.counts(tx, scope="main")
    for recipient in ("night-shift", "day-shift", "auditor"):
        words = ("canary", "withdraw", "--recipient", recipient)
        assert town.two(town.seller, *words, who="chen", second="wang").data["count"] == 4
    assert town.tell(town.seller, "canary", "withdraw", "--recipient", "Nobody!", who="chen").exit == 2
    with town.seller.house() as house, house.store.reading() as tx:
        vault.canaries.need_none(tx, house.ledger, scope="main")
        assert vault.counts(tx, scope="main")[0] == before - 12
        assert tables.read_canaries(tx, scope="main") == {}


def test_an_edited_table_of_digests_is_noticed(town: Town) -> None:
    plant(town, "edited")
    with town.seller.house() as house:
        with house.store.transaction() as tx:
            tx.execute(delete(tables.canary))
        with house.store.reading() as tx, pytest.raises(LedgerBroken):
            keys = vault.open_scope(tx, house.keeper, scope="main")
            vault.canaries.touched(tx, house.ledger, keys, subjects=[subjects(town)[0]])


def test_a_leaked_file_names_its_recipient_from_a_twentieth_of_its_rows(town: Town, tmp_path: Path) -> None:
    firm = town.seller
    with firm.house() as house, house.store.transaction() as tx:
        keys = vault.open_scope(tx, house.keeper, scope="main")
        found = rows.heads_after(tx, scope="main", after=-1, limit=5_000)
        there = entries.heads([head for _, head in found])
        raws = there.token[there.code == tokens.PAN_CODE]
        for at, (name, part) in enumerate((("alpha", raws[:60]), ("beta", raws[40:]))):
            vault.canaries.give(tx, keys, recipient=name, entry=10_000 + at, piece=0, raws=part)
        texts = tokens.texts(there.code[there.code == tokens.PAN_CODE], raws)
    path = tmp_path / "leak.csv"

    def traced(listed: list[str]) -> dict[str, object]:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("id", "card", "note"), *((at, one, "x") for at, one in enumerate(listed))])
        return dict(town.do(firm, "trace", path, who="wang").data)

    assert traced([texts[3], texts[45], texts[50]])["named"] == "alpha"
    assert traced([texts[45], texts[70], texts[80]])["named"] == "beta"
    assert traced([texts[45], texts[50]])["named"] == ""  # both got them
    assert traced([texts[3], texts[70]])["named"] == ""  # two leaks, or somebody who has both
    assert traced(["nothing"])["known"] == 0
    value = SecretText("13800138000")
    with firm.house() as house:
        verbs.find(house, actor=firm.actor(house, "zhao"), scope="main", cls=FieldClass.MOBILE, value=value)
