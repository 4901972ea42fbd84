"""A plan that calls verification codes something else: the seal command refuses it and stores nothing."""

from __future__ import annotations

from pathlib import Path

from tests.stories.town import fill, found_town

from tigertally.base.canon import Json


def test_a_code_called_a_reference_number_is_not_sealed(tmp_path: Path) -> None:
    town = found_town(tmp_path)
    fill(town, customers=100)
    inventory, plan, evil = (tmp_path / name for name in ("inventory.json", "plan.toml", "evil.toml"))
    town.do(None, "discover", town.estate, "--out", inventory)
    town.do(None, "plan", "propose", town.estate, "--inventory", inventory, "--out", plan)
    text = plan.read_text(encoding="utf-8")
    bad = text.replace('class = "password"\n  action = "purge"', 'class = "scheme_txn_id"\n  action = "seal"')
    assert bad != text
    evil.write_text(bad, encoding="utf-8")
    for words in ((), ("--inventory", inventory)):
        answer = town.tell(town.seller, "seal", evil, town.estate, *words, who="qian")
        assert answer.exit != 0
        assert answer.problem["code"] == "sealing.plan_incomplete"
    skipped: Json = town.do(town.seller, "seal", plan, town.estate, "--inventory", inventory, who="qian").data[
        "skipped"
    ]
    assert skipped == []
