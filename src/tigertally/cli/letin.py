"""A service as the actor of one command: what it signed is read from a file, and used up."""

from __future__ import annotations

from pathlib import Path

from tigertally.access import Actor
from tigertally.access.services import PREFIX
from tigertally.app.verbs import services
from tigertally.app.wire import House
from tigertally.base.errors import Invalid
from tigertally.base.text import Text
from tigertally.formats.jws import BYTES_MAX
from tigertally.formats.verify.files import read_small


class NoAssertion(Invalid):
    """A service acts with what it signed, a person with a session; not the one with the other's."""

    code = "cli.no_assertion"
    title = Text(
        "服务账户须用 --as svc:名称 和 --assertion-file", "a service acts by --as svc:NAME and --assertion-file"
    )
    hint = Text("见 docs/formats/assertion.md", "see docs/formats/assertion.md")


def service(house: House, *, handle: str, file: Path | None) -> Actor:
    """Return the service called ``handle``. Raises :class:`NoAssertion`, ``AssertionRefused``, ``AssertionUsed``."""
    if not handle.startswith(PREFIX) or file is None:
        raise NoAssertion
    return services.let_in(house, name=handle, token=read_small(file, bytes_max=BYTES_MAX).strip())
