"""``tigertally migrate``: an installation of an earlier version is refused until it has run, then works."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from tests.stories import town as towns
from tests.stories.town import Town

from tigertally.store import migrate


def test_an_older_database_is_upgraded_once(tmp_path: Path) -> None:
    firm = towns.settle(tmp_path / "seller", staff={"chen": "lead"} | {"wang": "officer"})
    town = Town(root=tmp_path, seller=firm, buyer=firm)
    assert town.do(firm, "migrate").data == {"before": migrate.latest(), "after": migrate.latest()}
    path = firm.home / "tigertally.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = path.read_bytes()
    _first_version(path)
    for lang in ("zh", "en"):
        assert town.tell(firm, "status", lang=lang).problem["code"] == "store.schema_older"
    assert town.do(firm, "migrate").data == {"before": migrate.known()[-1], "after": migrate.latest()}
    path.write_bytes(kept)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999_from_tomorrow'")
        database.commit()
    assert town.tell(firm, "migrate").problem["code"] == "store.schema_newer"
    path.write_bytes(kept)
    town.do(firm, "fsck")


def _first_version(path: Path) -> None:
    for file in path.parent.glob("tigertally.db*"):
        file.unlink()
    config = Config()
    config.set_main_option("script_location", "tigertally.store:migrations")
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, migrate.known()[-1])
    engine.dispose()
