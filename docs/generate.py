"""Write the pages that are lists of what the code declares: ERRORS, EVENTS, FACTS.

``python docs/generate.py`` writes them; with ``--check`` it names those that are out of date and ends with 1.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import tigertally
from tigertally.access import cedar
from tigertally.app.problems import look_of
from tigertally.base.errors import FAMILIES, Problem, family_of
from tigertally.ledger import event_kinds, fact_kinds

DOCS: Final = Path(__file__).parent


def import_everything() -> None:
    """Import every room, so that every problem and kind is declared.

    Migrations are Alembic's to import, and names with an underscore are libraries or entry points.
    """
    for info in pkgutil.walk_packages(tigertally.__path__, "tigertally."):
        if ".migrations" not in info.name and "._" not in info.name:
            importlib.import_module(info.name)


def problems(root: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Yield every concrete problem of the product."""
    for child in root.__subclasses__():
        if child not in FAMILIES and child.__module__.startswith("tigertally."):
            yield child
        yield from problems(child)


def pages() -> dict[Path, str]:
    """Return each page and what it must say."""
    import_everything()
    return {
        DOCS / "ERRORS.md": errors_page(),
        DOCS / "EVENTS.md": events_page(),
        DOCS / "FACTS.md": facts_page(),
        DOCS / "policy.cedar": cedar.policies(),
        DOCS / "policy.cedarschema": cedar.schema(),
    }


def errors_page() -> str:
    """Return the table of problems by code."""
    declared = sorted({problem.code: problem for problem in problems()}.items())
    rows = []
    for code, problem in declared:
        blank = problem.__new__(problem)
        look, family = look_of(blank), family_of(blank).__name__
        words = [problem.title.zh, problem.title.en, problem.hint.zh, problem.hint.en]
        rows.append([f"`{code}`", family, str(look.exit), str(look.http), *words])
    return page(
        "Errors",
        "Every problem that Tigertally reports, by its stable code. Places in braces are filled with counts, names of"
        " rules or identifiers, never with a customer's value. Anything else ends with exit 1 or HTTP 500, a bland"
        " message and an incident id.",
        ["Code", "Family", "Exit", "HTTP", "中文", "English", "建议", "Hint"],
        rows,
    )


def events_page() -> str:
    """Return the table of event kinds."""
    return page(
        "Events",
        "Every kind of entry in the ledger, with the exact members of its payload. Payloads that are not public stay"
        " in the installation; the export holds their leaves only.",
        ["Kind", "中文", "English", "Members", "Public"],
        [
            [f"`{name}`", kind.title.zh, kind.title.en, members(kind.members), "yes" if kind.public else "no"]
            for name, kind in event_kinds().items()
        ],
    )


def facts_page() -> str:
    """Return the table of fact kinds."""
    return page(
        "Facts",
        "Every kind of statement that the ledger can prove and a decision may use.",
        ["Kind", "中文", "English", "Members"],
        [
            [
                f"`{name}`",
                kind.title.zh,
                kind.title.en,
                members(f"{member}: {type_.__name__}" for member, type_ in kind.members.items()),
            ]
            for name, kind in fact_kinds().items()
        ],
    )


def members(names: Iterable[str]) -> str:
    """Return names in order, as code."""
    return ", ".join(f"`{name}`" for name in sorted(names)) or "–"


def page(title: str, lead: str, head: list[str], rows: list[list[str]]) -> str:
    """Return a page with one table."""
    table = [head, ["---"] * len(head), *rows]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]
    return f"# {title}\n\n{lead}\n\nWritten by `make docs`; do not edit.\n\n" + "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    if arguments == ["--check"]:
        print("\n".join(path.name for path in stale))
        return 1 if stale else 0
    for path, text in pages().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
