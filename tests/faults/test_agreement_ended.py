"""An agreement whose days are over: every command that needs one in force says so, in both languages, and does nothing.

The handover is done once, in time. Before each command that needs the agreement, a copy of both companies is taken to a
day after its end, everybody logs in there, and the command is refused; its ledger is whole, and nothing was written.
The list is closed against the policy and the stages' gates; reveals, which ask
for it by the deal's stage, are in ``stories/test_signing``. What is owed *because* the agreement ended goes on working.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.faults.clocked import Clocked, ClockedTown, clocked_town, everything
from tests.stories import town as towns
from tests.stories.test_commands import has_chinese
from tests.stories.town import Answer, Firm

from tigertally.access.policy import POLICY, Action
from tigertally.deals.gates import GATES
from tigertally.testing.clock import SettableClock

DAYS = 2
LATER = timedelta(days=DAYS, hours=1)
KEPT = ("orders.db",)
# What a command is refused with: the decision's condition, or the problem's own name. A release never outlives its
# agreement, so it says that the release is over.
CONDITION = "agreement"
NAMED = frozenset({"deals.agreement_expired", "handover.agreement_not_in_force", "handover.release_expired"})
GATED = {"S3", "S6", "S7"}
NEEDING = {
    "deal accept": None,
    "deal conclude": None,
    "release propose": Action.RELEASE,
    "release countersign": Action.RELEASE,
    "release accept": None,
    "processor export": Action.RELEASE,
    "bundle": Action.BUNDLE,
    "receive": Action.RECEIVE,
    **{f"deal stage {stage}": None for stage in GATED},
}
REVEALS = {Action.REVEAL, Action.REVEAL_MANY, Action.REVEAL_PART}
# After the end: proof that it arrived, destruction, evidence.
OWED = ("receipt", "destroy", "ledger export")


@dataclass(slots=True, kw_only=True)
class Ended(ClockedTown):
    """Runs what needs the agreement first when it is over; ``refused`` says which commands, on which side."""

    refused: set[tuple[str, str]] = field(default_factory=set)
    after: dict[str, int] = field(default_factory=dict)

    def tell(
        self, firm: Firm | None, *words: str | Path, who: str = "", lang: str = "en", as_json: bool = True
    ) -> Answer:
        """Run the command too late in a copy of the town; then in time."""
        spelled = " ".join(str(word) for word in words)
        name = next((name for name in (*NEEDING, *OWED) if f"{spelled} ".startswith(f"{name} ")), "")
        if words[:2] == ("deal", "stage") and words[3] in GATED:
            name = f"deal stage {words[3]}"
        if firm is not None and name and "--dry-run" not in words:
            with self.later() as late:
                there = late.seller if firm is self.seller else late.buyer
                moved = [late.root / word.relative_to(self.root) if isinstance(word, Path) else word for word in words]
                if name in NEEDING:
                    late.must_refuse(there, name, moved, who)
                    self.refused.add((name, firm.home.name))
                else:
                    self.after[name] = late.at_once(there, *moved, who=who).exit
        return ClockedTown.tell(self, firm, *words, who=who, lang=lang, as_json=as_json)

    @contextmanager
    def later(self) -> Iterator[Ended]:
        """A copy of the town on a day after the agreement's end, everybody logged in."""
        root = self.root.with_name("late")
        shutil.copytree(self.root, root)
        seller, buyer = (
            replace(firm, home=root / firm.home.name, unlock=root / firm.unlock.name)
            for firm in (self.seller, self.buyer)
        )
        clock = SettableClock(self.clock.now() + LATER)
        with Clocked(clock) as houses:
            late = Ended(root=root, seller=seller, buyer=buyer, clock=clock, houses=houses, ids=self.ids)
            late.log_in_again()
            yield late
        shutil.rmtree(root)

    def must_refuse(self, firm: Firm, name: str, words: list[str | Path], who: str) -> None:
        """Run in both languages: the agreement is named, and only the ledger grew."""
        before = everything(self)
        spoken = self.at_once(firm, *words, who=who, lang="zh", as_json=False)
        answer = self.at_once(firm, *words, who=who)
        assert spoken.exit == answer.exit != 1
        assert has_chinese(spoken.err)
        assert not has_chinese(answer.err)
        assert CONDITION in answer.unmet or answer.problem["code"] in NAMED, (name, answer.err)
        after = everything(self)
        database = str(firm.home / "tigertally.db")
        assert {path for path in {*before, *after} if before.get(path) != after.get(path)} == {database}, name
        checked = self.at_once(firm, "fsck")
        assert (checked.exit, checked.data["clean"]) == (0, True), checked.out


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """A sale in time, each command first too late."""
    with clocked_town(tmp_path_factory.mktemp("ended") / "town") as made:
        town = Ended(root=made.root, seller=made.seller, buyer=made.buyer, clock=made.clock, houses=made.houses)
        towns.fill(town, customers=100, only=KEPT)
        towns.seal(town)
        towns.sell(town, days=DAYS)
        deal, root = town.ids["deal"], town.root
        towns.to_processor(town)
        town.do(town.seller, "bundle", deal, "--out", root / "bundle", who="qian")
        shutil.copytree(root / "bundle", root / "arrived")
        town.do(town.buyer, "receive", root / "arrived", "--deal", deal, "--out", root / "receipt.json", who="sun")
        town.do(town.seller, "receipt", root / "receipt.json", who="chen")
        town.do(town.seller, "destroy", deal, who="chen")
        town.do(town.seller, "ledger", "export", root / "ledger", who="chen")
        yield town


def test_the_list_is_closed() -> None:
    """Every action whose rule asks for an agreement, and every gate that does, is in it."""
    assert {action for action, rule in POLICY.items() if rule.agreement} == {
        action for action in NEEDING.values() if action is not None
    }
    assert {action for action, rule in POLICY.items() if rule.agreed} == REVEALS
    assert {stage for stage, conditions in GATES.items() if CONDITION in conditions} == GATED


def test_the_beat_says_what_is_overdue(town: Ended) -> None:
    assert town.at_once(town.seller, "ledger", "beat").data["tasks"] == []
    with town.later() as late:
        owed = late.at_once(late.seller, "ledger", "beat").data["tasks"]
        told = late.at_once(late.seller, "ledger", "beat", as_json=False)
    assert isinstance(owed, list)
    assert [(item["deal"], item["task"]) for item in owed if isinstance(item, dict)] == [(town.ids["deal"], "renew")]
    assert "overdue: renew the agreement" in told.err


def test_every_command_that_needs_it_is_refused(town: Ended) -> None:
    sides = {"release countersign": "buyer", "deal accept": "buyer", "receive": "buyer"}
    wanted = {(name, sides.get(name, "seller")) for name in NEEDING}
    wanted |= {(f"deal stage {stage}", "buyer") for stage in GATED}
    assert wanted - town.refused == set()


def test_what_is_owed_after_its_end_goes_on(town: Ended) -> None:
    assert town.after == dict.fromkeys(OWED, 0)
