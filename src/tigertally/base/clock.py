"""Time: always UTC, always passed in, microseconds at most.

``Clock`` is a port: the system's clock here, a settable one in ``tigertally.testing``. Text form is
RFC 3339 with exactly six fractional digits and ``Z`` (one instant, one spelling), as signed files need.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, Protocol

from tigertally.base.errors import Invalid
from tigertally.base.text import Text

_FORM: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z", re.ASCII)


class BadInstant(Invalid):
    """A time that is not in the one accepted spelling."""

    code = "base.bad_instant"
    title = Text("时间格式无效", "the time is not in the accepted form")
    hint = Text("使用 2026-01-31T08:00:00.000000Z 这样的 UTC 时间", "use UTC like 2026-01-31T08:00:00.000000Z")


class Clock(Protocol):
    """Where the present comes from."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


def to_text(instant: datetime) -> str:
    """Return ``instant`` as RFC 3339 UTC with six fractional digits. Naive instants raise ``ValueError``."""
    if instant.tzinfo is None:
        raise ValueError("naive datetime")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """Return the instant that :func:`to_text` spelled; anything else raises :class:`BadInstant`."""
    if not _FORM.fullmatch(text):
        raise BadInstant
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadInstant from None
