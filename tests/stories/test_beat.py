"""The beat: numbered, in time or late, and missed when one is taken away."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.stories import town as towns

from tigertally.access import NotAllowed
from tigertally.access.glass import Emergency
from tigertally.app.errors import BeatBroken
from tigertally.app.verbs import aftermath, glass, ledger
from tigertally.app.verbs import beat as beats
from tigertally.app.verbs import people as people_verbs
from tigertally.app.verbs import vault as vault_verbs
from tigertally.base.clock import SystemClock
from tigertally.ledger import sql
from tigertally.ledger.errors import LedgerBroken
from tigertally.testing.clock import SettableClock


def test_a_beat_is_numbered_in_time_late_and_missed(tmp_path: Path) -> None:
    clock = SettableClock(SystemClock().now())
    firm = towns.settle(tmp_path / "seller", staff={"chen": "lead", "wang": "officer"}, clock=clock)
    with firm.house(clock) as house:
        assert beats.health(house) is None
        for number in (1, 2, 3):
            kept = beats.beat(house, every_s=60)
            assert (kept.number, beats.health(house)) == (number, kept)
            clock.advance(60)
        clock.advance(59)
        assert beats.health(house) is not None
        clock.advance(1)
        with pytest.raises(BeatBroken):
            beats.health(house)
        (flaw,) = ledger.check(house).flaws
        assert (flaw.check, "number 3" in flaw.what.en) == (ledger.BEAT, True)
        again = beats.beat(house, every_s=3600)
        assert (ledger.check(house).clean, beats.stopped(house)) == (True, None)
        assert again.late - again.at == timedelta(hours=2)
        with house.store.transaction() as tx:
            pseudonym = house.ledger.pseudonym("ledger.beat")
            tx.execute(delete(sql.about).where(sql.about.c.pseudonym == pseudonym, sql.about.c.idx == again.entry))
        with pytest.raises(LedgerBroken):
            beats.health(house)
        with pytest.raises(LedgerBroken):
            beats.beat(house, every_s=60)


def test_the_beat_after_a_broken_glass_replaces_the_keys_once(tmp_path: Path) -> None:
    clock = SettableClock(SystemClock().now())
    staff = {"chen": "lead", "wang": "officer", "zhao": "operator"}
    firm = towns.settle(tmp_path / "seller", staff=staff, clock=clock)
    with firm.house(clock) as house:
        with house.store.transaction() as tx:
            vault_verbs.ensure_scope(house, tx, scope="main", actor="", now=clock.now())
        clock.advance(1)
        zhao, wang = firm.actor(house, "zhao"), firm.actor(house, "wang")
        with pytest.raises(NotAllowed) as caught:
            glass.break_it(house, actor=zhao, reason=Emergency.FRAUD_NOW, minutes=5)
        people_verbs.approve(house, actor=wang, approval=caught.value.approval)
        glass.break_it(house, actor=zhao, reason=Emergency.FRAUD_NOW, minutes=5)
        assert aftermath.replace_keys(house) == [], "not while it is broken"
        assert len(glass.waiting(house)[1]) == 1
        clock.advance(300)
        assert aftermath.replace_keys(house) == ["main"]
        keys = [(key.version, key.state.value) for key in vault_verbs.list_keys(house) if key.purpose.value == "vault"]
        assert sorted(keys) == [(1, "retired"), (2, "active")]
        assert glass.waiting(house)[1] == []
        assert len(glass.waiting(house)[0]) == 1, "the review is for persons"
        size = len(vault_verbs.list_keys(house))
        assert aftermath.replace_keys(house) == []
        assert len(vault_verbs.list_keys(house)) == size


def test_from_the_command_line(tmp_path: Path) -> None:
    firm = towns.settle(tmp_path / "seller", staff={"chen": "lead", "wang": "officer"})
    town = towns.Town(root=tmp_path, seller=firm, buyer=firm)
    assert town.tell(firm, "ledger", "beat", "--check").out.strip() == "null"
    assert town.do(firm, "ledger", "beat", "--every", "60").data["number"] == 1
    assert town.do(firm, "ledger", "beat", "--check").data["number"] == 1
