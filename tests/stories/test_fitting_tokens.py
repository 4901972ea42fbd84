"""A plan that asks for tokens that fit and for computed card tokens: sealed, copied, joined, read back, and settled."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.stories.town import arguments, fill, found_town, process

from tigertally.data.issuers import luhn_ok
from tigertally.testing.estate import ORDERS_DB

SORTS = {"national_id": "fit", "mobile": "fit", "name": "fit", "email": "fit", "pan": "ff1"}


def with_tokens(text: str) -> str:
    """The plan with a sort of token for each sealed field that can have one."""
    for cls, sort in SORTS.items():
        found = re.compile(rf'(class = "{cls}"\n  action = "seal"(?:\n  spans = true)?)')
        text = found.sub(rf'\1\n  token = "{sort}"', text)
    return text


def test_a_copy_with_tokens_that_fit(tmp_path: Path) -> None:
    town = found_town(tmp_path)
    truth = fill(town, customers=120)
    seller, inventory = town.seller, ("--inventory", tmp_path / "inventory.json")
    proposed, plan = tmp_path / "proposed.toml", tmp_path / "plan.toml"
    town.do(None, "plan", "propose", town.estate, *inventory, "--out", proposed)
    plan.write_text(with_tokens(proposed.read_text(encoding="utf-8")), encoding="utf-8")
    town.do(None, "plan", "check", plan, town.estate, *inventory)
    town.do(seller, "seal", plan, town.estate, *inventory, who="qian")
    town.do(seller, "protect", plan, town.estate, *inventory, "--out", tmp_path / "protected", who="qian")

    # Another sort of card tokens is not mixed in.
    answer = town.tell(seller, "seal", proposed, town.estate, *inventory, who="qian")
    assert (answer.exit, answer.problem["code"]) == (5, "vault.card_tokens_settled")

    query = (
        "SELECT c.name, c.national_id, c.mobile, c.email, k.card_no, o.card_no FROM customers c"
        " JOIN cards k USING (customer_no) JOIN orders o ON CAST(o.card_no AS TEXT) = k.card_no"
    )
    with (
        closing(sqlite3.connect(truth.root / ORDERS_DB)) as before,
        closing(sqlite3.connect(tmp_path / "protected" / ORDERS_DB)) as after,
    ):
        clear, sealed = before.execute(query).fetchall(), after.execute(query).fetchall()
    assert len(sealed) == len(clear) > 0
    for column, form in enumerate((r"tn\w{14}", r"0\d{16}[\dX]", r"2\d{10}", r"\w{26}@invalid", r"7\d{11,18}")):
        made = [row[column] for row in sealed if row[column] is not None]
        assert made
        assert all(re.fullmatch(form, token) for token in made)
        assert len(set(made)) == len({row[column] for row in clear if row[column] is not None})
    assert {len(row[4]) for row in sealed} == {len(row[4]) for row in clear}
    assert not any(luhn_ok(row[4]) for row in sealed)

    # Each of them names the one customer it is of.
    name, national_id, mobile, email, card, _ = next(row for row in sealed if row[3] is not None)
    shown = [town.do(seller, "show", token, who="zhao").data for token in (national_id, mobile, email, card)]
    assert shown[0] == shown[1] == shown[2] == shown[3]
    assert town.do(seller, "show", name, who="zhao").exit == 0
    for wrong in ("29999999999", "tn" + "0" * 14, "0" * 26 + "@invalid", "13800138000"):
        assert town.tell(seller, "show", wrong, who="zhao").exit == 4

    # A clear value by a fitting token, through the same decision as any other.
    asked = town.do(seller, "grant", "ask", "--class", "mobile", "--purpose", "refund", who="zhao")
    town.do(seller, "grant", "approve", asked.text("grant"), who="wang")
    words = ("reveal", mobile, "--purpose", "refund", "--grant", asked.text("grant"))
    value = town.do(seller, *words, who="zhao").text("value")
    assert value in {row[2] for row in clear}

    # By the last four digits of the card alone, masked.
    finding = arguments(seller, ("find", "--class", "pan", "--last-four"), who="zhao")
    for given, outcome in ((card[-4:], 0), ("12a4", 2)):
        answer = process(finding, cwd=tmp_path, given=f"{given}\n")
        assert answer.exit == outcome, answer.err
        assert (card in answer.out) == (outcome == 0)

    # Nobody's scanner takes them for what they stand for.
    town.do(None, "discover", tmp_path / "protected", "--out", tmp_path / "after.json")
    found = (tmp_path / "after.json").read_text(encoding="utf-8")
    assert not re.search(r'"field": ?"(?:national_id|mobile|email|pan)"[^}]*"tier": ?"(?:certain|likely)"', found)
