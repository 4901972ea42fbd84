"""The installation's settings: one small TOML file beside the database, nothing secret in it.

``tigertally.toml`` has ``[installation]`` with ``party`` (our id), ``name`` (as others see us) and
``database`` (a store URL; a relative SQLite path is taken from the home folder), and where the root key is not in a
file under a passphrase, ``[keeper]`` (``app.keeping``). Unknown keys are refused.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigertally.app.errors import BadSettings, NoInstallation, NotReadable
from tigertally.app.keeping import PASSPHRASE_FILE, Keeping, keeping_of
from tigertally.base.ids import PartyId, check_id

SETTINGS_NAME: Final = "tigertally.toml"
CARD_NAME: Final = "party.json"
SESSIONS_NAME: Final = "sessions"
DATABASE_DEFAULT: Final = "sqlite:///tigertally.db"
_KEYS: Final = frozenset({"party", "name", "database"})
_TABLES: Final = frozenset({"installation", "keeper", "keeper_next"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one installation is called and where its data is."""

    home: Path
    party: PartyId
    name: str
    database: str
    keeper: Keeping = PASSPHRASE_FILE
    keeper_next: Keeping | None = None

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
        if self.keeper != PASSPHRASE_FILE:
            text += _table("keeper", self.keeper)
        if self.keeper_next is not None:
            text += _table("keeper_next", self.keeper_next)
        write_whole(self.home / SETTINGS_NAME, text.encode())


def load(home: Path) -> Settings:
    """Return the settings in ``home``. Raises :class:`NoInstallation` or :class:`BadSettings`."""
    path = home / SETTINGS_NAME
    if not path.is_file():
        raise NoInstallation(home=home)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadSettings(what="TOML") from None
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None
    table = tables.get("installation")
    if not set(tables) <= _TABLES or not all(isinstance(item, dict) for item in tables.values()):
        raise BadSettings(what="tables")
    if not isinstance(table, dict) or set(table) != _KEYS or not all(isinstance(v, str) for v in table.values()):
        raise BadSettings(what="installation")
    return Settings(
        home=home,
        party=PartyId(check_id(table["party"], "pty")),
        name=table["name"],
        database=table["database"],
        keeper=keeping_of(tables["keeper"]) if "keeper" in tables else PASSPHRASE_FILE,
        keeper_next=keeping_of(tables["keeper_next"]) if "keeper_next" in tables else None,
    )


def _table(name: str, keeper: Keeping) -> str:
    # JSON's strings are TOML's, but for characters that neither an address nor a name may have.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keeper.table.items()]
    return "\n".join([f"[{name}]", *lines, ""])


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
