"""Processors' files: formats as data, lines and what would be refused, sealed and opened by other programs."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyrage
import pysequoia
import pytest
from tests.unit.handover.scene import START, Scene

from tigertally import handover, vault
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.ids import new_id
from tigertally.crypto import parcels
from tigertally.crypto.errors import ParcelFailed, RecipientRefused
from tigertally.formats.errors import Malformed
from tigertally.formats.part import PartColumns
from tigertally.handover import errors
from tigertally.handover.adapters import catalogue, lines
from tigertally.handover.adapters import errors as adapter_errors
from tigertally.handover.adapters import export as exports

KEYS = Path(__file__).parent / "keys"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
CARD, OTHER = "4111111111111111", "5500005555555559"
OWN = """
name = "own"
zh = "自有"
en = "own"
source = "invented"
found = "2026-03-02"
verified = true
lines_max = {lines}
bytes_max = 65536
runs_max = 2
answer = ["id", "new"]
columns = [
    {{ name = "id", value = "subject", required = true }},
    {{ name = "card", value = "pan", required = true }},
    {{ name = "holder", value = "name" }},
    {{ name = "txn", value = "scheme_txn_id", wanted = true }},
]
"""


def own(lines_max: int = 1_000) -> catalogue.Adapter:
    return catalogue.read(OWN.format(lines=lines_max).encode())


def part_of(*customers: Mapping[FieldClass, list[str]]) -> PartColumns:
    subjects = sorted(new_id("sub") for _ in customers)
    rows = [
        (subject, FIELD_RULES[cls].code, slot, value)
        for subject, held in zip(subjects, customers, strict=True)
        for cls, values in sorted(held.items(), key=lambda item: FIELD_RULES[item[0]].code)
        for slot, value in enumerate(values)
    ]
    return PartColumns(
        subject=[row[0] for row in rows],
        salt=[bytes(32)] * len(rows),
        code=[row[1] for row in rows],
        slot=[row[2] for row in rows],
        value=[row[3] for row in rows],
        token=["7" + "0" * 11 + row[3][-4:] for row in rows],
    )


def test_the_shipped_formats_are_well_formed_and_say_where_from() -> None:
    names = handover.shipped_adapters()
    assert set(names) == {"adyen", "braintree", "gr4vy", "stripe"}
    for name in names:
        found = handover.find_adapter(name)
        assert found.name == name
        assert found.source
        assert (found.lines_max, found.bytes_max) == (1_000_000, 1_000_000_000)
        # Network transaction ids travel, and their absence is told.
        assert [one.wanted for one in found.columns if one.value == "scheme_txn_id"] == [True]
        assert FieldClass.CVV not in found.classes()
    assert handover.find_adapter("braintree").runs_max == 2
    head = lines.header(handover.find_adapter("adyen"))
    assert head.startswith(b"MerchantAccount,ShopperEmail,ShopperReference,RecurringContract,EchoData,OwnerName,")
    assert head.endswith(b",BillingPostalCode,BillingCountry\r\n")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('value = "pan"', 'value = "cvv"'),
        ('value = "pan"', 'value = "password_hash"'),
        ('value = "pan"', 'value = "exp:DD"'),
        ('name = "holder"', 'name = "card"'),
        ('name = "holder"', 'name = "a,b"'),
        ('name = "own"', 'name = "../own"'),
        ("runs_max = 2", "runs_max = -1"),
        ("runs_max = 2", "runs_max = 2\nmore = 1"),
        ("lines_max = 1000", "lines_max = 1000001"),
        ('answer = ["id", "new"]', 'answer = ["id"]'),
        ("[", "("),
    ],
)
def test_a_flawed_format(was: str, becomes: str) -> None:
    text = OWN.format(lines=1_000)
    assert was in text
    with pytest.raises(Malformed):
        catalogue.read(text.replace(was, becomes).encode())


def test_no_such_format() -> None:
    for name in ("nobody", "../stripe", "missing.toml"):
        with pytest.raises(adapter_errors.NoSuchAdapter):
            handover.find_adapter(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("05/28", (5, 2028)),
        ("5/2028", (5, 2028)),
        ("2028-05", (5, 2028)),
        ("0528", (5, 2028)),
        ("2805", (5, 2028)),
        ("052028", (5, 2028)),
        ("202805", (5, 2028)),
        ("03/26", (3, 2026)),
        ("02/26", "expiry_past"),
        ("1112", "expiry_ambiguous"),
        ("13/28", "expiry_unreadable"),
        ("soon", "expiry_unreadable"),
        ("٠٥/٢٨", "expiry_unreadable"),
    ],
)
def test_expiry_dates(text: str, expected: object) -> None:
    assert lines.expiry_of(text, now=NOW) == expected


def test_lines_and_what_would_be_refused() -> None:
    stripe = handover.find_adapter("stripe")
    part = part_of(
        {FieldClass.PAN: [CARD, OTHER], FieldClass.EXPIRY: ["05/28", "06/29"], FieldClass.SCHEME_TXN_ID: ["a1", "b2"]},
        {FieldClass.PAN: [CARD], FieldClass.NAME: ['张 "伟", 先生']},
        {FieldClass.PAN: [CARD, OTHER], FieldClass.EXPIRY: ["05/28"]},
        {FieldClass.PAN: [CARD], FieldClass.EXPIRY: ["01/20"]},
        {FieldClass.PAN: [CARD], FieldClass.EXPIRY: ["05/28"], FieldClass.ADDRESS: ["1 Road\nTown"]},
        {FieldClass.PAN: ["6205500000000000004"], FieldClass.EXPIRY: ["05/28"]},
        {FieldClass.NAME: ["王虚构"]},
        {FieldClass.PAN: [CARD], FieldClass.EXPIRY: ["05/28"], FieldClass.NAME: ['张 "伟", 先生']},
    )
    made = lines.lines_of(stripe, part, given={}, now=NOW)
    reasons = [(place, reason) for _, place, reason in made.refused]
    assert reasons == [
        (0, "expiry_missing"),
        (0, "expiry_unpaired"),
        (1, "expiry_unpaired"),
        (0, "expiry_past"),
        (0, "control_character:line1"),
        (0, "length:card_number"),
    ]
    rows = list(csv.reader(io.StringIO(made.body.decode(), newline="")))
    assert [row[1:4] + row[-1:] for row in rows] == [
        [CARD, "05", "2028", "a1"],
        [OTHER, "06", "2029", "b2"],
        [CARD, "05", "2028", ""],
    ]
    assert rows[2][7] == '张 "伟", 先生'
    assert made.without_card == 1
    assert made.wanting == {"network_transaction_id": 1}
    assert all(CARD not in text and OTHER not in text for text in map(repr, (made, made.refused)))
    assert [made.body[end - 2 : end] for end in made.ends.tolist()] == [b"\r\n"] * 3
    assert made.ends[-1] == len(made.body)
    nobody = lines.lines_of(stripe, part_of({FieldClass.NAME: ["王虚构"]}), given={}, now=NOW)
    assert (nobody.body, len(nobody.ends), nobody.refused, nobody.without_card) == (b"", 0, [], 1)


def test_cells_are_quoted_where_they_must_be_and_refused_where_that_would_not_help() -> None:
    holders = ["a,b", 'a"b', " lead", "trail\u3000", "\xa0x", "inner  blank", "x\u0085", "x\u2029", "\x7f", "\t"]
    part = part_of(*({FieldClass.PAN: [CARD], FieldClass.NAME: [name]} for name in holders))
    made = lines.lines_of(own(), part, given={}, now=NOW)
    assert [line.split(CARD.encode())[1].decode() for line in made.body.splitlines(keepends=True)] == [
        ',"a,b",\r\n',
        ',"a""b",\r\n',
        '," lead",\r\n',
        ',"trail\u3000",\r\n',
        ',"\xa0x",\r\n',
        ",inner  blank,\r\n",
    ]
    assert [reason for _, _, reason in made.refused] == ["control_character:holder"] * 4
    assert made.wanting == {"txn": 6}


def test_a_file_ends_before_a_limit_is_passed() -> None:
    account = handover.Account(adapter="own")
    target = exports._Nowhere(own(lines_max=100), account)  # noqa: SLF001 - where every export counts its lines
    for length, count, files in ((10, 98, 1), (10, 1, 1), (10, 1, 2), (1_000, 98, 3), (70_000, 2, 5)):
        ends = np.arange(1, count + 1, dtype=np.int64) * length
        target.write(lines.Lines(body=bytes(count * length), ends=ends))
        assert account.files_wanted == files, (length, count)
        assert target.in_file < 100
    assert account.lines == 200


def secret(suite: pysequoia.CipherSuite, profile: pysequoia.Profile = pysequoia.Profile.RFC4880) -> pysequoia.Tsk:
    return pysequoia.Tsk.generate("desk@processor.example", profile=profile, cipher_suite=suite)


def test_recipients_that_are_good_enough() -> None:
    for suite, profile in (
        (pysequoia.CipherSuite.Cv25519, pysequoia.Profile.RFC4880),
        (pysequoia.CipherSuite.P384, pysequoia.Profile.RFC4880),
        (pysequoia.CipherSuite.Cv25519, pysequoia.Profile.RFC9580),
        (pysequoia.CipherSuite.MLDSA65_Ed25519, pysequoia.Profile.RFC9580),
    ):
        cert = secret(suite, profile).extract_certificate()
        found = parcels.read_recipient(str(cert).encode(), now=datetime.now(UTC))
        assert (found.kind, found.fingerprint) == (parcels.ParcelKind.OPENPGP, cert.fingerprint)
    parcels.read_recipient((KEYS / "rsa4096.asc").read_bytes(), now=NOW)
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    assert parcels.read_recipient(f"{recipient}\n".encode(), now=NOW).fingerprint == recipient


def test_recipients_that_are_refused_by_name() -> None:
    strong = secret(pysequoia.CipherSuite.Cv25519)
    short_lived = pysequoia.Tsk.generate("a@processor.example", validity_seconds=60).extract_certificate()
    two = bytes(strong.extract_certificate()) + bytes(short_lived)
    cases = {
        "rsa_short": (KEYS / "rsa3072.asc").read_bytes(),
        "secret": bytes(strong),
        "expired": bytes(short_lived),
        "malformed": two,
        "ssh": b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== someone",
        "age": b"age1notarecipient",
        "size": b"x" * (parcels.KEY_BYTES_MAX + 1),
    }
    later = datetime(2099, 1, 1, tzinfo=UTC)
    for reason, data in cases.items():
        with pytest.raises(RecipientRefused) as caught:
            parcels.read_recipient(data, now=later)
        assert caught.value.details["reason"] == reason, reason
    with pytest.raises(RecipientRefused) as caught:
        parcels._judge("DSA", bytes([4]) + bytes(20))  # noqa: SLF001 - no library makes such keys any more
    assert caught.value.details["reason"] == "algorithm"


def export(scene: Scene, adapter: catalogue.Adapter, key: bytes, place: Path) -> handover.Account:
    seller = scene.seller
    return handover.export(
        seller.site(),
        terms=seller.terms,
        keys=seller.keys(),
        adapter=adapter,
        given={},
        recipient=parcels.read_recipient(key, now=START),
        place=place,
    )


def clear(scene: Scene, opened: bytes) -> list[list[str]]:
    """The lines of an opened file, and that their cards are the vault's."""
    rows = list(csv.reader(io.StringIO(opened.decode(), newline="")))
    assert rows[0] == ["id", "card", "holder", "txn"]
    with scene.seller.store.reading() as tx:
        for row in rows[1:3]:
            assert vault.find(tx, scene.seller.keys(), cls=FieldClass.PAN, value=row[1]) == [row[0]]
    return rows[1:]


