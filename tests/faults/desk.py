"""A customer at a desk, each verb called too early first. Not a test itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stories import town as towns

from tigertally.app.verbs import customers
from tigertally.app.wire import House
from tigertally.base.secret import SecretText

if TYPE_CHECKING:
    from tests.faults.test_clock import Behind


def serve(town: Behind, whom: str) -> None:
    """Set a password, verify it, look at what was replaced."""
    firm, typed = town.seller, town.root / "typed.txt"
    typed.write_text("an invented word\n")
    update = ("customer", "update", whom, "--class", "password_hash", "--reason", "reset", "--value-file", typed)
    town.do(firm, *update, who="chen")

    def verify(house: House) -> None:
        actor, word = firm.actor(house, "zhao"), SecretText("an invented word")
        customers.verify(house, actor=actor, scope="main", whom=whom, candidate=word, cost=towns.CHEAP)

    town.call(firm, "vault.password_verify", verify, who="zhao")
    town.do(firm, "customer", "history", whom, who="zhao")
    town.do(firm, "customer", "passwords", who="chen")
