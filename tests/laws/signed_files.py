"""Every file that the product signs or seals, with what reads it; and every room that writes files. Not a test itself.

A reading does all that a reader does: parse, read, verify or open. Of other bytes than the original it raises a
``Problem``, or answers None.
"""

from __future__ import annotations

import ast
import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

from tests.stories import town as towns
from tests.unit.formats.verify.test_verify_bundle import write as write_bundle
from tests.vectors import flawed_seals, flawed_shares, routes, world
from tests.vectors.test_vectors import BY_BOTH, BY_BUYER, READERS

from tigertally import vault
from tigertally.app import wire
from tigertally.app.verbs import sharing
from tigertally.base.clock import SystemClock
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.base.text import Lang
from tigertally.cli.base import Shell
from tigertally.crypto import aead, totp
from tigertally.crypto.merkle import MemoryTree, consistency_proof, leaf_hash
from tigertally.crypto.sign import NoteKey
from tigertally.formats import (
    backup,
    checkpoint,
    cosignature,
    dealing,
    envelope,
    keyfile,
    ledgerexport,
    note,
    policy,
    proof,
    share,
    shareset,
    statement,
    witness,
)
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.cosignature import VKey
from tigertally.formats.statement import Kind
from tigertally.formats.verify import Trust, verify_path
from tigertally.vault.keepers import passphrase

Reading = Callable[[bytes], object]
Table = dict[str, tuple[bytes, Reading]]

WITNESS = "counsel.example/w1"
BUNDLE = ("manifest.json", "release.json", "party.json", "part-00000.env", "part-00001.env")
EXPORT = ("entries.jsonl", "checkpoint", "party.json", "hashes")

# Rooms that write files: what of it is signed, sealed or under something signed (the names below), and what is plain.
WRITERS: dict[str, tuple[tuple[str, ...], str]] = {
    "app/feeds.py": ((), "events for the collector of others; the ledger is the evidence"),
    "app/mark.py": ((), "a lower bound; raised it refuses, lowered it is what its absence is"),
    "app/onefile.py": ((), "the verifier: its digest is told, and anybody can build it anew"),
    "app/settings.py": ((), "settings, nothing secret: keys and card are checked against the database"),
    "app/witness.py": (
        ("key file", "checkpoint"),
        "requests (with a law of their own), the list of logs",
    ),
    "app/wire.py": (("party",), ""),
    "app/verbs/holding.py": (
        ("key file", "share", "holder card"),
        # By then nobody has a key that the card could be signed under. People compare its fingerprint.
        "nobody signs a holder's card; in the law it is read as people do, its fingerprint compared",
    ),
    "app/verbs/sharing.py": (("shares", "reshare", "share", "sealed share"), ""),
    "cli/holding.py": (("share", "share proof", "dealing"), "a sheet to print: its words and QR code are the share"),
    "app/verbs/closing.py": (("book",), "the papers and pages that the list binds, each with a law of its own or none"),
    "app/verbs/backup.py": (("backup", "envelope"), ""),
    "app/verbs/restore.py": ((), "what the statement and the envelope of a backup hold, each checked"),
    "cli/agreeing.py": ((), "an agreement as a PDF: for people, nothing reads it back"),
    "cli/base.py": ((), "no file: the end of a pipe that nobody reads"),
    "app/verbs/revealing.py": ((), "clear values for whoever asked, and approved by another; nothing reads them back"),
    "cli/keys.py": ((), "the inventory of cryptography: for people and their tools, nothing reads it back"),
    "cli/language.py": ((), "no file: lines of a help page"),
    "cli/discovery.py": ((), "inventory and baseline: for people; what was recorded is in the ledger by digest"),
    "cli/ledger.py": (("proof",), "requests to a witness, with a law of their own"),
    "cli/papers.py": (
        (
            "agreement",
            "invitation",
            "acceptance",
            "release",
            "receipt",
            "certificate",
            "party",
            "erasures",
            "route",
            "opinion",
        ),
        "",
    ),
    "cli/sessions.py": (("session",), ""),
    "cli/policy.py": ((), "the rules as Cedar text: a copy, nothing reads it back"),
    "cli/sealing.py": ((), "the plan: a person edits it; what was done by it is in the ledger by digest"),
    "cli/witness.py": (("cosignatures",), ""),
    "handover/adapters/answers.py": ((), "the map of ids, for others' programs; its digest is in the ledger"),
    "handover/erase.py": ((), "overwrites what is being destroyed"),
    "handover/folder.py": (tuple(f"bundle/{name}" for name in BUNDLE), ""),
    "ledger/export.py": (tuple(f"export/{name}" for name in EXPORT), ""),
    "ledger/publishing.py": (("checkpoint",), "tiles: under the checkpoint's root, read by C2SP clients only"),
    "sealing/protect.py": (
        (),
        # Whoever can change the report can change the copy beside it. That it was made, and how much, is in the ledger.
        "marks, and the report of a copy: it tells its owner what was left out, and is no evidence",
    ),
    "sealing/rewriters/containers.py": ((), "files of the protected copy, and the one opening that makes them"),
    "sealing/rewriters/objects.py": ((), "files of the protected copy"),
    "store/connect.py": ((), "makes the empty database with the right mode"),
    "vault/keepers/passphrase.py": (("root key",), ""),
}
# Sealed or signed, and no file by itself or written by no room: cells of the database, parts of other files.
INNER = (
    "note",
    "cosigned checkpoint",
    "envelope",
    "value",
    "wrapped key",
    "hpke",
    "manifest",
)
WRITING = {"write_whole", "write_bytes", "write_text", "created", "_write_synced"}


