"""A town whose installations live by one settable clock: commands run as typed, at the instant a test says.

Not a test itself. Everybody shows a second factor just before they act, as people do; the clock moves on between.
"""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.stories import town as towns
from tests.stories.keys import show_key
from tests.stories.town import BUYER, SELLER, Answer, Firm, Town

from tigertally.app.verbs import people as people_verbs
from tigertally.app.wire import House
from tigertally.base.clock import Clock, SystemClock
from tigertally.base.secret import SecretText
from tigertally.cli.base import run
from tigertally.cli.houses import Houses
from tigertally.testing.clock import SettableClock

BEGAN_AGO = timedelta(hours=7)
BETWEEN_S = 40  # longer than one code of the second factor, so that each is new


class Clocked(Houses):
    """Installations that are kept open and live by ``clock``, whatever the command brings."""

    __slots__ = ("clock",)

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    @contextmanager
    def house(self, home: Path, *, root_passphrase: SecretText, clock: Clock) -> Iterator[House]:
        """Give the installation, at the hour of this clock."""
        del clock
        with super().house(home, root_passphrase=root_passphrase, clock=self.clock) as house:
            yield house

    def forget(self) -> None:
        """Close all; the next command opens them anew."""
        self.__exit__()


@dataclass(slots=True, kw_only=True)
class ClockedTown(Town):
    """The town, its clock, and the installations it keeps open."""

    clock: SettableClock
    houses: Clocked
    fresh: bool = field(default=True)

    def tell(
        self, firm: Firm | None, *words: str | Path, who: str = "", lang: str = "en", as_json: bool = True
    ) -> Answer:
        """Move on, show ``who``'s second factor, run the command."""
        if firm is not None and who and self.fresh:
            self.clock.advance(BETWEEN_S)
            self.show_factor(firm, who)
        return self.at_once(firm, *words, who=who, lang=lang, as_json=as_json)

    def at_once(
        self, firm: Firm | None, *words: str | Path, who: str = "", lang: str = "en", as_json: bool = True
    ) -> Answer:
        """Run the command at the instant the clock stands at."""
        spelled = towns.arguments(firm, words, who=who, lang=lang, as_json=as_json)
        heard, wrong = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(wrong):
            code = run(spelled, houses=self.houses)
        answer = Answer(words=tuple(spelled), exit=code, out=heard.getvalue(), err=wrong.getvalue())
        self.told.append(answer)
        return answer

    @contextmanager
    def open(self, firm: Firm) -> Iterator[House]:
        """Give an installation by this town's clock."""
        passphrase = SecretText(firm.unlock.read_text().strip())
        with self.houses.house(firm.home, root_passphrase=passphrase, clock=self.clock) as house:
            yield house

    def show_factor(self, firm: Firm, who: str) -> None:
        """Show the second factor now."""
        with self.open(firm) as house:
            if who in firm.keys:
                show_key(firm, house, who)
                return
            token = SecretText((firm.home / "sessions" / who).read_text().strip())
            people_verbs.confirm(house, handle=who, token=token, code=firm.code(who, self.clock.now()))

    def log_in_again(self) -> None:
        """Open everybody's session anew, now."""
        for firm, staff in ((self.seller, SELLER), (self.buyer, BUYER)):
            with self.open(firm) as house:
                for who in staff:
                    towns.log_in(firm, house, who)


@contextmanager
def clocked_town(root: Path) -> Iterator[ClockedTown]:
    """Found both companies some hours ago."""
    clock = SettableClock(SystemClock().now() - BEGAN_AGO)
    root.mkdir(parents=True)
    seller = towns.settle(root / "seller", staff=SELLER, clock=clock)
    buyer = towns.settle(root / "buyer", staff=BUYER, clock=clock)
    with Clocked(clock) as houses:
        yield ClockedTown(root=root, seller=seller, buyer=buyer, clock=clock, houses=houses)


def everything(town: Town) -> dict[str, object]:
    """What lies in the town's folder: rows of both databases, sizes of all other files."""
    found: dict[str, object] = {}
    for folder, _, names in os.walk(town.root):
        for name in names:
            path = Path(folder) / name
            if name == "tigertally.db":
                with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
                    found[str(path)] = hash("\n".join(database.iterdump()))
            elif not name.endswith(("-wal", "-shm")):
                found[str(path)] = path.stat().st_size
    return found
