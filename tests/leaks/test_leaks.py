"""No clear value at rest, nowhere (DESIGN §6, promise 1): canaries through every verb and every error path.

One walk is made (it takes most of the time), then everything written and said is searched. What the search itself is
worth is shown in ``test_search.py`` and, for the places of this walk, at the end of this file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest
from tests.leaks import custodians, enrolment, wrongs
from tests.leaks import walk as walks
from tests.leaks.walk import Walk
from tests.stories import town as towns
from tests.stories.test_commands import LEAVES
from tests.stories.town import Answer

from tigertally.app.errors import Unexpected

# The demo's files are searched in tests/stories/test_demo.py. A witness has checkpoints and its own keys, nothing else.
NOT_WALKED = {
    "demo",
    *("ledger ask", "ledger cosign", "ledger quorum", "ledger take"),
    *("witness cosign", "witness init", "witness serve", "witness show", "witness trust"),
}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The whole walk."""
    base = tmp_path_factory.mktemp("leaks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(base / "temp"))
        patch.setattr(tempfile, "tempdir", None)
        made = walks.begin(base, passphrases=enrolment.secrets() | custodians.secrets())
        walks.until_sealed(made)
        enrolment.enrol(made)
        custodians.hold(made)
        custodians.back_up(made)
        made.errors = list(wrongs.explode(made))
        wrongs.break_things(made)
        towns.refresh(made.town)
        walks.until_received(made)
        towns.refresh(made.town)
        walks.until_destroyed(made)
        made.look()
        made.listen()
        yield made


def known(hit: tuple[str, str, str]) -> bool:
    """A name inside running text has no form that a scan could know (docs/LIMITS.md): it stays in a protected copy."""
    label, _, place = hit
    return label == "name" and place.startswith("/town/protected") and "/notes/" in place


def test_nothing_leaked(walk: Walk) -> None:
    found = {(hit.label, hit.form, hit.place.replace(str(walk.base), "")) for hit in walk.hits}
    assert {hit for hit in found if not known(hit)} == set()


def test_every_command_was_walked(walk: Walk) -> None:
    """A command that is added and not walked is found here."""
    said = {" ".join(answer.words) for answer in [*walk.said, *walk.town.told]}
    walked = {words for words in LEAVES if any(line.startswith(f"{words} ") for line in said)}
    assert set(LEAVES) - walked == NOT_WALKED


def test_what_was_unexpected_became_a_problem(walk: Walk) -> None:
    assert walk.errors
    assert {type(error) for error in walk.errors} == {Unexpected}


def test_the_estate_and_all_copies_are_gone_at_the_seller(walk: Walk) -> None:
    assert not walk.town.estate.exists()
    assert not (walk.town.root / "protected").exists()


def test_deleted_files_were_searched_too(walk: Walk) -> None:
    if not (walk.base / walks.SHIM).exists():
        pytest.skip("no C compiler here, so deleted files could not be kept")
    assert len(list(walk.deleted.iterdir())) > 5


@pytest.mark.parametrize("place", ["temp", "deleted", "town/seller", "town/buyer", "town/seller-ledger", "town"])
def test_a_value_in_any_place_of_the_walk_would_be_found(walk: Walk, place: str) -> None:
    """The negative control: without it, finding nothing could mean that nobody looked."""
    planted = walk.base / place / "planted.bin"
    planted.write_bytes(b"\x00 noise " + walk.canaries.card.encode("utf-16-le") + b" noise")
    before = set(walk.hits)
    try:
        walk.look()
        assert {(hit.label, hit.place) for hit in walk.hits - before} == {
            ("pan", str(planted)),
            ("pan", f"{planted} (without separators)"),
        }
    finally:
        planted.unlink()
        walk.hits = before


def test_a_value_in_what_a_command_says_would_be_found(walk: Walk) -> None:
    before = set(walk.hits)
    for out, err in ((walk.canaries.mail, ""), ("", walk.canaries.name)):
        walk.said.append(Answer(words=("show", "x"), exit=0, out=out, err=err))
    walk.listen()
    assert {hit.label for hit in walk.hits - before} == {"email", "name"}
    walk.hits = before


def test_no_core_file_can_be_written() -> None:
    """A core file would hold the memory of a process that has clear values in it."""
    code = (
        "import resource, sys; from tigertally.cli.base import main\n"
        "sys.argv = ['tigertally', '--version']\n"
        "try: main()\n"
        "except SystemExit: print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "(0, 0)"
