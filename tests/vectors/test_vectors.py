"""Runs every vector: the answer is the one that ``cases.json`` lists, and the files are what ``generate.py`` writes."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.vectors import flawed_seals, flawed_shares, generate, world

from tigertally.base import canon
from tigertally.base.errors import Problem
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import aead, merkle, shares, stream
from tigertally.crypto.sign import SigningKey
from tigertally.crypto.suites import Suite
from tigertally.formats import (
    agreement,
    assertion,
    backup,
    book,
    certificate,
    checkpoint,
    dealpapers,
    envelope,
    jws,
    keyfile,
    ledgerexport,
    manifest,
    part,
    party,
    proof,
    receipt,
    record,
    route,
    share,
    shareset,
    statement,
)
from tigertally.formats.leaf import commit_payload
from tigertally.formats.manifest import part_context, part_name
from tigertally.formats.statement import Kind, Statement

HERE = Path(__file__).parent
CASES: list[dict[str, str]] = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
FILES = [case for case in CASES if not case["file"].startswith("ledger/")]
EXPORTS = [case for case in CASES if "/export-" in case["file"] and not case["file"].endswith("/checkpoint")]
UNLISTED = {"README.md", "cases.json"}
PUBLISHED = {Path("ff1/published.json"), Path("guomi/published.json")}  # by others: test_published.py runs them

SELLER, BUYER = world.seller().card.signing, world.buyer().card.signing
READERS: dict[Kind, Callable[[Statement], object]] = {
    Kind.PARTY: party.read,
    Kind.AGREEMENT: agreement.read,
    Kind.INVITATION: dealpapers.read_invitation,
    Kind.ACCEPTANCE: dealpapers.read_acceptance,
    Kind.RELEASE: dealpapers.read_release,
    Kind.MANIFEST: manifest.read,
    Kind.RECEIPT: receipt.read,
    Kind.CERTIFICATE: certificate.read,
    Kind.BOOK: book.read,
    Kind.ROUTE: route.read,
    Kind.OPINION: route.read_opinion,
}
BY_BOTH = {Kind.AGREEMENT, Kind.RELEASE}
BY_BUYER = {Kind.ACCEPTANCE, Kind.RECEIPT, Kind.OPINION}


def judge_statement(data: bytes, name: str) -> str:
    paper = statement.parse(data)
    assert paper.to_bytes() == data
    if name == "kind-swapped.json":
        paper.expect(Kind.AGREEMENT)
    READERS[paper.kind](paper)
    if paper.kind in BY_BOTH:
        paper.require({"seller": SELLER, "buyer": BUYER})
    else:
        paper.require({"signer": BUYER if paper.kind in BY_BUYER else SELLER})
    return "accept"


def judge_checkpoint(data: bytes, _: str) -> str:
    _found, note = checkpoint.parse(data)
    assert note.to_bytes() == data
    checkpoint.verify(data, world.seller().card.log)
    return "accept"


def judge_proof(data: bytes, _: str) -> str:
    paper = proof.parse(data)
    assert paper.to_bytes() == data
    return "not proved" if paper.verify(world.seller().card.log) is None else "accept"


def judge_keyfile(data: bytes, _: str) -> str:
    file = keyfile.parse(data)
    assert file.to_bytes() == data
    assert file.open(flawed_seals.PASSPHRASE) == SecretBytes(world.seed("kept", 64))
    return "accept"


def judge_envelope(data: bytes, _: str) -> str:
    context = part_context(world.BUNDLE, part_name(0))
    pieces = envelope.open_stream(world.buyer().transfer, context=context, read=io.BytesIO(data).read)
    assert b"".join(pieces) == world.seed("content", 20_000)
    return "accept"


def judge_aead(data: bytes, name: str) -> str:
    guomi = name.startswith("guomi")
    cipher = aead.Cipher(flawed_seals.SM4_KEY, Suite.GUOMI_1) if guomi else aead.Cipher(flawed_seals.FIELD_KEY)
    if "wrapped-key" in name:
        assert cipher.unwrap(data, flawed_seals.AAD) == SecretBytes(world.seed("inner", 32))
    else:
        assert cipher.open(data, flawed_seals.AAD) == b"6222 0000 0000 0000"
    return "accept"


def judge_hpke(data: bytes, _: str) -> str:
    opened = world.buyer().transfer.open(data, info=flawed_seals.INFO)
    assert opened == SecretBytes(world.seed("inner", 32))
    return "accept"


def judge_stream(data: bytes, _: str) -> str:
    plain = b"".join(stream.decrypt_chunks(flawed_seals.STREAM_KEY, context=b"vector", read=io.BytesIO(data).read))
    assert plain == world.seed("plain", len(plain))
    return "accept"


def judge_part(data: bytes, _: str) -> str:
    assert part.read_part(data, subjects=3) == world.rows(world.subjects()[:3])
    return "accept"


def judge_canon(data: bytes, _: str) -> str:
    assert canon.dumps(canon.loads(data)) == data
    return "accept"


def judge_shares(data: bytes, name: str) -> str:
    if name.endswith(".json"):
        paper = statement.parse(data)
        found = shareset.read_plan(paper) if paper.kind is Kind.RESHARE else shareset.read_set(paper)
        assert found.body() == canon.loads(paper.payload)
        paper.require({"seller": SELLER})
        return "accept"
    whole = shareset.read_set(statement.parse((HERE / "shares/shares.json").read_bytes()))
    spelled = SecretText(data.decode())
    tagged = share.from_words(spelled) if name.endswith(".words") else share.from_text(spelled)
    assert whole.admit(tagged) is tagged.share
    return "accept"


def judge_backup(data: bytes, _: str) -> str:
    paper = statement.parse(data)
    found = backup.read(paper) if paper.kind is Kind.BACKUP else backup.read_erasures(paper)
    assert found.body() == canon.loads(paper.payload)
    paper.require({"seller": SELLER})
    return "accept"


def judge_assertion(data: bytes, name: str) -> str:
    known = json.loads((HERE / "assertion/keys.json").read_text(encoding="utf-8"))
    keys = [jws.public_key(key["pem"].encode()) for key in known["keys"]]
    assert [key.id for key in keys] == [key["id"] for key in known["keys"]]
    given = [keys[1]] if name == "es256.jwt" else keys[:1]
    now = datetime.fromtimestamp(known["now"], tz=UTC)
    found = assertion.read(data, service=known["service"], audience=known["audience"], keys=given, now=now)
    assert (found.at, found.act) == (now, "5a" * 32 if name == "act.jwt" else "")
    return "accept"


JUDGES: dict[str, Callable[[bytes, str], str]] = {
    "statement": judge_statement,
    "checkpoint": judge_checkpoint,
    "proof": judge_proof,
    "keyfile": judge_keyfile,
    "envelope": judge_envelope,
    "aead": judge_aead,
    "hpke": judge_hpke,
    "stream": judge_stream,
    "part": judge_part,
    "canon": judge_canon,
    "shares": judge_shares,
    "backup": judge_backup,
    "assertion": judge_assertion,
}


@pytest.mark.parametrize("case", FILES, ids=lambda case: case["file"])
def test_a_file_is_answered_as_listed(case: dict[str, str]) -> None:
    folder, _, name = case["file"].partition("/")
    try:
        answer = JUDGES[folder]((HERE / case["file"]).read_bytes(), name)
    except Problem as problem:
        answer = problem.code
    assert answer == case["expect"], case["why"]


@pytest.mark.parametrize("case", EXPORTS, ids=lambda case: case["file"])
def test_an_export_names_its_flaws(case: dict[str, str]) -> None:
    found = ledgerexport.verify_export(HERE / case["file"], world.seller().card.log)
    named = sorted(f"{flaw.kind.value}:{flaw.entry}" for flaw in found.flaws)
    assert " ".join(named) == " ".join(sorted(case["expect"].split())), case["why"]
    assert found.ok is (case["expect"] == "")


def test_every_file_is_listed() -> None:
    """A vector that nobody runs proves nothing."""
    listed = {case["file"] for case in CASES}
    known = {"record/two-fields.json", "ledger/payload-commitment.json", "merkle/roots.json", "party/fingerprint.json"}
    known |= {"statement/key-of-seed.json", "assertion/keys.json", *(path.as_posix() for path in PUBLISHED)}
    for path in HERE.rglob("*"):
        name = path.relative_to(HERE).as_posix()
        if path.is_dir() or path.suffix in {".py", ".pyc"} or name in UNLISTED | known:
            continue
        assert name in listed or path.parent.relative_to(HERE).as_posix() in listed, name


def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    for case in CASES:
        if case["base"] == "yes":
            (tmp_path / case["file"]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / case["file"], tmp_path / case["file"])
    generate.build(tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(HERE) for path in HERE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert set(made) == {name for name in kept if name.suffix != ".py" and name.name != "README.md"} - PUBLISHED
    for name, data in made.items():
        assert data == (HERE / name).read_bytes(), name


@pytest.mark.parametrize("name", ["party", "agreement", "release", "invitation"])
def test_a_base_says_what_it_said_when_it_was_made(name: str) -> None:
    """Bases are kept, so a change of a body must show here."""
    fresh: dict[str, Callable[[], Statement]] = {
        "party": lambda: world.card_paper(world.seller().card.name),
        "agreement": world.agreement_paper,
        "release": world.release_paper,
    }
    kept = statement.parse((HERE / "statement" / f"{name}.json").read_bytes())
    if name == "invitation":
        invitation = dealpapers.read_invitation(kept)
        assert canon.dumps(invitation.body()) == kept.payload
        assert invitation.agreement.payload == world.agreement_paper().payload
    else:
        assert fresh[name]().payload == kept.payload


def test_known_record() -> None:
    value = json.loads((HERE / "record/two-fields.json").read_text(encoding="utf-8"))
    fields = [record.Field(f["code"], f["slot"], f["value"].encode(), f["token"].encode()) for f in value["fields"]]
    encoded = record.encode(value["subject"].encode(), fields)
    assert encoded.hex() == value["record"]
    commitment = record.commit(bytes.fromhex(value["salt"]), encoded)
    assert commitment.hex() == value["commitment"]
    assert merkle.leaf_hash(commitment).hex() == value["root_of_this_alone"]


def test_the_shares_of_enough_groups_open_the_root_key() -> None:
    whole = shareset.read_set(statement.parse((HERE / "shares/shares.json").read_bytes()))
    texts = [(HERE / f"shares/seat-{group}-{member}.share").read_text() for group, member in flawed_shares.SEATS]
    given = [whole.admit(share.from_text(SecretText(text))) for text in texts]
    for some in ([0, 4], [1, 4], [0, 2, 3], [2, 3, 4]):
        secret = shares.combine(whole.terms.structure, [given[at] for at in some])
        opened = flawed_shares.sealer(secret).unwrap(whole.sealed, flawed_shares.aad())
        assert opened == SecretBytes(world.seed("root", 32))
    for few in ([0, 1], [2, 3], [0, 2], [4]):
        with pytest.raises(Problem):
            shares.combine(whole.terms.structure, [given[at] for at in few])


def test_known_roots() -> None:
    value = json.loads((HERE / "merkle/roots.json").read_text(encoding="utf-8"))
    leaves = [merkle.leaf_hash(bytes.fromhex(item)) for item in value["leaves"]]
    assert [merkle.root_of(leaves[:size]).hex() for size in range(9)] == value["roots"]


def test_known_payload_commitment() -> None:
    value = json.loads((HERE / "ledger/payload-commitment.json").read_text(encoding="utf-8"))
    assert commit_payload(bytes.fromhex(value["salt"]), value["payload"].encode()).hex() == value["commitment"]


def test_known_keys() -> None:
    value = json.loads((HERE / "statement/key-of-seed.json").read_text(encoding="utf-8"))
    key = SigningKey(SecretBytes(bytes.fromhex(value["seeds"])))
    assert (key.public.raw.hex(), key.public.key_id) == (value["public"], value["keyid"])


def test_known_fingerprint() -> None:
    value = json.loads((HERE / "party/fingerprint.json").read_text(encoding="utf-8"))
    assert world.seller().card.body() == value["card"]
    assert world.seller().card.fingerprint() == value["fingerprint"]
