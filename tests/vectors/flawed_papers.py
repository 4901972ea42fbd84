"""Statements: one good paper of each kind, flaws of the container, and bodies that no signature makes right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial

from tests.vectors import routes, world
from tests.vectors.book import Vectors

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.crypto.sign import ED25519_BYTES
from tigertally.formats import statement
from tigertally.formats.shape import to_b64
from tigertally.formats.statement import Kind, Statement


def papers(vectors: Vectors) -> dict[str, bytes]:
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
    made["book"] = vectors.base("statement/book.json", lambda: _signed(Kind.BOOK, world.book(_listed(made)).body()))
    made["route"] = vectors.base("statement/route.json", lambda: routes.route_paper().to_bytes())
    digest = statement.parse(made["route"]).digest
    made["opinion"] = vectors.base(
        "statement/opinion.json", lambda: _signed(Kind.OPINION, routes.opinion(digest).body(), buyer=True)
    )
    return made


def _listed(made: Mapping[str, bytes]) -> dict[str, bytes]:
    """The vectors that a closing book would hold, by their names in it."""
    names = ("agreement", "certificate", "manifest", "receipt", "release")
    return {f"{name}.json": made[name] for name in names} | {"seller-card.json": made["party"]}


def _signed(kind: Kind, body: Json, *, buyer: bool = False) -> bytes:
    return statement.make(kind, body, (world.buyer() if buyer else world.seller()).signing).to_bytes()


def flawed_statements(vectors: Vectors, papers: Mapping[str, bytes]) -> None:
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
    return json.dumps(dict(reversed(list(outer.items()))), separators=(",", ":")).encode()


def _flawed_books() -> tuple[tuple[str, Kind, dict[str, Json], str], ...]:
    """Lists of closing books that no signature makes right."""
    whole = world.book(world.closed()).body()
    assert isinstance(whole, dict)
    files = whole["files"]
    assert isinstance(files, list)
    first = files[0]
    assert isinstance(first, dict)
    rest = files[1:]
    return (
        ("book-of-nothing", Kind.BOOK, {**whole, "files": []}, "a book has files"),
        ("book-file-twice", Kind.BOOK, {**whole, "files": [first, *files]}, "each name once"),
        ("book-files-swapped", Kind.BOOK, {**whole, "files": [*rest, first]}, "sorted by name"),
        ("book-path", Kind.BOOK, {**whole, "files": [{**first, "name": "../agreement.json"}, *rest]}, "no paths"),
        ("book-lists-itself", Kind.BOOK, {**whole, "files": [{**first, "name": "book.json"}]}, "not itself"),
        ("book-paper-as-page", Kind.BOOK, {**whole, "files": [{**first, "kind": "page"}, *rest]}, "a page is no JSON"),
        (
            "book-without-digest",
            Kind.BOOK,
            {**whole, "files": [{**first, "digest": ""}, *rest]},
            "a paper has one",
        ),
        ("book-by-another", Kind.BOOK, {**whole, "by": world.stranger().id}, "made by neither of the parties"),
    )


def flawed_bodies(vectors: Vectors) -> None:
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
        (
            "agreement-term-reversed",
            Kind.AGREEMENT,
            {**agreement, "from": agreement["until"], "until": agreement["from"]},
            "ends before it begins",
        ),
        ("agreement-unknown-class", Kind.AGREEMENT, {**agreement, "classes": ["blood_group"]}, "no such field class"),
        ("agreement-classes-unsorted", Kind.AGREEMENT, {**agreement, "classes": ["pan", "name"]}, "one spelling only"),
        (
            "agreement-extra-member",
            Kind.AGREEMENT,
            {**agreement, "side_letter": "none of this counts"},
            "a member that this reader does not know could change the meaning",
        ),
        ("agreement-clause-missing", Kind.AGREEMENT, {**agreement, "clauses": {}}, "four clause blocks are required"),
        (
            "agreement-other-digits",
            Kind.AGREEMENT,
            {**agreement, "until": "２０２７-01-01T00:00:00.000000Z"},
            "full-width digits name the same instant in other bytes",
        ),
        (
            "agreement-local-time",
            Kind.AGREEMENT,
            {**agreement, "until": "2027-01-01T00:00:00.000000+08:00"},
            "UTC only",
        ),
        ("agreement-flag-as-number", Kind.AGREEMENT, {**agreement, "version": True}, "true is not one"),
        ("agreement-other-kind-of-id", Kind.AGREEMENT, {**agreement, "deal": seller.id}, "a party id as deal id"),
        ("release-to-oneself", Kind.RELEASE, {**release, "buyer": seller.id}, "one signature would count as both"),
        ("release-expired-at-birth", Kind.RELEASE, {**release, "until": release["created"]}, "never valid"),
        ("release-of-nothing", Kind.RELEASE, {**release, "classes": []}, "no class released"),
        *_flawed_routes(),
        (
            "manifest-path",
            Kind.MANIFEST,
            {**manifest, "parts": [{**first, "name": "../../etc/x"}]},
            "a part must not name a file elsewhere",
        ),
        ("manifest-part-twice", Kind.MANIFEST, {**manifest, "parts": [first, first]}, "one part counted twice"),
        (
            "manifest-parts-swapped",
            Kind.MANIFEST,
            {**manifest, "parts": [parts[1], first]},
            "order is the subjects' order",
        ),
        ("manifest-wrong-sum", Kind.MANIFEST, {**manifest, "subjects": 7}, "parts do not add up to the total"),
        (
            "manifest-counts-cvv",
            Kind.MANIFEST,
            {**manifest, "counts": {FieldClass.CVV.value: 6}},
            "sensitive authentication data cannot be in a bundle",
        ),
        ("manifest-without-parts", Kind.MANIFEST, {**manifest, "parts": [], "subjects": 1}, "nothing to hand over"),
        (
            "manifest-part-too-large",
            Kind.MANIFEST,
            {**manifest, "parts": [{**first, "subjects": 16_385}], "subjects": 16_385},
            "more subjects than a part may hold",
        ),
        (
            "certificate-one-person",
            Kind.CERTIFICATE,
            {**certificate, "signers": [signers[0], signers[0]]},
            "destroying needs two persons",
        ),
        (
            "certificate-reversed",
            Kind.CERTIFICATE,
            {**certificate, "started": certificate["finished"], "finished": certificate["started"]},
            "ended before it began",
        ),
        (
            "certificate-dead-deal-with-receipt",
            Kind.CERTIFICATE,
            {**certificate, "ground": "deal_dead"},
            "a dead deal has no receipt",
        ),
        ("certificate-without-receipt", Kind.CERTIFICATE, {**certificate, "receipt": ""}, "the ground is missing"),
        *_flawed_books(),
    )
    for name, kind, body, why in flaws:
        vectors.base(f"statement/{name}.json", partial(_signed, kind, body), expect="formats.malformed", why=why)
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
        vectors.base(f"statement/{name}.json", partial(_signed, Kind.PARTY, body), expect="formats.malformed", why=why)


def _renamed(name: str) -> tuple[str, str]:
    log = world.seller().card.log
    return type(log)(name=name, classic=log.classic, lattice=log.lattice).vkeys()


def _flawed_routes() -> tuple[tuple[str, Kind, dict[str, Json], str], ...]:
    """A route and an opinion with one thing wrong each."""
    route, opinion = routes.route().body(), routes.opinion("0" * 64).body()
    assert isinstance(route, dict)
    assert isinstance(opinion, dict)
    asked = route["requirements"]
    assert isinstance(asked, list)
    advice, counsel, consent = asked
    assert isinstance(advice, dict)
    assert isinstance(counsel, dict)
    assert isinstance(consent, dict)

    def asking(*items: Json) -> dict[str, Json]:
        return {**route, "requirements": list(items)}

    return (
        ("route-unverified-binds", Kind.ROUTE, asking({**advice, "binds": True}), "nobody confirmed it"),
        ("route-found-does-not-bind", Kind.ROUTE, asking({**consent, "binds": False}), "a rule that was found binds"),
        (
            "route-found-and-confirmed",
            Kind.ROUTE,
            asking({**consent, "confirmed": "0" * 64}),
            "only what is unverified is confirmed",
        ),
        ("route-found-nowhere", Kind.ROUTE, asking({**consent, "source": ""}), "what was found has a source"),
        ("route-rule-twice", Kind.ROUTE, asking(consent, consent), "one rule, one requirement"),
        ("route-unsorted", Kind.ROUTE, asking(consent, counsel, advice), "one spelling only"),
        ("route-gate-unknown", Kind.ROUTE, asking({**consent, "gate": "S9"}), "no gate that data moves behind"),
        ("route-no-class", Kind.ROUTE, asking({**consent, "classes": []}), "about nothing"),
        ("route-rule-not-yet", Kind.ROUTE, asking({**consent, "valid_from": "2027-01-01"}), "not in force when made"),
        ("route-rule-over", Kind.ROUTE, asking({**consent, "valid_until": "2026-01-01"}), "out of force when made"),
        ("route-day-unreal", Kind.ROUTE, asking({**consent, "valid_from": "2021-02-30"}), "no such day"),
        ("route-answer-in-words", Kind.ROUTE, {**route, "answers": {"licensed": "no"}}, "yes, no, a number or unknown"),
        ("route-answers-nothing", Kind.ROUTE, {**route, "answers": {}}, "nothing was asked"),
        ("opinion-on-nothing", Kind.OPINION, {**opinion, "confirms": [], "approves": []}, "it says nothing"),
        ("opinion-expired-at-birth", Kind.OPINION, {**opinion, "until": opinion["created"]}, "never valid"),
        ("opinion-rule-twice", Kind.OPINION, {**opinion, "confirms": ["cn.pboc.data"] * 2}, "one spelling only"),
        ("opinion-no-rule", Kind.OPINION, {**opinion, "approves": ["everything"]}, "no name of a rule"),
    )
