"""The installation's settings: one small TOML file beside the database, nothing secret in it.

``tigertally.toml`` has ``[installation]`` with ``party`` (our id), ``name`` (as others see us) and
``database`` (a store URL; a relative SQLite path is taken from the home folder). Unknown keys are refused.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigertally.app.errors import BadSettings, NoInstallation, NotReadable
from tigertally.base.ids import PartyId, check_id

SETTINGS_NAME: Final = "tigertally.toml"
ROOT_NAME: Final = "root.key"
CARD_NAME: Final = "party.json"
SESSIONS_NAME: Final = "sessions"
DATABASE_DEFAULT: Final = "sqlite:///tigertally.db"
_KEYS: Final = frozenset({"party", "name", "database"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one installation is called and where its data is."""

    home: Path
    party: PartyId
    name: str
    database: str

    @property
    def store_url(self) -> str:
        """The store's URL with a relative SQLite path made absolute."""
        prefix = "sqlite:///"
        if self.database.startswith(prefix) and not self.database.startswith(prefix + "/"):
            return prefix + str((self.home / self.database[len(prefix) :]).absolute())
        return self.database

    def save(self) -> None:
        """Write the file, whole or not at all."""
        text = (
            "# Tigertally 虎符 installation. Nothing in this file is secret.\n[installation]\n"
            f"party = {json.dumps(self.party)}\n"
            f"name = {json.dumps(self.name, ensure_ascii=False)}\n"
            f"database = {json.dumps(self.database)}\n"
        )
        write_whole(self.home / SETTINGS_NAME, text.encode())


def load(home: Path) -> Settings:
    """Return the settings in ``home``. Raises :class:`NoInstallation` or :class:`BadSettings`."""
    path = home / SETTINGS_NAME
    if not path.is_file():
        raise NoInstallation(home=home)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("installation")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadSettings(what="TOML") from None
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None
    if not isinstance(table, dict) or set(table) != _KEYS or not all(isinstance(v, str) for v in table.values()):
        raise BadSettings(what="installation")
    return Settings(
        home=home,
        party=PartyId(check_id(table["party"], "pty")),
        name=table["name"],
        database=table["database"],
    )


def write_whole(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a small file so that it is there whole or not at all (temporary name, fsync, rename)."""
    partial = path.with_name(path.name + ".partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