def rooms_that_write(source: Path) -> set[str]:
    """The modules of the product that write files, by path, but for the demo and the counterparts."""
    return {
        name
        for path in source.rglob("*.py")
        if not (name := path.relative_to(source).as_posix()).startswith(("testing/", "cli/demo/"))
        and any(isinstance(node, ast.Call) and _writes(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    }


def _writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "open":
        return any(
            (isinstance(node, ast.Constant) and isinstance(node.value, str) and set(node.value) & set("wax+"))
            or (isinstance(node, ast.Attribute) and node.attr in {"O_WRONLY", "O_RDWR", "O_CREAT"})
            for given in call.args
            for node in ast.walk(given)
            if not (isinstance(node, ast.Constant) and len(str(node.value)) > len("w+b"))
        )
    return name in WRITING


SHARING: dict[Kind, Callable[[statement.Statement], object]] = {
    Kind.SHARES: shareset.read_set,
    Kind.RESHARE: shareset.read_plan,
    Kind.BACKUP: backup.read,
    Kind.ERASURES: backup.read_erasures,
}


def read_statement(data: bytes) -> object:
    """A paper, signed by whoever must."""
    paper = statement.parse(data)
    assert paper.to_bytes() == data
    (READERS | SHARING)[paper.kind](paper)
    seller, buyer = world.seller().card.signing, world.buyer().card.signing
    # The certificate was validated, and whoever reads it here knows that: both signatures count.
    both = paper.kind in {*BY_BOTH, Kind.CERTIFICATE}
    signers = {"seller": seller, "buyer": buyer} if both else {"seller": seller}
    paper.require({"buyer": buyer} if paper.kind in BY_BUYER else signers)
    return paper


def read_note(data: bytes) -> object:
    """A checkpoint read as a bare note, its text taken apart here."""
    parsed = note.parse(data)
    assert parsed.to_bytes() == data
    found, _ = checkpoint.parse(data)
    return world.seller().card.log.verify(parsed, origin=found.origin, size=found.size, root=found.root)


def read_proof(data: bytes) -> object:
    """A proof, its path walked."""
    paper = proof.parse(data)
    assert paper.to_bytes() == data
    return paper.verify(world.seller().card.log)


def read_envelope(data: bytes) -> object:
    """A stream sealed to the buyer."""
    return b"".join(envelope.open_stream(world.buyer().transfer, context="law", read=io.BytesIO(data).read))


@cache
def papers() -> Table:
    """What needs no folder."""
    cipher = aead.Cipher(flawed_seals.FIELD_KEY)
    transfer = world.buyer().transfer
    made = {
        "party": world.card_paper(world.seller().card.name),
        "agreement": world.agreement_paper(),
        "invitation": world.invitation_paper(),
        "acceptance": world.acceptance_paper(),
        "release": world.release_paper(),
        "manifest": world.manifest_paper(),
        "receipt": world.receipt_paper(),
        "certificate": world.certificate_paper(),
        "book": world.book_paper(),
        "route": routes.route_paper(),
        "opinion": routes.opinion_paper(),
    }
    sealed = envelope.seal([transfer.public], context="law", plaintext=[b"content"])
    word, cost = flawed_seals.PASSPHRASE, flawed_seals.CHEAP
    kept = keyfile.seal(SecretBytes(b"k" * 32), purpose="law", passphrase=word, cost=cost)
    found: Table = {name: (paper.to_bytes(), read_statement) for name, paper in made.items()}
    found |= _sharing()
    found["backup"] = (world.backup_paper().to_bytes(), read_statement)
    found["erasures"] = (world.erasures_paper().to_bytes(), read_statement)
    found["note"] = (world.head(7), read_note)
    found["checkpoint"] = (world.head(7), lambda data: checkpoint.verify(data, world.seller().card.log))
    found["proof"] = (world.proof(3).to_bytes(), read_proof)
    found["key file"] = (kept.to_bytes(), lambda data: keyfile.parse(data).open(flawed_seals.PASSPHRASE))
    found["envelope"] = (b"".join(sealed), read_envelope)
    found["value"] = (cipher.seal(b"4111111111111111", b"aad"), lambda data: cipher.open(data, b"aad"))
    inner = SecretBytes(b"i" * 32)
    found["wrapped key"] = (cipher.wrap(inner, b"aad"), lambda data: cipher.unwrap(data, b"aad"))
    found["hpke"] = (transfer.public.seal(b"k" * 32, info=b"law"), lambda data: transfer.open(data, info=b"law"))
    return found | _witnessed()


def _sharing() -> Table:
    """A ceremony: set, plan, a share as text and sealed, proof, dealing, a holder's card."""
    dealt, shares = flawed_shares.made()
    keyed = tuple(
        replace(group, holders=tuple(replace(one, key=world.buyer().transfer.public) for one in group.holders))
        for group in flawed_shares.terms().groups
    )
    terms = flawed_shares.terms(epoch=2, previous="ab" * 32, groups=keyed)
    plan = shareset.Plan(terms=terms, givers=((1, 1), (2, 1)))
    planned = statement.make(Kind.RESHARE, plan.body(), world.seller().signing)
    whole = shareset.read_set(dealt)

    def admitted(data: bytes) -> object:
        return whole.admit(share.from_text(SecretText(data.decode("latin-1"))))

    key = world.buyer().transfer
    sealed = dealing.seal_share(shares[4], of=dealt.digest, key=key.public)
    proof_of = dealing.prove_holding(shares[2].share, of=dealt.digest, at=world.NOW)
    card = share.HolderCard(name="notary", key=key.public)

    def proved(data: bytes) -> bool | None:
        found = sharing.holdings(dealt, [dealing.parse_proof(data)], now=world.NOW)
        return any(one.proved for one in found) or None

    def compared(data: bytes) -> object:
        found = share.parse_card(data)
        return found if found.fingerprint() == card.fingerprint() else None

    return {
        "shares": (dealt.to_bytes(), read_statement),
        "reshare": (planned.to_bytes(), read_statement),
        "share": (shares[0].to_text().expose().encode(), admitted),
        "sealed share": (sealed.to_bytes(), lambda data: whole.admit(dealing.parse_sealed(data).open(key))),
        "share proof": (proof_of.to_bytes(), proved),
        "dealing": _dealing(dealt, shares[4]),
        "holder card": (card.to_bytes(), compared),
    }


def _dealing(dealt: statement.Statement, own: share.TaggedShare) -> tuple[bytes, Reading]:
    """What an old holder deals, read by all who read it: every new holder takes their share, the party concludes."""
    paper = flawed_shares.plan(dealt)
    plan, whole = shareset.read_plan(paper), shareset.read_set(dealt)
    other = vault.give(plan, paper.digest, whole, flawed_shares.made()[1][0])
    keys = {(1, 1): world.buyer().transfer, (2, 1): world.seller().transfer}

    def taken(data: bytes) -> object:
        given = [other, dealing.parse_dealing(data)]
        after = vault.conclude(plan, paper.digest, whole, given, now=world.NOW)
        take = partial(vault.take, plan, paper.digest, whole, given)
        return [after.admit(take(seat=seat, key=key)) for seat, key in keys.items()]

    return vault.give(plan, paper.digest, whole, own).to_bytes(), taken


def _witnessed() -> Table:
    """What goes to a witness and comes back."""
    key = NoteKey(SecretBytes(world.seed("witness", 64)))
    vkeys = cosignature.keys_of_witness(WITNESS, key)
    wanted = policy.parse(f"witness a {vkeys[0]}\nwitness b {vkeys[1]}\ngroup g all a b\nquorum g\n".encode())
    signed, parsed = checkpoint.parse(world.head(7))
    given = cosignature.cosign(signed, name=WITNESS, key=key, now=world.NOW)
    answer = witness.signature_lines(given)

    def taken(data: bytes) -> object:
        found = witness.take(data, checkpoint=world.head(7), keys=vkeys)
        return found if found == given and witness.signature_lines(found) == data else None

    def met(data: bytes) -> bool | None:
        head, whole = checkpoint.parse(data)
        checkpoint.verify(data, world.seller().card.log)
        return wanted.met(wanted.cosigned(whole, head)) or None

    return {
        "cosignatures": (answer, taken),
        "cosigned checkpoint": (cosignature.merged(parsed, given).to_bytes(), met),
    }


def request() -> tuple[bytes, Callable[[bytes], Checkpoint | None]]:
    """A request to a witness, and what it would cosign. One of the log's signatures is enough for it (C2SP)."""
    hashes = [leaf_hash(entry.leaf) for entry in world.entries()]
    old, _ = checkpoint.parse(world.head(3))
    path = tuple(consistency_proof(MemoryTree(hashes).subtree, old=3, new=7))
    asked = witness.AddCheckpoint(old=3, proof=path, checkpoint=world.head(7)).to_bytes()
    listed = [VKey.parse(spelled) for spelled in world.seller().card.log.vkeys()]

    def considered(data: bytes) -> Checkpoint | None:
        known = {old.origin: listed}
        return witness.consider(data, keys_of=lambda name: known.get(name, []), last_of=lambda _: old).checkpoint

    return asked, considered


@contextmanager
def table(root: Path) -> Iterator[Table]:
    """Everything; what lies in folders, and an installation, are made in ``root``."""
    found = dict(papers())
    bundle = write_bundle(root)
    shutil.move(root / "release.json", bundle / "release.json")
    (bundle / "party.json").write_bytes(world.card_paper(world.seller().card.name).to_bytes())
    export = _export(root / "export")
    trust = Trust(cards=(world.seller().card, world.buyer().card), transfer=world.buyer().transfer)
    for folder, names in ((bundle, BUNDLE), (export, EXPORT)):
        assert {path.name for path in folder.iterdir()} == set(names)
        for name in names:
            reading = partial(_in_folder, folder / name, trust)
            found[f"{folder.name}/{name}"] = ((folder / name).read_bytes(), reading)
    root_key = root / "root.key"
    word = SecretText("long-and-invented")
    passphrase.create(root_key, passphrase=word, cost=flawed_seals.CHEAP)

    def opened(data: bytes) -> object:
        root_key.write_bytes(data)
        return passphrase.open_file(root_key, passphrase=word)

    found["root key"] = (root_key.read_bytes(), opened)
    with _installation(root / "home") as session:
        found["session"] = session
        yield found


def _export(folder: Path) -> Path:
    folder.mkdir()
    entries = world.entries()
    (folder / "entries.jsonl").write_bytes(b"".join(ledgerexport.line(*entry) for entry in entries))
    (folder / "hashes").write_bytes(b"".join(leaf_hash(entry.leaf) for entry in entries))
    (folder / "checkpoint").write_bytes(world.head(len(entries)))
    (folder / "party.json").write_bytes(world.card_paper(world.seller().card.name).to_bytes())
    return folder


def _in_folder(path: Path, trust: Trust, data: bytes) -> object:
    """Put ``data`` in the place of a file, verify the folder offline, put the file back."""
    whole = path.read_bytes()
    path.write_bytes(data)
    try:
        report = verify_path(path.parent, trust, now=world.NOW + timedelta(seconds=1))
    finally:
        path.write_bytes(whole)
    return report if report.ok else None


@contextmanager
def _installation(home: Path) -> Iterator[tuple[bytes, Reading]]:
    """A person's session, read as the command line reads it."""
    unlock = SecretText("long-and-invented-root")
    made = wire.create(
        home,
        name="law",
        database="sqlite:///tigertally.db",
        root_passphrase=unlock,
        lead_handle="chen",
        lead_passphrase=SecretText(towns.passphrase_of("chen")),
        clock=SystemClock(),
        cost=flawed_seals.CHEAP,
    )
    firm = towns.Firm(home=home, unlock=home, totp={"chen": totp.base32_of(made.totp).expose()})
    shell = Shell(home=home, lang=Lang.EN, as_json=True, handle="chen", unlock_file=None)
    with wire.open_house(home, root_passphrase=unlock, clock=SystemClock()) as house:
        towns.log_in(firm, house, "chen")
        path = shell.session_path("chen")

        def resumed(data: bytes) -> object:
            path.write_bytes(data)
            return shell.actor(house)

        yield path.read_bytes(), resumed
