"""One customer at a desk: a payment password is verified, a weak hash goes, a value is replaced, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.stories import town as towns
from tests.stories.town import CHEAP, Town

from tigertally import vault
from tigertally.app.verbs import customers
from tigertally.base.errors import Problem
from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretText
from tigertally.ledger import search

MD5 = "5f4dcc3b5aa765d61d8327deb882cf99"  # of "password"
NOBODY = "sub_00000000000000000000000000"
BIN = "4111111111111111"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """An installation with one customer, who has a weak hash."""
    made = towns.found_town(tmp_path_factory.mktemp("customers") / "town")
    with made.seller.house() as house:
        now = house.clock.now()
        with house.store.transaction() as tx:
            vault.create_scope_keys(tx, house.keeper, scope="main", now=now)
        with house.store.transaction() as tx:
            keys = vault.open_scope(tx, house.keeper, scope="main")
            fields = [(FieldClass.PAN, [BIN]), (FieldClass.PASSWORD_HASH, [MD5]), (FieldClass.MOBILE, ["13800138000"])]
            vault.seal_batch(tx, keys, subjects=["c1"], fields=fields, now=now)
            (made.ids["subject"],) = vault.find(tx, keys, cls=FieldClass.PAN, value=BIN)
    with made.at_work():
        yield made


def typed(town: Town, text: str) -> Path:
    """A file with what somebody typed."""
    path = town.root / "typed.txt"
    path.write_text(text + "\n")
    return path


def try_word(town: Town, whom: str, word: str) -> str:
    """The problem that a try came to, as both languages tell it, "" if it was right."""
    with town.seller.house() as house:
        actor = town.seller.actor(house, "zhao")
        try:
            customers.verify(house, actor=actor, scope="main", whom=whom, candidate=SecretText(word), cost=CHEAP)
        except Problem as problem:
            return f"{problem.code} {problem}"
    return ""


def test_a_password_is_verified_and_its_weak_hash_goes(town: Town) -> None:
    firm, whom = town.seller, town.ids["subject"]
    counted = town.do(firm, "customer", "passwords", who="chen").data
    assert (counted["hashes"], counted["weak"]) == (1, 1)
    wrong = [
        town.tell(firm, "customer", "verify", one, "--password-file", typed(town, "Password"), who="zhao")
        for one in (whom, NOBODY)
    ]
    assert [one.exit for one in wrong] == [3, 3]
    assert wrong[0].problem == wrong[1].problem
    assert wrong[0].problem["code"] == "vault.password_wrong"
    right = town.do(firm, "customer", "verify", whom, "--password-file", typed(town, "password"), who="zhao").data
    assert right == {"verified": True, "hash": "argon2id m=65536,t=3,p=4", "upgraded": True}
    token = next(one for one in shown(town) if one["class"] == "password_hash")
    assert token["masked"] == "argon2id m=65536,t=3,p=4"
    again = town.do(
        firm, "customer", "verify", str(token["token"]), "--password-file", typed(town, "password"), who="zhao"
    )
    assert again.data["upgraded"] is False
    assert town.do(firm, "customer", "passwords", who="chen").data["weak"] == 0
    with firm.house() as house, house.store.reading() as tx:
        keys = vault.open_scope(tx, house.keeper, scope="main")
        assert vault.find(tx, keys, cls=FieldClass.PASSWORD_HASH, value=MD5) == []
        window = search.window(tx, start=house.clock.now() - timedelta(days=1), until=house.clock.now())
        kinds = (customers.PASSWORD_CHECKED,)
        told = [one.payload for one in search.about(tx, house.ledger, names=[], within=window, kinds=kinds)]
    assert [one["right"] for one in told if isinstance(one, dict)] == [False, False, True, True]


def shown(town: Town) -> list[dict[str, object]]:
    """The customer's fields, masked."""
    items = town.do(town.seller, "show", town.ids["subject"], who="zhao").data["items"]
    assert isinstance(items, list)
    (record,) = items
    assert isinstance(record, dict)
    fields = record["fields"]
    assert isinstance(fields, list)
    return [dict(one) for one in fields if isinstance(one, dict)]


def test_whoever_is_not_there_is_locked_like_whoever_is(town: Town) -> None:
    whom = town.ids["subject"]
    other = NOBODY[:-1] + "1"
    for one in (whom, other):
        assert [try_word(town, one, "guess")[:20] for _ in range(3)] == ["vault.password_wrong"] * 3
    late = {try_word(town, one, "password") for one in (whom, other)}
    assert len(late) == 1
    assert late.pop().startswith("vault.too_many_tries")
    reset = ("customer", "update", whom, "--class", "password_hash", "--reason", "reset", "--value-file")
    town.do(town.seller, *reset, typed(town, "another one"), who="chen")
    assert try_word(town, whom, "password").startswith("vault.password_wrong")
    assert try_word(town, whom, "another one") == ""


def test_a_value_is_replaced_by_decision_and_the_history_says_so(town: Town) -> None:
    firm, whom = town.seller, town.ids["subject"]
    asks = ("customer", "update", whom, "--class", "mobile", "--reason", "correction", "--value-file")
    assert town.tell(firm, *asks, typed(town, "13900139000"), who="zhao").unmet == ["role"]
    before = next(one["token"] for one in shown(town) if one["class"] == "mobile")
    done = town.do(firm, *asks, typed(town, "139-0013-9000"), who="chen").data
    assert done["slot"] == 0
    assert town.tell(firm, "show", str(before), who="zhao").problem["code"] == "vault.no_such_token"
    assert town.tell(firm, *asks, typed(town, "13900139000"), who="chen").problem["code"] == "vault.same_value"
    versions = town.do(firm, "customer", "history", whom, who="zhao").data["items"]
    assert isinstance(versions, list)
    said = [(one["class"], one["reason"], one["version"]) for one in versions if isinstance(one, dict)]
    assert said[-1] == ("mobile", "correction", done["version"])
    assert ("password_hash", "upgrade", 2) in said
    assert "13900139000" not in str(versions)


def test_what_is_held_stays(town: Town) -> None:
    """A hold keeps a weak hash where it is; whoever is for storage only is answered like nobody."""
    firm, whom = town.seller, town.ids["subject"]
    with firm.house() as house, house.store.transaction() as tx:
        keys = vault.open_scope(tx, house.keeper, scope="main")
        word = SecretText("$5$saltsalt$SoBjk/cSgGocBuCD05P5R2yhjRy7/aFKzDIO3mqjxI0")
        now = house.clock.now()
        cls = FieldClass.PASSWORD_HASH
        vault.replace_value(tx, keys, subject=whom, cls=cls, slot=0, value=word, now=now)  # type: ignore[arg-type]
    town.do(firm, "hold", "place", "--subject", whom, "--reason", "court", who="wang")
    update = ("customer", "update", whom, "--class", "mobile", "--reason", "request", "--value-file")
    assert town.tell(firm, *update, typed(town, "13700137000"), who="chen").problem["code"] == "vault.on_hold"
    assert try_word(town, whom, "horse 虎符 battery") == ""
    assert town.do(firm, "customer", "passwords", who="chen").data["weak"] == 1
    town.do(firm, "hold", "place", "--storage-only", "--subject", whom, "--reason", "pipl-47", who="wang")
    assert try_word(town, whom, "horse 虎符 battery").startswith("vault.password_wrong")