def test_nothing_without_a_release(scene: Scene, tmp_path: Path) -> None:
    key = str(pyrage.x25519.Identity.generate().to_public()).encode()
    with pytest.raises(errors.NotReleased):
        export(scene, own(), key, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    scene.release()
    with pytest.raises(errors.ClassNotAgreed):
        export(scene, handover.find_adapter("stripe"), key, tmp_path / "out")
    with pytest.raises(adapter_errors.NotGiven):
        export(scene, handover.find_adapter("adyen"), key, tmp_path / "out")


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_gpg_opens_it(scene: Scene, tmp_path: Path) -> None:
    scene.release()
    home = Path(tempfile.mkdtemp())  # its sockets' paths must be short
    try:
        make = ("--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key")
        gpg(home, *make, "desk@processor.example", "future-default")
        place = tmp_path / "out"
        account = export(scene, own(), gpg(home, "--armor", "--export"), place)
        opened = gpg(home, "--decrypt", str(place / "own-0001.csv.pgp"))
    finally:
        subprocess.run([shutil.which("gpgconf") or "gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home)
    assert len(clear(scene, opened)) == account.lines > 10


def gpg(home: Path, *words: str) -> bytes:
    command = [shutil.which("gpg") or "gpg", "--homedir", str(home), "--batch", "--quiet", *words]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed")
def test_age_opens_it_in_files_of_the_right_length(scene: Scene, tmp_path: Path) -> None:
    scene.release()
    theirs = pyrage.x25519.Identity.generate()
    place = tmp_path / "out"
    account = export(scene, own(lines_max=11), str(theirs.to_public()).encode(), place)
    (tmp_path / "key").write_text(str(theirs))
    rows = []
    for file in account.files:
        command = ["age", "--decrypt", "-i", str(tmp_path / "key"), str(place / file.name)]
        opened = subprocess.run(command, check=True, capture_output=True).stdout
        assert len(opened.splitlines()) <= 11
        rows += clear(scene, opened)
    assert len(rows) == account.lines == sum(file.lines for file in account.files)
    assert account.files_wanted == len(account.files) == -(-account.lines // 10)
    held = scene.seller.held()[1]
    assert account.lines == held[FieldClass.PAN]
    # No card of the vault lies there in clear, and only the two persons' recipient can open it.
    raw = b"".join(path.read_bytes() for path in place.iterdir())
    assert all(row[1].encode() not in raw for row in rows)
    assert {path.name for path in place.iterdir()} == {"refused.csv", *(file.name for file in account.files)}
    assert (place / "refused.csv").stat().st_mode & 0o777 == 0o600
    scene.seller.assert_sound()


def test_runs_folders_and_a_dry_run(scene: Scene, tmp_path: Path) -> None:
    scene.release()
    theirs = pyrage.x25519.Identity.generate()
    key = str(theirs.to_public()).encode()
    seller = scene.seller
    before = sorted(os.walk(tmp_path))
    tried = handover.rehearse(seller.site(), terms=seller.terms, keys=seller.keys(), adapter=own(), given={})
    assert sorted(os.walk(tmp_path)) == before
    assert seller.events("handover.export.rehearsed", "handover.export.written") == ["handover.export.rehearsed"]
    first = export(scene, own(), key, tmp_path / "one")
    assert (tried.lines, tried.subjects, tried.files_wanted) == (first.lines, first.subjects, 1)
    with pytest.raises(errors.FolderNotEmpty):
        export(scene, own(), key, tmp_path / "one")
    assert export(scene, own(), key, tmp_path / "two").run == 2
    with pytest.raises(adapter_errors.RunsSpent):
        export(scene, own(), key, tmp_path / "three")
    with seller.store.reading() as tx:
        known = handover.known_copies(tx, seller.ledger, deal=seller.terms.deal)
    assert [(one.kind, one.fate) for one in known if one.place.parent == tmp_path] == [
        (handover.CopyKind.PROCESSOR, handover.Fate.DELETE)
    ] * 2


def test_a_killed_helper_leaves_no_parcel(tmp_path: Path) -> None:
    key = str(pyrage.x25519.Identity.generate().to_public()).encode()
    recipient = parcels.read_recipient(key, now=NOW)
    with (
        pytest.raises(ParcelFailed),
        (tmp_path / "out").open("wb") as out,
        parcels.sealing(parcels.Recipient(kind=recipient.kind, fingerprint="", data=b"age1bad"), out) as stream,
    ):
        for _ in range(100):
            stream.write(b"x" * 100_000)


def test_an_answer_is_held_against_the_vault(scene: Scene, tmp_path: Path) -> None:
    seller = scene.seller
    with seller.store.reading() as tx:
        ours = list(vault.holders(tx, scope=seller.terms.scope, cls=FieldClass.PAN))
    answer, out = tmp_path / "answer.csv", tmp_path / "map.csv"

    def take(text: str) -> handover.Answered:
        answer.write_text(text)
        with seller.store.transaction() as tx:
            return handover.take_answer(
                tx,
                seller.ledger,
                terms=seller.terms,
                adapter=own(),
                path=answer,
                out=out,
                actor=seller.persons[0],
                now=START,
            )

    for text, line, reason in (
        ("id\n", 1, "columns"),
        (f"id,new\n{ours[0]}\n", 2, "columns"),
        (f"id,new\n{ours[0]},cus_1\n{new_id('sub')},cus_2\n", 3, "unknown_id"),
        (f"id,new\n{ours[0]},cus_1\n{ours[0]},cus_1\n", 3, "repeated"),
        (f"id,new\n{ours[0]},{CARD}\n", 2, "card_number"),
        (f'id,new\n{ours[0]},"a""b"\n', 2, "id"),
        (f'id,new\n{ours[0]},"a\n', 2, "malformed"),
    ):
        with pytest.raises(adapter_errors.AnswerRefused) as caught:
            take(text)
        assert (caught.value.details["line"], caught.value.details["reason"]) == (line, reason)
        assert not out.exists()
    found = take(f"new,id\ncus_1,{ours[0]}\ncus_2,{ours[1]}\n")
    assert (found.matched, found.unanswered) == (2, len(ours) - 2)
    assert out.read_bytes().splitlines()[1:] == [f"{ours[0]},cus_1".encode(), f"{ours[1]},cus_2".encode()]
    assert seller.events("handover.export.answered") == ["handover.export.answered"]
