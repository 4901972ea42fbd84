"""Writes the vectors beside it: ``python -m tests.vectors.generate`` from the repository root.

Good files are *bases*. A signature or a sealed key is drawn at random, so a base that exists is kept; delete it
to have it made anew. Everything else, all hostile files included, follows from the bases alone: running this
again changes nothing, and a test does so. ``cases.json`` lists every file with what a reader must answer
(``accept`` or the code of a problem) and why the case is there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.vectors import world
from tests.vectors.world import NOW
from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import aead, merkle, stream
from tigertally.crypto.kdf import Argon2Cost
from tigertally.crypto.sign import ED25519_BYTES, SigningKey
from tigertally.formats import checkpoint, keyfile, ledgerexport, part, record, statement
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.leaf import commit_payload
from tigertally.formats.shape import to_b64
from tigertally.formats.statement import Kind, Statement

HERE = Path(__file__).parent
CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
PASSPHRASE = SecretText("obviously fictional passphrase")
AAD = b"scope|subject|field"
STREAM_KEY = SecretBytes(world.seed("stream key", 32))
FIELD_KEY = SecretBytes(world.seed("field key", 32))
INFO = b"tigertally/v1/vector"


@dataclass(slots=True, kw_only=True)
class Vectors:
    """Files under ``out``, and the list of cases."""

    out: Path
    cases: list[dict[str, str]] = field(default_factory=list)

    def base(self, name: str, make: Callable[[], bytes], *, expect: str = "accept", why: str = "") -> bytes:
        """Return the base ``name``, made if it is not there."""
        path = self.out / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(make())
        self.cases.append({"file": name, "expect": expect, "why": why or "as the product writes it", "base": "yes"})
        return path.read_bytes()

    def derived(self, name: str, data: bytes, *, expect: str, why: str) -> None:
        """Write a file that follows from a base or from constants."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.cases.append({"file": name, "expect": expect, "why": why, "base": "no"})

    def known(self, name: str, value: Json) -> None:
        """Write known answers, which a test of their own reads."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def build(out: Path) -> None:
    """Write all vectors under ``out``."""
    vectors = Vectors(out=out)
    papers = _papers(vectors)
    _flawed_statements(vectors, papers)
    _flawed_bodies(vectors)
    _notes(vectors)
    _proofs(vectors)
    _keyfiles(vectors)
    _envelopes(vectors)
    _sealed(vectors)
    _streams(vectors)
    _parts(vectors)
    _canon(vectors)
    _known_answers(vectors)
    _exports(vectors, papers["party"])
    listed = sorted(vectors.cases, key=lambda case: case["file"])
    (out / "cases.json").write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _papers(vectors: Vectors) -> dict[str, bytes]:
    """One good paper of each kind. Each refers to the files before it, not to freshly signed ones."""
    made: dict[str, bytes] = {}
    simple: dict[str, Callable[[], Statement]] = {
        "party": lambda: world.card_paper(world.seller().card.name),
        "agreement": world.agreement_paper,
        "release": world.release_paper,
    }
    for name, make in simple.items():
        made[name] = vectors.base(f"statement/{name}.json", lambda make=make: make().to_bytes())  # type: ignore[misc]
    made["invitation"] = vectors.base("statement/invitation.json", lambda: world.invitation_paper().to_bytes())
    invited = statement.parse(made["invitation"])
    made["acceptance"] = vectors.base(
        "statement/acceptance.json", lambda: _signed(Kind.ACCEPTANCE, world.acceptance(invited).body(), buyer=True)
    )
    made["manifest"] = vectors.base(
        "statement/manifest.json",
        lambda: _signed(Kind.MANIFEST, world.manifest((b"first part", b"second part")).body()),
    )
    digest = statement.parse(made["manifest"]).digest
    made["receipt"] = vectors.base(
        "statement/receipt.json", lambda: _signed(Kind.RECEIPT, world.receipt(digest).body(), buyer=True)
    )
    digest = statement.parse(made["receipt"]).digest
    made["certificate"] = vectors.base(
        "statement/certificate.json", lambda: _signed(Kind.CERTIFICATE, world.certificate(digest).body())
    )
    return made


def _signed(kind: Kind, body: Json, *, buyer: bool = False) -> bytes:
    return statement.make(kind, body, (world.buyer() if buyer else world.seller()).signing).to_bytes()


def _flawed_statements(vectors: Vectors, papers: Mapping[str, bytes]) -> None:
    """Flaws of the container. The agreement has two signatures, so it shows most of them."""
    good = papers["agreement"]
    whole = statement.parse(good)
    both = list(whole.signatures)
    ours = whole.signatures[[key for key, _ in both].index(world.seller().signing.public.key_id)]
    outer = canon.loads(good)
    assert isinstance(outer, dict)

    def rebuilt(**changes: Json) -> bytes:
        return canon.dumps({**outer, **changes})

    def resigned(*signatures: tuple[str, bytes]) -> bytes:
        return rebuilt(signatures=[{"keyid": key, "sig": to_b64(sig)} for key, sig in signatures])

    def replaced(raw: bytes) -> bytes:
        return resigned(*((key, raw if key == ours[0] else sig) for key, sig in both))

    split = 2 + ED25519_BYTES
    body = canon.loads(whole.payload)
    assert isinstance(body, dict)
    payload = str(outer["payload"])
    add = vectors.derived
    invalid, malformed = "crypto.signature_invalid", "formats.malformed"
    add(
        "statement/payload-edited.json",
        rebuilt(payload=to_b64(canon.dumps({**body, "penalty_cny": 1}))),
        expect=invalid,
        why="the penalty was lowered after both signed",
    )
    add(
        "statement/kind-swapped.json",
        rebuilt(payloadType=Kind.RELEASE.payload_type),
        expect="formats.wrong_kind",
        why="an agreement offered as a release; the type is under the signature too",
    )
    add(
        "statement/unknown-kind.json",
        rebuilt(payloadType="application/vnd.tigertally.gift.v1+json"),
        expect=malformed,
        why="a kind outside the closed set",
    )
    add(
        "statement/signature-missing.json",
        resigned(ours),
        expect="formats.not_signed",
        why="only the seller signed what both must sign",
    )
    add("statement/unsigned.json", rebuilt(signatures=[]), expect=malformed, why="no signature at all")
    add(
        "statement/ed25519-half-only.json",
        replaced(ours[1][:split] + bytes(len(ours[1]) - split)),
        expect=invalid,
        why="the ML-DSA half is zeros: both must verify",
    )
    add(
        "statement/mldsa-half-only.json",
        replaced(ours[1][:2] + bytes(ED25519_BYTES) + ours[1][split:]),
        expect=invalid,
        why="the Ed25519 half is zeros: both must verify",
    )
    add("statement/signature-cut.json", replaced(ours[1][:-1]), expect=invalid, why="one byte short")
    add(
        "statement/signature-other-suite.json",
        replaced(b"\x01\x02" + ours[1][2:]),
        expect=invalid,
        why="a suite this code does not know must not fall back to one it does",
    )
    add(
        "statement/signature-moved.json",
        resigned((both[0][0], both[1][1]), (both[1][0], both[0][1])),
        expect=invalid,
        why="each signature under the other's key id",
    )
    add("statement/signatures-unsorted.json", resigned(*reversed(both)), expect=malformed, why="one spelling only")
    add("statement/signature-twice.json", resigned(both[0], both[0]), expect=malformed, why="repeated key id")
    add(
        "statement/seventeen-signatures.json",
        resigned(*((f"{at:064x}", b"x") for at in range(17))),
        expect=malformed,
        why="over the limit of sixteen",
    )
    add(
        "statement/keyid-upper-case.json",
        resigned((both[0][0].upper(), both[0][1]), both[1]),
        expect=malformed,
        why="hex is lower case",
    )
    add(
        "statement/base64-unpadded.json",
        rebuilt(payload=payload.rstrip("=") if "=" in payload else payload + "="),
        expect=malformed,
        why="base 64 has one padding",
    )
    add(
        "statement/base64-with-newline.json",
        rebuilt(payload=payload[:76] + "\n" + payload[76:]),
        expect=malformed,
        why="base 64 has no line breaks",
    )
    add(
        "statement/payload-not-canonical.json",
        rebuilt(payload=to_b64(whole.payload + b"\n")),
        expect=malformed,
        why="the payload has a byte that parsing would lose",
    )
    add("statement/payload-not-json.json", rebuilt(payload=to_b64(b"\x00\xff")), expect=malformed, why="binary payload")
    add("statement/member-added.json", rebuilt(comment="harmless"), expect=malformed, why="unsigned member outside")
    add(
        "statement/member-missing.json",
        canon.dumps({"payload": payload, "payloadType": str(outer["payloadType"])}),
        expect=malformed,
        why="no signatures member",
    )
    add("statement/member-twice.json", good[:-1] + b',"payload":"e30="}', expect=malformed, why="which one counts?")
    add("statement/members-unsorted.json", _unsorted(outer), expect=malformed, why="same value, other bytes")
    add(
        "statement/indented.json",
        json.dumps(outer, indent=1).encode(),
        expect=malformed,
        why="somebody's editor saved it",
    )
    add("statement/newline-at-end.json", good + b"\n", expect=malformed, why="somebody's editor saved it")
    add("statement/byte-order-mark.json", b"\xef\xbb\xbf" + good, expect=malformed, why="somebody's editor saved it")
    add("statement/cut.json", good[: len(good) // 2], expect=malformed, why="half a file")
    add("statement/twice.json", good + good, expect=malformed, why="the file after itself")
    add("statement/empty.json", b"", expect=malformed, why="no bytes")
    add("statement/array.json", b"[]", expect=malformed, why="JSON, but no object")
    add("statement/deep.json", b"[" * 5000 + b"]" * 5000, expect=malformed, why="nesting must not exhaust the stack")


def _unsorted(outer: Mapping[str, Json]) -> bytes:
    return json.dumps(dict(reversed(outer.items())), separators=(",", ":")).encode()


def _flawed_bodies(vectors: Vectors) -> None:
    """Bodies that a signer could sign and a reader must refuse all the same."""
    seller, buyer = world.seller(), world.buyer()
    agreement = world.agreement().body()
    manifest = world.manifest((b"first part", b"second part"), release_digest="0" * 64).body()
    certificate = world.certificate("0" * 64).body()
    release = world.release(agreement="0" * 64).body()
    assert isinstance(agreement, dict)
    assert isinstance(manifest, dict)
    assert isinstance(certificate, dict)
    assert isinstance(release, dict)
    parts = manifest["parts"]
    signers = certificate["signers"]
    assert isinstance(parts, list)
    assert isinstance(signers, list)
    first = parts[0]
    assert isinstance(first, dict)
    flaws: tuple[tuple[str, Kind, dict[str, Json], str], ...] = (
        ("agreement-with-oneself", Kind.AGREEMENT, {**agreement, "buyer": seller.id}, "one company on both sides"),
        ("agreement-term-reversed", Kind.AGREEMENT,
         {**agreement, "from": agreement["until"], "until": agreement["from"]}, "ends before it begins"),
        ("agreement-unknown-class", Kind.AGREEMENT, {**agreement, "classes": ["blood_group"]}, "no such field class"),
        ("agreement-classes-unsorted", Kind.AGREEMENT, {**agreement, "classes": ["pan", "name"]}, "one spelling only"),
        ("agreement-extra-member", Kind.AGREEMENT, {**agreement, "side_letter": "none of this counts"},
         "a member that this reader does not know could change the meaning"),
        ("agreement-clause-missing", Kind.AGREEMENT, {**agreement, "clauses": {}}, "four clause blocks are required"),
        ("agreement-other-digits", Kind.AGREEMENT, {**agreement, "until": "２０２７-01-01T00:00:00.000000Z"},
         "full-width digits name the same instant in other bytes"),
        ("agreement-local-time", Kind.AGREEMENT, {**agreement, "until": "2027-01-01T00:00:00.000000+08:00"}, "UTC only"),
        ("agreement-flag-as-number", Kind.AGREEMENT, {**agreement, "version": True}, "true is not one"),
        ("agreement-other-kind-of-id", Kind.AGREEMENT, {**agreement, "deal": seller.id}, "a party id as deal id"),
        ("release-to-oneself", Kind.RELEASE, {**release, "buyer": seller.id}, "one signature would count as both"),
        ("release-expired-at-birth", Kind.RELEASE, {**release, "until": release["created"]}, "never valid"),
        ("release-of-nothing", Kind.RELEASE, {**release, "classes": []}, "no class released"),
        ("manifest-path", Kind.MANIFEST, {**manifest, "parts": [{**first, "name": "../../etc/x"}]},
         "a part must not name a file elsewhere"),
        ("manifest-part-twice", Kind.MANIFEST, {**manifest, "parts": [first, first]}, "one part counted twice"),
        ("manifest-parts-swapped", Kind.MANIFEST, {**manifest, "parts": [parts[1], first]}, "order is the subjects' order"),
        ("manifest-wrong-sum", Kind.MANIFEST, {**manifest, "subjects": 7}, "parts do not add up to the total"),
        ("manifest-counts-cvv", Kind.MANIFEST, {**manifest, "counts": {FieldClass.CVV.value: 6}},
         "sensitive authentication data cannot be in a bundle"),
        ("manifest-without-parts", Kind.MANIFEST, {**manifest, "parts": [], "subjects": 1}, "nothing to hand over"),
        ("manifest-part-too-large", Kind.MANIFEST,
         {**manifest, "parts": [{**first, "subjects": 16_385}], "subjects": 16_385}, "more subjects than a part may hold"),
        ("certificate-one-person", Kind.CERTIFICATE, {**certificate, "signers": [signers[0], signers[0]]},
         "destroying needs two persons"),
        ("certificate-reversed", Kind.CERTIFICATE,
         {**certificate, "started": certificate["finished"], "finished": certificate["started"]}, "ended before it began"),
        ("certificate-dead-deal-with-receipt", Kind.CERTIFICATE, {**certificate, "ground": "deal_dead"},
         "a dead deal has no receipt"),
        ("certificate-without-receipt", Kind.CERTIFICATE, {**certificate, "receipt": ""}, "the ground is missing"),
    )  # fmt: skip
    for name, kind, body, why in flaws:
        vectors.base(
            f"statement/{name}.json", lambda k=kind, b=body: _signed(k, b), expect="formats.malformed", why=why
        )  # type: ignore[misc]
    card = seller.card.body()
    assert isinstance(card, dict)
    vectors.base(
        "statement/party-signed-by-another.json",
        lambda: statement.make(Kind.PARTY, card, buyer.signing).to_bytes(),
        expect="formats.not_signed",
        why="a card must be signed by the key it shows",
    )
    for name, changes, why in (
        ("party-signing-key-cut", {"signing_key": to_b64(seller.card.signing.raw[:-1])}, "one byte short"),
        ("party-transfer-key-of-other-suite", {"transfer_key": to_b64(b"\x01\x02" + seller.card.transfer.raw[2:])},
         "a suite this code does not know"),
        ("party-log-name-too-long", {"log_vkeys": list(_renamed("x" * 256))}, "a cosignature cannot name it"),
        ("party-one-log-key", {"log_vkeys": [seller.card.log.vkeys()[0]]}, "the post-quantum key is missing"),
    ):  # fmt: skip
        body = {**card, **changes}
        vectors.base(
            f"statement/{name}.json",
            lambda b=body: _signed(Kind.PARTY, b),
            expect="formats.malformed",
            why=why,  # type: ignore[misc]
        )


def _renamed(name: str) -> tuple[str, str]:
    log = world.seller().card.log
    return type(log)(name=name, classic=log.classic, lattice=log.lattice).vkeys()


def _notes(vectors: Vectors) -> None:
    good = vectors.base("checkpoint/seven-entries.checkpoint", lambda: world.head(7))
    text, _, tail = good.partition(b"\n\n")
    classic, lattice, _ = tail.split(b"\n")
    origin, size, root = text.split(b"\n")
    add = vectors.derived
    invalid, malformed = "crypto.signature_invalid", "formats.malformed"

    def note(*lines: bytes, signatures: tuple[bytes, ...] = (classic, lattice)) -> bytes:
        return b"\n".join(lines) + b"\n\n" + b"".join(line + b"\n" for line in signatures)

    add("checkpoint/size-edited.checkpoint", note(origin, b"8", root), expect=invalid, why="one entry more than signed")
    add(
        "checkpoint/other-origin.checkpoint",
        note(b"tigertally.invalid/other", size, root),
        expect=malformed,
        why="another log's name on this log's signatures",
    )
    add(
        "checkpoint/ed25519-only.checkpoint",
        note(origin, size, root, signatures=(classic,)),
        expect=invalid,
        why="both signatures are demanded",
    )
    add(
        "checkpoint/mldsa-only.checkpoint",
        note(origin, size, root, signatures=(lattice,)),
        expect=invalid,
        why="both signatures are demanded",
    )
    add(
        "checkpoint/signature-twice.checkpoint",
        note(origin, size, root, signatures=(classic, lattice, lattice)),
        expect=malformed,
        why="a line repeated",
    )
    add("checkpoint/size-leading-zero.checkpoint", note(origin, b"07", root), expect=malformed, why="one spelling only")
    add(
        "checkpoint/extension-line.checkpoint",
        note(origin, size, root, b"more"),
        expect=malformed,
        why="ML-DSA cosignatures do not cover extension lines, so none is read",
    )
    add("checkpoint/root-cut.checkpoint", note(origin, size, root[:-4]), expect=malformed, why="29 bytes of root")
    add(
        "checkpoint/hyphen-for-dash.checkpoint",
        good.replace("— ".encode(), b"- "),
        expect=malformed,
        why="U+2014 is meant",
    )
    add(
        "checkpoint/no-blank-line.checkpoint",
        good.replace(b"\n\n", b"\n", 1),
        expect=malformed,
        why="text and signatures run together",
    )
    add(
        "checkpoint/carriage-returns.checkpoint",
        good.replace(b"\n", b"\r\n"),
        expect=malformed,
        why="control characters",
    )
    add("checkpoint/no-newline-at-end.checkpoint", good[:-1], expect=malformed, why="cut by a byte")
    add(
        "checkpoint/time-edited.checkpoint",
        note(origin, size, root, signatures=(classic, _later(lattice))),
        expect=invalid,
        why="the signed time was moved",
    )
    add(
        "checkpoint/unknown-witness.checkpoint",
        good + "— witness.invalid AAAAAGRlY29yYXRpb24=\n".encode(),
        expect="accept",
        why="signatures of unknown keys are ignored, as C2SP asks",
    )
    vectors.base(
        "checkpoint/signed-by-another.checkpoint",
        lambda: _foreign_head(),
        expect=invalid,
        why="the seller's log name under another company's keys",
    )


def _later(line: bytes) -> bytes:
    """The ML-DSA line with its time moved by an hour."""
    name, _, sig = line.rpartition(b" ")
    raw = bytearray(base64.b64decode(sig))
    raw[4:12] = (int.from_bytes(raw[4:12], "big") + 3600).to_bytes(8, "big")
    return name + b" " + to_b64(bytes(raw)).encode()


def _foreign_head() -> bytes:
    made = Checkpoint(origin=world.seller().card.log.name, size=7, root=bytes(32))
    return checkpoint.sign(made, key=world.stranger().log, now=NOW)


def _proofs(vectors: Vectors) -> None:
    good = vectors.base("proof/entry-three.tlog-proof", lambda: world.proof(3).to_bytes())
    lines = good.split(b"\n")
    add = vectors.derived

    def changed(at: int, *new: bytes) -> bytes:
        return b"\n".join([*lines[:at], *new, *lines[at + 1 :]])

    def without_leaf() -> bytes:
        return changed(1)

    not_proved, malformed = "not proved", "formats.malformed"
    add("proof/other-index.tlog-proof", changed(2, b"index 2"), expect=not_proved, why="right leaf, wrong place")
    add("proof/index-beyond.tlog-proof", changed(2, b"index 7"), expect=not_proved, why="outside the tree")
    add("proof/path-short.tlog-proof", changed(3), expect=not_proved, why="a sibling is missing")
    add("proof/path-long.tlog-proof", changed(3, lines[3], lines[3]), expect=not_proved, why="a sibling too many")
    add(
        "proof/path-swapped.tlog-proof",
        b"\n".join([*lines[:3], lines[4], lines[3], *lines[5:]]),
        expect=not_proved,
        why="siblings in another order",
    )
    add(
        "proof/leaf-edited.tlog-proof",
        changed(1, b"extra " + to_b64(world.entries()[2].leaf).encode()),
        expect=not_proved,
        why="another entry under this proof",
    )
    add("proof/leaf-removed.tlog-proof", without_leaf(), expect=not_proved, why="nothing to prove")
    add("proof/index-leading-zero.tlog-proof", changed(2, b"index 03"), expect=malformed, why="one spelling only")
    add(
        "proof/other-version.tlog-proof", changed(0, b"c2sp.org/tlog-proof@v2"), expect=malformed, why="not this format"
    )
    add("proof/hash-short.tlog-proof", changed(3, to_b64(bytes(31)).encode()), expect=malformed, why="31 bytes")
    add("proof/without-checkpoint.tlog-proof", good.partition(b"\n\n")[0] + b"\n\n", expect=malformed, why="cut")
    add(
        "proof/checkpoint-edited.tlog-proof",
        good.replace(b"\n7\n", b"\n8\n"),
        expect="crypto.signature_invalid",
        why="the checkpoint inside was edited",
    )


def _keyfiles(vectors: Vectors) -> None:
    secret = SecretBytes(world.seed("kept", 64))
    good = vectors.base(
        "keyfile/signing.json",
        lambda: keyfile.seal(secret, purpose="signing", passphrase=PASSPHRASE, cost=CHEAP).to_bytes(),
    )
    value = canon.loads(good)
    assert isinstance(value, dict)
    kdf = value["kdf"]
    assert isinstance(kdf, dict)
    add = vectors.derived
    wrong, malformed = "formats.wrong_passphrase", "formats.malformed"
    add(
        "keyfile/purpose-edited.json",
        canon.dumps({**value, "purpose": "vault"}),
        expect=wrong,
        why="offered as another key",
    )
    add(
        "keyfile/cost-edited.json",
        canon.dumps({**value, "kdf": {**kdf, "passes": 3}}),
        expect=wrong,
        why="cost is bound",
    )
    add(
        "keyfile/salt-edited.json",
        canon.dumps({**value, "kdf": {**kdf, "salt": to_b64(bytes(16))}}),
        expect=wrong,
        why="salt is bound",
    )
    add(
        "keyfile/sealed-edited.json",
        canon.dumps({**value, "sealed": to_b64(bytes(94))}),
        expect=wrong,
        why="not sealed by this code",
    )
    add(
        "keyfile/cost-too-low.json",
        canon.dumps({**value, "kdf": {**kdf, "memory_kib": 8}}),
        expect=malformed,
        why="a file must not talk the reader into weak stretching",
    )
    add(
        "keyfile/cost-too-high.json",
        canon.dumps({**value, "kdf": {**kdf, "memory_kib": 2**31}}),
        expect=malformed,
        why="a file must not exhaust the machine",
    )
    add(
        "keyfile/other-kdf.json",
        canon.dumps({**value, "kdf": {**kdf, "name": "pbkdf2"}}),
        expect=malformed,
        why="one KDF only",
    )
    add(
        "keyfile/salt-short.json",
        canon.dumps({**value, "kdf": {**kdf, "salt": to_b64(bytes(8))}}),
        expect=malformed,
        why="16 bytes",
    )
    add("keyfile/member-added.json", canon.dumps({**value, "hint": "my dog"}), expect=malformed, why="unknown member")
    add(
        "keyfile/other-format.json",
        canon.dumps({**value, "format": "tigertally-keyfile-v2"}),
        expect=malformed,
        why="not this format",
    )
    add("keyfile/newline-at-end.json", good + b"\n", expect=malformed, why="somebody's editor saved it")


def _envelopes(vectors: Vectors) -> None:
    content = world.seed("content", 20_000)
    good = vectors.base("envelope/two-chunks.env", lambda: world.seal_part(content, number=0))
    head = len(b"tigertally-envelope-v1\n") + 4
    body = head + int.from_bytes(good[head - 4 : head], "big")
    add = vectors.derived
    failed, malformed = "crypto.decryption_failed", "formats.malformed"
    add("envelope/content-edited.env", _flipped(good, body + 100), expect=failed, why="one bit of the first chunk")
    add(
        "envelope/second-chunk-edited.env",
        _flipped(good, len(good) - 20),
        expect=failed,
        why="one bit of the last chunk",
    )
    add("envelope/last-chunk-cut.env", good[: body + 56 + 16_400], expect=failed, why="ends on a chunk's boundary")
    add("envelope/cut-inside-chunk.env", good[:-1], expect=failed, why="one byte short")
    add("envelope/extended.env", good + b"\x00", expect=failed, why="one byte more")
    add("envelope/content-missing.env", good[:body], expect=failed, why="a header and nothing else")
    add(
        "envelope/commitment-edited.env",
        _flipped(good, body + 30),
        expect=failed,
        why="the key commitment must fit first",
    )
    add("envelope/salt-edited.env", _flipped(good, body), expect=failed, why="another salt derives another key")
    add(
        "envelope/header-length-edited.env",
        good[: head - 4] + b"\x00\xff\xff\xff" + good[head:],
        expect=malformed,
        why="longer than allowed",
    )
    add("envelope/header-cut.env", good[: head + 10], expect=malformed, why="the header ends early")
    add(
        "envelope/magic-edited.env",
        b"tigertally-envelope-v2\n" + good[head - 4 :],
        expect=malformed,
        why="not this format",
    )
    header = canon.loads(good[head:body])
    assert isinstance(header, dict)

    def headed(**changes: Json) -> bytes:
        text = canon.dumps({**header, **changes})
        return good[: head - 4] + len(text).to_bytes(4, "big") + text + good[body:]

    add(
        "envelope/context-edited.env",
        headed(context="bundle|other|part-00000.env"),
        expect="formats.wrong_context",
        why="moved to another bundle",
    )
    add("envelope/no-recipients.env", headed(recipients=[]), expect=malformed, why="sealed to nobody")
    add("envelope/other-suite.env", headed(suite="guomi-1"), expect=malformed, why="a suite this code does not know")
    recipients = header["recipients"]
    assert isinstance(recipients, list)
    only = recipients[0]
    assert isinstance(only, dict)
    add(
        "envelope/other-recipient.env",
        headed(recipients=[{**only, "key": "0" * 64}]),
        expect="formats.not_for_us",
        why="the recipient's key id was replaced",
    )
    second: Json = {"key": "f" * 64, "sealed": only["sealed"]}
    add(
        "envelope/recipient-added.env",
        headed(recipients=[only, second]),
        expect=failed,
        why="a header with one more reader is another header",
    )


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _sealed(vectors: Vectors) -> None:
    cipher = aead.Cipher(FIELD_KEY)
    add = vectors.derived
    failed, suite = "crypto.decryption_failed", "crypto.unknown_suite"
    good = vectors.base("aead/value.bin", lambda: cipher.seal(b"6222 0000 0000 0000", AAD))
    wrapped = vectors.base("aead/wrapped-key.bin", lambda: cipher.wrap(SecretBytes(world.seed("inner", 32)), AAD))
    for name, data in (("value", good), ("wrapped-key", wrapped)):
        add(f"aead/{name}-tag-edited.bin", _flipped(data, len(data) - 1), expect=failed, why="one bit of the tag")
        add(f"aead/{name}-nonce-edited.bin", _flipped(data, 2), expect=failed, why="one bit of the nonce")
        add(f"aead/{name}-text-edited.bin", _flipped(data, 14), expect=failed, why="one bit of the content")
        add(f"aead/{name}-suite-edited.bin", data[:1] + b"\x02" + data[2:], expect=suite, why="the suite is bound")
        add(f"aead/{name}-cut.bin", data[:-1], expect=failed, why="one byte short")
        add(f"aead/{name}-extended.bin", data + b"\x00", expect=failed, why="one byte more")
    add("aead/value-as-wrapped-key.bin", good, expect=failed, why="a sealed value is no wrapped key")
    add("aead/value-empty.bin", b"", expect=failed, why="no bytes")
    public = world.buyer().transfer.public
    sealed = vectors.base("hpke/key.bin", lambda: public.seal(world.seed("inner", 32), info=INFO))
    add("hpke/key-text-edited.bin", _flipped(sealed, len(sealed) - 20), expect=failed, why="one bit of the content")
    add("hpke/key-lattice-edited.bin", _flipped(sealed, 10), expect=failed, why="one bit of the ML-KEM ciphertext")
    add("hpke/key-curve-edited.bin", _flipped(sealed, 2 + 1088), expect=failed, why="one bit of the X25519 share")
    add(
        "hpke/key-curve-zero.bin",
        sealed[: 2 + 1088] + bytes(32) + sealed[2 + 1120 :],
        expect=failed,
        why="a point of small order",
    )
    add("hpke/key-suite-edited.bin", b"\x01\x02" + sealed[2:], expect=suite, why="the suite is bound")
    add("hpke/key-cut.bin", sealed[:1122], expect=failed, why="no ciphertext after the encapsulated key")


def _streams(vectors: Vectors) -> None:
    """Deterministic: the private helper takes the salt that the public function draws."""
    for name, length in (("empty", 0), ("short", 11), ("exactly-one-chunk", 16_384)):
        data = b"".join(
            stream._encrypt(  # noqa: SLF001 - see above
                STREAM_KEY,
                context=b"vector",
                plaintext=[world.seed("plain", length)],
                salt=world.seed("salt " + name, 24),
            )
        )
        vectors.derived(f"stream/{name}.bin", data, expect="accept", why=f"{length} bytes of plaintext")
        if name == "exactly-one-chunk":
            vectors.derived(
                "stream/full-last-chunk.bin",
                data[:-16],
                expect="crypto.decryption_failed",
                why="a full last chunk is a truncation",
            )
            vectors.derived(
                "stream/chunk-twice.bin",
                data[:56] + data[56 : 56 + 16_400] * 2 + data[-16:],
                expect="crypto.decryption_failed",
                why="a chunk repeated",
            )


def _parts(vectors: Vectors) -> None:
    good = world.rows(world.subjects()[:3])
    names = ("subject", "salt", "code", "slot", "value", "token")
    columns = {name: list(getattr(good, name)) for name in names}
    malformed = "formats.malformed"
    data = vectors.base("part/three-subjects.parquet", lambda: part.write_part(good))

    def written(schema: pa.Schema | None = None, **changes: list[object]) -> bytes:
        merged = {**columns, **changes}
        shape = schema or part.schema()
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table([merged[name] for name in shape.names], schema=shape), sink, store_schema=False)
        return bytes(sink.getvalue().to_pybytes())

    def swapped(at: int, to: int) -> dict[str, list[object]]:
        return {
            name: [column[to if row == at else at if row == to else row] for row in range(len(column))]
            for name, column in columns.items()
        }

    def replaced(name: str, at: int, value: object) -> dict[str, list[object]]:
        return {name: [value if row == at else item for row, item in enumerate(columns[name])]}

    def fewer(stop: int) -> dict[str, list[object]]:
        return {name: column[:stop] for name, column in columns.items()}

    doubled = {name: [*column[:1], *column] for name, column in columns.items()}
    schema = part.schema()
    loose = pa.schema([field.with_nullable(True) for field in schema])
    wide = schema.set(2, pa.field("code", pa.uint16(), nullable=False))
    more = schema.append(pa.field("note", pa.string(), nullable=False))
    flaws: tuple[tuple[str, Callable[[], bytes], str], ...] = (
        ("holds-cvv", lambda: written(**replaced("code", 2, 128)), "sensitive authentication data is refused here too"),
        ("holds-clear-password", lambda: written(**replaced("code", 2, 131)), "a clear password is never a record"),
        ("unknown-code", lambda: written(**replaced("code", 2, 99)), "no such field class"),
        ("rows-swapped", lambda: written(**swapped(0, 1)), "sorted by (subject, code, slot)"),
        ("subjects-swapped", lambda: written(**swapped(2, 3)), "a subject's rows are together"),
        ("row-twice", lambda: written(**doubled), "no row twice"),
        ("two-salts", lambda: written(**replaced("salt", 1, bytes(16))), "one salt per subject"),
        ("subject-is-no-id", lambda: written(**replaced("subject", 8, "~")), "subjects are sub_ identifiers"),
        ("empty-value", lambda: written(**replaced("value", 1, "")), "a field without value is no field"),
        ("long-value", lambda: written(**replaced("value", 1, "x" * 1025)), "over the limit of a value"),
        ("long-token", lambda: written(**replaced("token", 1, "x" * 129)), "over the limit of a token"),
        ("null-value", lambda: written(loose, **replaced("value", 1, None)), "columns are required"),
        ("nullable", lambda: written(loose), "columns are required, even without a null"),
        ("wider-type", lambda: written(wide), "another type"),
        ("extra-column", lambda: written(more, note=["x"] * 9), "a column nobody checks"),
        ("subject-missing", lambda: written(**fewer(6)), "fewer subjects than the manifest says"),
        ("no-rows", lambda: written(**fewer(0)), "nothing in it"),
    )
    for name, make, why in flaws:
        vectors.base(f"part/{name}.parquet", make, expect=malformed, why=why)
    vectors.derived("part/cut.parquet", data[:-1], expect=malformed, why="one byte short")
    vectors.derived("part/not-parquet.parquet", b"PAR1 and nothing PAR1", expect=malformed, why="another file")


def _canon(vectors: Vectors) -> None:
    """Whole files, one flaw of spelling each."""
    add = vectors.derived
    flaws = {
        "float": (b'{"a":1.0}', "no floats"),
        "exponent": (b'{"a":1e3}', "no floats"),
        "minus-zero": (b"-0", "zero has one spelling"),
        "leading-zero": (b"01", "no leading zeros"),
        "too-large": (b"9007199254740992", "beyond 2^53 - 1"),
        "nan": (b"NaN", "not JSON"),
        "space": (b'{"a": 1}', "no whitespace"),
        "unsorted": (b'{"b":1,"a":2}', "members are sorted"),
        "utf16-order": ('{"\ufb33":1,"\U0001f600":2}'.encode(), "sorted by UTF-16 units, where U+1F600 is first"),
        "duplicate": (b'{"a":1,"a":1}', "no member twice"),
        "escaped-slash": (rb'"\/"', "a slash is not escaped"),
        "escaped-letter": (rb'"\u0041"', "a letter is not escaped"),
        "upper-case-escape": (rb'"\u001F"', "escapes are lower case"),
        "long-escape": (rb'"\u000a"', "a newline has a short escape"),
        "raw-control": (b'"\x01"', "control characters are escaped"),
        "lone-surrogate": (rb'"\ud800"', "not a character"),
        "bad-utf8": (b'"\xff"', "not UTF-8"),
        "overlong-utf8": (b'"\xc1\x81"', "not UTF-8"),
        "byte-order-mark": (b"\xef\xbb\xbf{}", "not whitespace"),
        "trailing": (b"{}{}", "one value only"),
        "too-deep": (b"[" * 34 + b"]" * 34, "over the depth limit"),
        "huge-number": (b"1" * 5000, "must not be parsed at length"),
    }
    for name, (data, why) in flaws.items():
        add(f"canon/{name}.json", data, expect="base.not_canonical", why=why)
    order = '{"\\r":"a","1":"b","\U0001f600":"c","\ufb33":"d"}'
    add("canon/sorted.json", order.encode(), expect="accept", why="UTF-16 order of names")
    add(
        "canon/escapes.json",
        '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\x7f\u2028é虎"'.encode(),
        expect="accept",
        why="the only escapes",
    )


def _known_answers(vectors: Vectors) -> None:
    """Plain inputs with the bytes that follow from them, for other implementations."""
    fields = [
        record.Field(1, 0, b"4111111111111111", b"7000000000001111"),
        record.Field(5, 0, "虚构".encode(), b"tok_name"),
    ]
    name, salt = world.subjects()[0].encode(), bytes(range(16))
    encoded = record.encode(name, fields)
    vectors.known(
        "record/two-fields.json",
        {
            "subject": name.decode(),
            "fields": [
                {"code": one.code, "slot": one.slot, "value": one.value.decode(), "token": one.token.decode()}
                for one in fields
            ],
            "salt": salt.hex(),
            "record": encoded.hex(),
            "commitment": record.commit(salt, encoded).hex(),
            "root_of_this_alone": merkle.root_of([merkle.leaf_hash(record.commit(salt, encoded))]).hex(),
        },
    )
    payload = canon.dumps({"note": "虚构", "number": 1})
    vectors.known(
        "ledger/payload-commitment.json",
        {"salt": salt.hex(), "payload": payload.decode(), "commitment": commit_payload(salt, payload).hex()},
    )
    leaves = [bytes([at]) * at for at in range(8)]
    vectors.known(
        "merkle/roots.json",
        {
            "leaves": [item.hex() for item in leaves],
            "roots": [merkle.root_of(merkle.leaf_hash(item) for item in leaves[:size]).hex() for size in range(9)],
        },
    )
    key = SigningKey(SecretBytes(bytes(range(64))))
    vectors.known(
        "statement/key-of-seed.json",
        {"seeds": bytes(range(64)).hex(), "public": key.public.raw.hex(), "keyid": key.public.key_id},
    )
    vectors.known(
        "party/fingerprint.json", {"card": world.seller().card.body(), "fingerprint": world.seller().card.fingerprint()}
    )


def _exports(vectors: Vectors, party: bytes) -> None:
    """Folders. ``expect`` lists the flaws found; each is tried with and without the ``hashes`` file."""
    rows = [ledgerexport.line(*entry) for entry in world.entries()]
    head = vectors.base(
        "ledger/export-good/checkpoint", lambda: world.head(7), expect="", why="as the product writes it"
    )
    hashes = b"".join(merkle.leaf_hash(entry.leaf) for entry in world.entries())
    forged = ledgerexport.line(
        world.entries()[2].leaf, canon.dumps({"note": "nothing happened"}), world.entries()[2].salt
    )
    other = [ledgerexport.line(*entry) for entry in world.entries("other")]
    cases: dict[str, tuple[list[bytes], str, str]] = {
        "good": (rows, "", "as the product writes it"),
        "entry-edited": ([*rows[:2], other[2], *rows[3:]], "edited:2", "an entry replaced by another"),
        "value-edited": ([*rows[:2], forged, *rows[3:]], "value_edited:2", "the content changed, the entry not"),
        "entry-deleted": ([*rows[:2], *rows[3:]], "deleted:2", "an entry taken out"),
        "entry-added": ([*rows[:2], other[2], *rows[2:]], "added:2", "an entry put in"),
        "entries-swapped": (
            [*rows[:2], rows[3], rows[2], *rows[4:]],
            "reordered:2 time_backwards:3",
            "two entries swapped",
        ),
        "truncated": (rows[:5], "truncated:5", "the last two are gone"),
        "extended": ([*rows, other[6]], "added:7", "an entry after the signed end"),
        "line-cut": ([*rows[:6], rows[6][:-1]], "edited:6 malformed:6", "the last newline is gone"),
        "line-indented": (
            [*rows[:3], rows[3].replace(b'":"', b'": "'), *rows[4:]],
            "edited:3 malformed:3",
            "not canonical",
        ),
    }
    for name, (lines, expect, why) in cases.items():
        folder = vectors.out / "ledger" / f"export-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "entries.jsonl").write_bytes(b"".join(lines))
        (folder / "checkpoint").write_bytes(head)
        (folder / "party.json").write_bytes(party)
        (folder / "hashes").write_bytes(hashes)
        vectors.cases.append({"file": f"ledger/export-{name}", "expect": expect, "why": why, "base": "no"})


if __name__ == "__main__":
    build(HERE)
