"""The beat: numbered, in time or late, and missed when one is taken away."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.stories import town as towns

from tigertally.app.errors import BeatBroken
from tigertally.app.verbs import beat as beats
from tigertally.app.verbs import ledger
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


def test_from_the_command_line(tmp_path: Path) -> None:
    firm = towns.settle(tmp_path / "seller", staff={"chen": "lead", "wang": "officer"})
    town = towns.Town(root=tmp_path, seller=firm, buyer=firm)
    assert town.tell(firm, "ledger", "beat", "--check").out.strip() == "null"
    assert town.do(firm, "ledger", "beat", "--every", "60").data["number"] == 1
    assert town.do(firm, "ledger", "beat", "--check").data["number"] == 1
