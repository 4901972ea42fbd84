"""The pages of docs/formats say what the code does: their examples are the vectors, their numbers the verifier's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.unit.formats.verify import test_verify_bundle as bundles
from tests.unit.formats.verify import test_verify_logs as logs
from tests.unit.formats.verify import test_verify_papers as papers
from tests.vectors import flawed_seals, world
from tests.vectors.world import NOW

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES
from tigertally.formats import ledgerexport, part, policy, statement
from tigertally.formats.verify import verify_path

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "formats"
VECTORS = ROOT / "tests" / "vectors"
EXAMPLE = re.compile(r"<!-- (payload|file) (\S+) -->\n```json\n(.*?)\n```", re.DOTALL)
EXAMPLES = [
    (page.name, kind, name, shown)
    for page in sorted(PAGES.glob("*.md"))
    for kind, name, shown in EXAMPLE.findall(page.read_text("utf-8"))
]
CUT = 40


def page(name: str) -> str:
    return (PAGES / name).read_text("utf-8")


def shortened(value: Json) -> Json:
    """What a page shows of a value: long strings are cut."""
    if isinstance(value, str):
        return value if len(value) <= 100 else value[:CUT] + "…"
    if isinstance(value, list):
        return [shortened(item) for item in value]
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    return value


def test_every_kind_of_paper_has_an_example() -> None:
    shown = {Path(name).stem for _, kind, name, _ in EXAMPLES if kind == "payload"}
    assert shown == {kind.value for kind in statement.Kind}


@pytest.mark.parametrize(("where", "kind", "name", "shown"), EXAMPLES, ids=[f"{e[0]}:{e[2]}" for e in EXAMPLES])
def test_an_example_is_the_vector(where: str, kind: str, name: str, shown: str) -> None:
    del where
    data = (VECTORS / name).read_bytes()
    value = canon.loads(statement.parse(data).payload if kind == "payload" else data)
    assert json.loads(shown) == shortened(value)


def test_canonical_json_in_hex() -> None:
    value, spelled = re.findall(r"```(?:json|hex)\n(.*?)\n```", page("README.md"), re.DOTALL)[:2]
    assert canon.dumps(json.loads(value)).hex() == spelled


def test_class_codes() -> None:
    listed = dict(re.findall(r"`([a-z_]+)` \| (\d+)", page("README.md")))
    assert listed == {cls.value: str(rule.code) for cls, rule in FIELD_RULES.items()}


def test_hex_examples_of_record_ledger_and_stream() -> None:
    known = json.loads((VECTORS / "record/two-fields.json").read_text("utf-8"))
    whole = re.sub(r"\s", "", page("record.md"))
    assert all(known[name] in whole for name in ("subject", "salt", "record", "commitment", "root_of_this_alone"))
    known = json.loads((VECTORS / "ledger/payload-commitment.json").read_text("utf-8"))
    assert all(known[name] in page("ledger.md") for name in ("salt", "payload", "commitment"))
    assert world.entries()[0].leaf.decode() in page("ledger.md")
    assert ledgerexport.line(*world.entries()[0]).decode().rstrip("\n") in page("ledger.md")
    stream = (VECTORS / "stream/short.bin").read_bytes()
    shown = [flawed_seals.STREAM_KEY.expose(), stream[:24], stream[24:56], stream[56:], world.seed("plain", 11)]
    assert all(item.hex() in page("envelope.md") for item in shown)
    assert (VECTORS / "envelope/two-chunks.env").read_bytes()[:96].hex() in re.sub(r"\s", "", page("envelope.md"))
    assert world.seller().card.fingerprint() in page("party.md")


def test_the_columns_of_a_part() -> None:
    table = page("bundle.md").partition("## 2.")[2].partition("## 3.")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(part.schema().names)


def steps_after(text: str, heading: str) -> list[int]:
    """The numbers of the first numbered list after ``heading``."""
    rest = text.partition(heading)[2]
    numbers: list[int] = []
    for line in rest.splitlines():
        found = re.match(r"(\d+)\. ", line)
        if found:
            numbers.append(int(found.group(1)))
        elif numbers and line and not line.startswith(" "):
            break
    return numbers


@pytest.mark.parametrize(
    ("name", "where", "heading"),
    [
        ("seller", "party.md", "What must hold"),
        ("agreement", "agreement.md", "What must hold"),
        ("invitation", "deal.md", "## 1."),
        ("acceptance", "deal.md", "## 2."),
        ("release", "deal.md", "## 3."),
        ("receipt", "receipt.md", "What must hold"),
        ("certificate", "certificate.md", "What must hold"),
        ("route", "route.md", "## 1."),
        ("opinion", "route.md", "## 2."),
    ],
)
def test_the_verifier_makes_the_checks_of_the_page(tmp_path: Path, name: str, where: str, heading: str) -> None:
    papers.lay(tmp_path, *papers.PAPERS)
    made = bundles.outcomes(verify_path(tmp_path / f"{name}.json", papers.BOTH, now=NOW))
    assert steps_after(page(where), heading) == sorted(made)


def test_the_verifier_makes_the_checks_of_bundles_and_ledgers(tmp_path: Path) -> None:
    made = bundles.outcomes(verify_path(bundles.write(tmp_path), bundles.ALL, now=NOW))
    assert steps_after(page("bundle.md"), "## 4. What must hold") == sorted(made)
    folder = logs.TestLogs().declaring(tmp_path / "export", "quorum none\n", beats=((1, 0), (2, 60)))
    quorum = (policy.parse(b"quorum none\n"),)
    trust = type(papers.BOTH)(cards=papers.BOTH.cards, checkpoints=(world.head(7),), policies=quorum)
    made = bundles.outcomes(verify_path(folder, trust, now=NOW))
    ledger = page("ledger.md")
    assert steps_after(ledger.partition("## 5.")[2], "What must hold") == sorted(made)
    (tmp_path / "x.checkpoint").write_bytes(world.head(7))
    made = bundles.outcomes(verify_path(tmp_path / "x.checkpoint", trust, now=NOW))
    assert steps_after(ledger.partition("## 3.")[2], "What must hold") == sorted(made)
    (tmp_path / "x.tlog-proof").write_bytes(world.proof(3).to_bytes())
    made = bundles.outcomes(verify_path(tmp_path / "x.tlog-proof", trust, now=NOW))
    assert steps_after(ledger.partition("## 4.")[2], "What must hold") == sorted(made)


def test_every_page_says_what_a_reader_must_refuse() -> None:
    others = {"plan.md", "inventory.md"}
    for path in PAGES.glob("*.md"):
        if path.name not in others:
            assert "MUST refuse" in path.read_text("utf-8"), path.name
            assert path.name == "README.md" or f"({path.name})" in page("README.md")
