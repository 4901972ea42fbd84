"""The ceremony of shares in a town that lives by a settable clock: dealt to three parties, proved, passed on.

Not a test itself. Its town runs every command of it too early first. What holders do at home has no installation, so
no ledger whose clock could be behind.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.stories.town import CHEAP, Answer, Firm

from tigertally.app.verbs import holding, sharing
from tigertally.app.wire import House
from tigertally.base.clock import Clock
from tigertally.base.secret import SecretText
from tigertally.cli.papers import read_paper
from tigertally.formats.statement import Kind

HOLDERS = ("sun", "notary")
SPLIT = ("--need", "2", "--group", "seller:1", "--group", "buyer:1", "--group", "escrow:1")
AFTER = ("--need", "2", "--group", "buyer:1", "--group", "escrow:1")


class Forgetting(Protocol):
    """Keeps installations open until it is told."""

    def forget(self) -> None:
        """Close all."""


class Stage(Protocol):
    """A town with a clock, as this play needs it."""

    @property
    def root(self) -> Path:
        """Its folder."""

    @property
    def seller(self) -> Firm:
        """Whose root key it is."""

    @property
    def clock(self) -> Clock:
        """By which all live."""

    @property
    def houses(self) -> Forgetting:
        """Installations that are open."""

    def do(self, firm: Firm | None, *words: str | Path, who: str = "") -> Answer:
        """Run a command that must succeed."""

    def two(self, firm: Firm, *words: str | Path, who: str, second: str) -> Answer:
        """Run a two-person act."""

    def call(self, firm: Firm, verb: str, work: Callable[[House], object], *, who: str = "") -> None:
        """Call a verb."""


def play(town: Stage) -> None:
    """Deal, open, prove, pass on, close; in the end it is open by the passphrase that the seller had before."""
    firm, root = town.seller, town.root / "ceremony"
    root.mkdir()
    word = root / "holder.txt"
    word.write_text("an invented passphrase of a holder\n")
    cards = {}
    for who in HOLDERS:
        town.do(None, "custody", "holder", who, "--out", root / who, "--key-passphrase-file", word)
        cards[who] = root / who / "holder.json"
    abroad = ("--holder", f"buyer:sun={cards['sun']}", "--holder", f"escrow:notary={cards['notary']}")
    split = ("custody", "split", *SPLIT, "--holder", "seller:chen", *abroad, "--out", root / "dealt")
    town.two(firm, *split, who="chen", second="wang")
    town.houses.forget()  # they have the root key of before
    for who, name in (("sun", "buyer-1"), ("notary", "escrow-1")):
        key = ("--key", root / who / "holder.key", "--key-passphrase-file", word)
        town.do(None, "custody", "unseal", root / "dealt" / f"{name}.sealed.json", *key, "--out", root / name)
    held = (root / "dealt" / "seller-1.share", root / "buyer-1")
    _open(town, held)  # chen showed a factor for the split
    town.call(firm, "custody.open", lambda _: _open(town, held), who="chen")
    town.houses.forget()
    set_file, proof = root / "dealt" / "shares.json", root / "proof.json"
    shown = holding.prove(read_paper(set_file, Kind.SHARES), holding.read_share(held[1]), clock=town.clock)
    proof.write_bytes(shown.to_bytes())
    found = town.do(firm, "custody", "proofs", proof, who="chen").data["items"]
    assert isinstance(found, list)
    assert [one["proved"] for one in found if isinstance(one, dict)] == [False, True, False]
    _pass_on(town, root, set_file, held, abroad)
    town.do(firm, "custody", "close", who="chen")
    town.houses.forget()
    _open(town, (root / "new-1.1", root / "new-2.1"))


def _pass_on(town: Stage, root: Path, set_file: Path, held: tuple[Path, Path], abroad: tuple[str | Path, ...]) -> None:
    """The seller leaves: buyer and escrow are to hold."""
    firm, plan, card = town.seller, root / "plan.json", town.seller.home / "party.json"
    words = ("custody", "reshare", "plan", "--from", "1.1", "--from", "2.1", *AFTER, *abroad, "--out", plan)
    town.two(firm, *words, who="chen", second="wang")
    dealings = (root / "seller.dealing", root / "buyer.dealing")
    for own, out in zip(held, dealings, strict=True):
        town.do(None, "custody", "give", plan, set_file, "--share", own, "--trust", card, "--out", out)
    for seat, who in (("1.1", "sun"), ("2.1", "notary")):
        key = ("--key", root / who / "holder.key", "--key-passphrase-file", root / "holder.txt", "--trust", card)
        town.do(None, "custody", "take", plan, set_file, *dealings, "--seat", seat, *key, "--out", root / f"new-{seat}")
    finish = ("custody", "reshare", "finish", plan, *dealings, "--out", root / "next.json")
    town.two(firm, *finish, who="chen", second="wang")


def _open(town: Stage, shares: tuple[Path, ...]) -> None:
    firm = town.seller
    sharing.open_custody(
        firm.home,
        given=[holding.read_share(path) for path in shares],
        passphrase=SecretText(firm.unlock.read_text().strip()),
        handle="chen",
        token=SecretText((firm.home / "sessions" / "chen").read_text().strip()),
        clock=town.clock,
        cost=CHEAP,
    )
