"""Passkeys of the town's people, by the authenticator in software. Not a test itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tigertally.access.passkeys import CREATE, GET
from tigertally.app.verbs import passkeys
from tigertally.base.secret import SecretText
from tigertally.testing.authenticator import Authenticator, url

if TYPE_CHECKING:
    from tests.stories.town import Firm

    from tigertally.app.wire import House

LOCALHOST = "http://localhost:8431"


def own_key(firm: Firm, house: House, who: str) -> None:
    """Register a passkey and show it."""
    device = Authenticator(origin=LOCALHOST)
    asked = passkeys.ask(house, actor=firm.actor(house, who), origin=device.origin, use=CREATE)
    passkeys.add(house, actor=firm.actor(house, who), answer=device.create({"challenge": url(asked.challenge)}))
    firm.keys[who] = device
    show_key(firm, house, who)


def show_key(firm: Firm, house: House, who: str) -> None:
    """Show a passkey as the second factor."""
    device = firm.keys[who]
    token = SecretText((firm.home / "sessions" / who).read_text().strip())
    asked = passkeys.ask(house, actor=firm.actor(house, who), origin=device.origin, use=GET)
    passkeys.show(house, handle=who, token=token, answer=device.get({"challenge": url(asked.challenge)}))
