"""The inventory of cryptography, held to CycloneDX's published schema, and to what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7
from tests.stories import town as towns
from tests.stories.town import Firm

from tigertally import vault
from tigertally.app import cbom, feeds
from tigertally.app.wire import House
from tigertally.base.fields import FieldClass
from tigertally.base.text import Lang
from tigertally.crypto import algorithms
from tigertally.vault import KeyPurpose, Suite

SCOPE = "main"


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Firm:
    """An installation."""
    return towns.settle(tmp_path_factory.mktemp("cbom") / "seller", staff={"chen": "lead", "wang": "officer"})


@pytest.fixture
def house(firm: Firm) -> Iterator[House]:
    """It, opened; without feeds of other tests."""
    (firm.home / feeds.FEEDS_NAME).unlink(missing_ok=True)
    with firm.house() as opened:
        yield opened


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    """The published schema of CycloneDX 1.6, as a library of theirs carries it."""
    folder = resources.files("cyclonedx.schema") / "_res"
    names = {name: f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.6", "spdx", "jsf-0.82")}
    read = {name: json.loads((folder / file).read_text()) for name, file in names.items()}
    known = [(f"http://cyclonedx.org/schema/{names[name]}", DRAFT7.create_resource(read[name])) for name in names]
    return Draft7Validator(read["bom-1.6"], registry=Registry[Any]().with_resources(known))


def taken(house: House, schema: Draft7Validator, lang: Lang = Lang.EN) -> dict[str, Any]:
    """The document, held to the schema and to itself."""
    document: dict[str, Any] = json.loads(cbom.inventory(house).document(lang))
    assert [error.message for error in schema.iter_errors(document)] == []
    refs = [one["bom-ref"] for one in document["components"]]
    assert len(refs) == len(set(refs))
    named = {ref for one in document["dependencies"] for ref in (one["ref"], *one["dependsOn"])}
    named |= {ref for one in document["annotations"] for ref in one["subjects"]}
    for one in document["components"]:
        material = one["cryptoProperties"].get("relatedCryptoMaterialProperties", {})
        named |= {material[name] for name in ("algorithmRef",) if name in material}
    assert named <= set(refs)
    return document


def of_type(document: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        one["bom-ref"]: one["cryptoProperties"]
        for one in document["components"]
        if one["cryptoProperties"]["assetType"] == kind
    }


def told(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["subjects"][0], one["text"]) for one in document["annotations"]}


def test_a_schema_that_holds_nothing_would_not_do(house: House, schema: Draft7Validator) -> None:
    document = taken(house, schema)
    document["components"][0]["cryptoProperties"]["assetType"] = "secret"
    assert list(schema.iter_errors(document))


def test_every_key_is_there_with_its_state_and_period(house: House, schema: Draft7Validator) -> None:
    with house.store.transaction() as tx:
        vault.create_scope_keys(tx, house.keeper, scope=SCOPE, now=house.clock.now())
        held = vault.list_keys(tx)
    document = taken(house, schema)
    keys = of_type(document, "related-crypto-material")
    assert set(keys) == {f"key:{one.key}" for one in held} | {f"key:root:{house.keeper.key_id}"}
    for one in held:
        material = keys[f"key:{one.key}"]["relatedCryptoMaterialProperties"]
        assert material["state"] == "active"
        assert ("expirationDate" in material) is (vault.PERIODS_S[one.purpose] is not None)
    assert {"AES-256-GCM", "X-Wing HPKE", "ML-DSA-65"} <= {one["name"] for one in document["components"]}
    assert "SM4-GCM" not in {one["name"] for one in document["components"]}
    deprecated = {ref for ref, _ in told(document)}
    assert {"alg:hmac-sha-1", "alg:x-wing-hpke"} <= deprecated
    assert not {"alg:aes-256-gcm", "alg:ml-dsa-65"} & deprecated
    assert taken(house, schema, Lang.ZH)["annotations"][0]["text"] != document["annotations"][0]["text"]


def test_a_change_of_suite_is_told_while_it_lasts(house: House, schema: Draft7Validator) -> None:
    scope, now = "changing", house.clock.now()
    with house.store.transaction() as tx:
        vault.create_scope_keys(tx, house.keeper, scope=scope, now=now)
    with house.store.transaction() as tx:
        names: list[str | None] = ["虚构人", "另一人"]
        keys = vault.open_scope(tx, house.keeper, scope=scope)
        vault.seal_batch(tx, keys, subjects=["C1", "C2"], fields=[(FieldClass.NAME, names)], now=now)
        new = vault.rotate(tx, house.ledger, house.keeper, scope=scope, actor="", now=now, suite=Suite.GUOMI_1)
    document = taken(house, schema)
    keys_there = of_type(document, "related-crypto-material")
    assert keys_there[f"key:{new.key}"]["relatedCryptoMaterialProperties"]["algorithmRef"] == "alg:sm4-gcm"
    assert keys_there[f"key:{new.key}"]["relatedCryptoMaterialProperties"]["size"] == 128
    assert (f"key:{new.key}", "2 records are under the old suite still: run keys migrate") in told(document)
    with house.store.reading() as tx:
        opened = vault.open_scope(tx, house.keeper, scope=scope)
        old = vault.list_keys(tx, purpose=KeyPurpose.VAULT, scope=scope)[0]
    vault.rewrap(house.store.transaction, house.ledger, opened, actor="", now=house.clock.now)
    after = taken(house, schema)
    assert not any("old suite" in text for _, text in told(after))
    assert any(ref == f"key:{new.key}" and "AES" in text for ref, text in told(after))
    retired = of_type(after, "related-crypto-material")[f"key:{old.key}"]["relatedCryptoMaterialProperties"]
    assert retired["state"] == "deactivated"


def test_feeds_and_what_they_trust(firm: Firm, house: House, schema: Draft7Validator) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = house.clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (firm.home / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (firm.home / "hook").write_text("long-and-invented-hook")
    (firm.home / feeds.FEEDS_NAME).write_text(
        '[siem]\nurl = "syslog+tls://siem.invalid:6514"\nca = "ca.pem"\n'
        '[near]\nurl = "http://127.0.0.1:9/x"\nsecret_file = "hook"\n'
        '[lines]\nurl = "file:///srv/lines"\n'
    )
    document = taken(house, schema)
    protocols = of_type(document, "protocol")
    assert set(protocols) == {"protocol:siem:tls-1.2", "protocol:siem:tls-1.3", "protocol:near:http"}
    newest = protocols["protocol:siem:tls-1.3"]["protocolProperties"]
    assert newest["version"] == "1.3"
    assert newest["cipherSuites"]
    assert all(one["name"].startswith("TLS_") for one in newest["cipherSuites"])
    (ref,) = of_type(document, "certificate")
    assert ref == f"cert:{made.fingerprint(hashes.SHA256()).hex()}"
    findings = {ref for ref, _ in told(document)}
    assert {ref, "protocol:siem:tls-1.2", "protocol:near:http"} <= findings
    assert "protocol:siem:tls-1.3" not in findings


def test_the_table_has_every_algorithm_that_is_imported() -> None:
    """Whoever brings an algorithm in says so: modules that the rooms of ``crypto`` import, what stands for each."""
    listed = {
        "aead": "AES-256-GCM",
        "ciphers": "SM4-GCM",
        "hashes": "SHA-256",
        "hmac": "HMAC-SHA-256",
        "hkdf": "HKDF-SHA-256",
        "argon2": "Argon2id",
        "totp": "HMAC-SHA-1",
        "ec": "ECDSA-P-256",
        "rsa": "RSA-PKCS1-1.5-SHA-256",
        "padding": "RSA-PKCS1-1.5-SHA-256",
        "asymmetric": "Pedersen-P-256",
        "ed25519": "Ed25519",
        "mldsa": "ML-DSA-65",
        "mlkem": "ML-KEM-768",
        "x25519": "X25519",
        "hpke": "X-Wing HPKE",
    }
    imported = {
        line.split()[1].rsplit(".", 1)[-1]
        for room in Path(algorithms.__file__).parent.glob("*.py")
        for line in room.read_text().splitlines()
        if line.startswith("from cryptography.hazmat")
    }
    assert imported - {"primitives", "utils", "serialization"} == set(listed), (
        "another kind of algorithm: put it in the table, and here"
    )
    parts = {part for one in algorithms.BY_NAME.values() for part in one.parts}
    assert parts | set(listed.values()) <= set(algorithms.BY_NAME)
