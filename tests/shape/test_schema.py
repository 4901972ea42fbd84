"""The migrations build exactly the tables that the wings declare, on both databases."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Inspector, PrimaryKeyConstraint, Table, inspect, text

import tigertally
from tigertally.store import Store, jobs, metadata, migrate, outbox, tx
from tigertally.store.migrations import versions


@pytest.fixture(scope="module", autouse=True)
def _all_tables() -> None:
    """Import every room that declares tables."""
    assert {jobs.store_job, outbox.store_outbox, tx.store_lock} <= set(metadata.tables.values())
    for info in pkgutil.walk_packages(tigertally.__path__, "tigertally."):
        if info.name.endswith(".sql"):
            importlib.import_module(info.name)


# SQLAlchemy cannot read these back from SQLite; their names are compared below.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index"),
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index"),
]


def test_migrated_is_declared(store: Store) -> None:
    with store.reading() as reading:
        context = MigrationContext.configure(reading.connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
        assert differences == [], "\n".join(str(difference) for difference in differences)
        inspector = inspect(reading.connection)
        for table in metadata.sorted_tables:
            assert constraints_found(inspector, table) == constraints_declared(table), table.name
        if reading.dialect == "sqlite":
            made = set(reading.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")))
            assert made == {str(index.name) for table in metadata.sorted_tables for index in table.indexes}


def constraints_found(inspector: Inspector, table: Table) -> set[str | None]:
    """Names that Alembic does not compare."""
    checks = {check["name"] for check in inspector.get_check_constraints(table.name)}
    key = inspector.get_pk_constraint(table.name)["name"]
    if table.dialect_options["sqlite"]["autoincrement"] and key is None:
        # SQLite writes such a key beside its column, where it cannot be named.
        key = str(table.primary_key.name)
    return checks | {key}


def constraints_declared(table: Table) -> set[str | None]:
    """Names of the primary key and the checks."""
    return {
        str(constraint.name)
        for constraint in table.constraints
        if isinstance(constraint, (CheckConstraint, PrimaryKeyConstraint))
    }


def test_a_missing_column_would_be_seen(store: Store) -> None:
    with store._writing() as writing:  # noqa: SLF001 - behind the schema's back
        writing.execute(text("ALTER TABLE store_job DROP COLUMN fence"))
        context = MigrationContext.configure(writing.connection, opts={"compare_type": True})
        assert [difference[0] for difference in compare_metadata(context, metadata)] == ["add_column"]


def test_the_steps_are_one_chain_named_after_their_files() -> None:
    files = sorted(path.stem for path in Path(next(iter(versions.__path__))).glob("[0-9]*.py"))
    config = Config()
    config.set_main_option("script_location", "tigertally.store:migrations")
    config.set_main_option("path_separator", "os")
    chain = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert list(migrate.known()) == chain
    assert list(reversed(chain)) == files
    assert [int(name.split("_")[0]) for name in files] == list(range(1, len(files) + 1))
