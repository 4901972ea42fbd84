"""Run the benches, print a table, write ``build/bench.json``.

``python -m bench.run [NAME]``: every room of this folder that has ``rows()`` is run; with NAME only rooms or rows
whose name contains it. A row is ``{name, value, unit, peer, peer_value, ratio}``: ``ratio`` is value over
peer_value, measured in the same run on the same machine, so that it means something on another machine too.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from rich.console import Console
from rich.table import Table

import bench
from tigertally.base.text import Lang
from tigertally.discovery import slowness

Cell: TypeAlias = "str | int | float | None"
Row: TypeAlias = Mapping[str, Cell]
COLUMNS = ("name", "value", "unit", "peer", "peer_value", "ratio")
OUTPUT = Path("build") / "bench.json"


class BadRow(TypeError):  # noqa: N818 - errors say the fact (HOUSE §4)
    """A bench gave something else than a row."""


def rooms(only: str) -> list[tuple[str, Callable[[], Iterable[Row]]]]:
    """Return the benches to run. If NAME is no room's name, all of them: one may have a row of that name."""
    found: list[tuple[str, Callable[[], Iterable[Row]]]] = []
    for info in pkgutil.iter_modules(bench.__path__):
        if info.name == "run":
            continue
        module = importlib.import_module(f"bench.{info.name}")
        if hasattr(module, "rows"):
            found.append((info.name, cast("Callable[[], Iterable[Row]]", module.rows)))
    return [room for room in found if only in room[0]] or found


def checked(row: Row) -> Row:
    """Return the row with every column, or raise :class:`BadRow`."""
    if unknown := set(row) - set(COLUMNS):
        raise BadRow(f"unknown columns {sorted(unknown)}")
    if not isinstance(row.get("name"), str) or not isinstance(row.get("value"), (int, float)):
        raise BadRow("a row needs a name and a value")
    return {column: row.get(column) for column in COLUMNS}


def rate(name: str, value: float, peer: str, peer_value: float) -> Row:
    """Return a row of megabytes per second beside a peer's."""
    return {
        "name": name,
        "value": round(value, 1),
        "unit": "MB/s",
        "peer": peer,
        "peer_value": round(peer_value, 1),
        "ratio": round(value / peer_value, 3),
    }


def run(only: str) -> list[Row]:
    """Run the benches and return their rows."""
    chosen = rooms(only)
    whole_rooms = any(only in name for name, _ in chosen)
    rows = [checked(row) for _, measure in chosen for row in measure()]
    return rows if whole_rooms else [row for row in rows if only in str(row["name"])]


def show(rows: list[Row], console: Console) -> None:
    """Print the table."""
    table = Table(title="Tigertally bench")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in {"value", "peer_value", "ratio"} else "left")
    for row in rows:
        table.add_row(*(_cell(row[column]) for column in COLUMNS))
    console.print(table)


def _cell(value: Cell) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value


def main(arguments: list[str]) -> int:
    """Run; 1 if nothing was measured."""
    slow = slowness()
    if slow is not None:  # before and after: nobody should take these figures for the product's
        Console(stderr=True).print(f"! {slow.render(Lang.EN)}", style="bold red")
    rows = run(arguments[0] if arguments else "")
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    console = Console()
    show(rows, console)
    console.print(f"{len(rows)} rows in {OUTPUT}")
    if slow is not None:
        console.print(f"! {slow.render(Lang.EN)}", style="bold red")
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
