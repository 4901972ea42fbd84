"""The inventory of algorithms, keys and protocols in use, as a CycloneDX 1.6 CBOM (ECMA-424).

What it says comes from what is there: the key table, the scopes' suites, the feeds' TLS contexts, the certificates that
``feeds.toml`` trusts. What is to be said against something is a finding: an annotation of its component. No key, no
digest of one and no customer's anything is in it; ids and dates are.
"""

from __future__ import annotations

import json
import ssl
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally import __version__, vault
from tigertally.app import feeds
from tigertally.app.keeping import KeeperKind
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.base.clock import to_text
from tigertally.base.text import Lang, Text
from tigertally.crypto import algorithms as table
from tigertally.crypto.algorithms import Algorithm
from tigertally.crypto.certificates import Certificate, read_pem
from tigertally.vault import PERIODS_S, KeyInfo, KeyPurpose, KeyState, Suite

SPEC_VERSION: Final = "1.6"
EXPIRES_SOON: Final = timedelta(days=30)
_STATES: Final = {
    KeyState.ACTIVE: "active",
    KeyState.RETIRED: "deactivated",
    KeyState.DESTROYED: "destroyed",
}
# Which algorithm a key of each purpose is for, what it is, and its bits.
_USES: Final[Mapping[KeyPurpose, tuple[Algorithm, str, int]]] = {
    KeyPurpose.VAULT: (table.AES_GCM, "secret-key", 256),
    KeyPurpose.TOKEN: (table.AES_CMAC, "secret-key", 256),
    KeyPurpose.INDEX: (table.AES_CMAC, "secret-key", 256),
    KeyPurpose.COMMIT: (table.AES_CMAC, "secret-key", 256),
    KeyPurpose.PSEUDONYM: (table.HMAC_SHA256, "secret-key", 256),
    KeyPurpose.PAYLOAD: (table.AES_GCM, "secret-key", 256),
    KeyPurpose.NOTE: (table.NOTE, "private-key", 512),
    KeyPurpose.ACCESS: (table.AES_GCM, "secret-key", 256),
    KeyPurpose.SIGNING: (table.DOCUMENT, "private-key", 512),
    KeyPurpose.TRANSFER: (table.XWING, "private-key", 768),
}
_KEPT_BY: Final = {KeeperKind.PKCS11: "HSM", KeeperKind.KMS: "KMS", KeeperKind.TRANSIT: "KMS"}
_TLS: Final = {ssl.TLSVersion.TLSv1_2: "1.2", ssl.TLSVersion.TLSv1_3: "1.3"}
_OVER_AGE: Final = Text("密钥已超过使用期限，应更换", "the key is past its cryptoperiod: replace it")
_UNFINISHED: Final = Text(
    "{n} 条记录仍在旧套件下；请再运行 keys migrate", "{n} records are under the old suite still: run keys migrate"
)
_MIXED: Final = Text(
    "记录用 SM4，但检索摘要与令牌仍用 AES（见 ADR 0004）",
    "records are under SM4, index digests and tokens still under AES (ADR 0004)",
)
_OLD_TLS: Final = Text(
    "还接受 TLS 1.2；对方支持时只用 1.3", "TLS 1.2 is accepted still: 1.3 alone once the other side has it"
)
_NO_TLS: Final = Text("发往本机的明文 HTTP", "plain HTTP, to this machine only")
_ENDED: Final = Text("证书已过期", "the certificate is over")
_ENDS_SOON: Final = Text("证书三十天内到期", "the certificate ends within thirty days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to be said against a component."""

    ref: str
    what: Text
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What is in use: components of the document, which of them consist of which, and findings."""

    at: datetime
    components: Sequence[dict[str, Json]]
    parts: Mapping[str, Sequence[str]]
    findings: Sequence[Finding]

    def document(self, lang: Lang) -> bytes:
        """Return the CycloneDX document; findings in ``lang``."""
        product: Json = {"type": "application", "bom-ref": "tigertally", "name": "Tigertally", "version": __version__}
        notes: list[Json] = [
            {
                "bom-ref": f"finding:{number}",
                "subjects": [found.ref],
                "annotator": {"component": {"type": "application", "name": "Tigertally", "version": __version__}},
                "timestamp": to_text(self.at),
                "text": found.what.render(lang, **found.details),
            }
            for number, found in enumerate(self.findings, start=1)
        ]
        body: Json = {
            "$schema": f"http://cyclonedx.org/schema/bom-{SPEC_VERSION}.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": SPEC_VERSION,
            "serialNumber": f"urn:uuid:{uuid.uuid4()}",
            "version": 1,
            "metadata": {"timestamp": to_text(self.at), "component": product},
            "components": list(self.components),
            "dependencies": [{"ref": ref, "dependsOn": list(whole)} for ref, whole in self.parts.items()],
            "annotations": notes,
        }
        return (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()


def inventory(house: House) -> Inventory:
    """Return what this installation uses. Raises ``BadFeeds``, ``BadCertificate``."""
    now = house.clock.now()
    with house.store.reading() as tx:
        keys = vault.list_keys(tx)
        active = [one for one in keys if one.purpose is KeyPurpose.VAULT and one.state is KeyState.ACTIVE]
        computed = any(vault.card_kind(tx, scope=one.scope) is vault.CardKind.FF1 for one in active)
        behind = {one.key: _behind(vault.records_by_version(tx, scope=one.scope), one, keys) for one in active}
    sm4 = any(one.suite is Suite.GUOMI_1 for one in keys if one.state is not KeyState.DESTROYED)
    used = [*table.ALWAYS, *([table.SM4_GCM] if sm4 else []), *([table.FF1] if computed else [])]
    findings = [Finding(ref=one.ref, what=one.against, details={}) for one in used if one.against is not None]
    late = [one for one in keys if one.due is not None and one.due <= now]
    findings += [Finding(ref=_ref(one), what=_OVER_AGE, details={}) for one in late]
    for one in active:
        if behind[one.key]:
            findings.append(Finding(ref=_ref(one), what=_UNFINISHED, details={"n": behind[one.key]}))
        if one.suite is Suite.GUOMI_1:
            findings.append(Finding(ref=_ref(one), what=_MIXED, details={}))
    protocols, against = _protocols(house)
    certificates, over = _certificates(house, now)
    return Inventory(
        at=now,
        components=[
            *map(_algorithm, used),
            *(_key(one, house.keeper.key_id) for one in keys),
            _root(house),
            *protocols,
            *certificates,
        ],
        parts={one.ref: [table.BY_NAME[name].ref for name in one.parts] for one in used if one.parts},
        findings=[*findings, *against, *over],
    )


def _behind(held: Mapping[int, int], active: KeyInfo, keys: Iterable[KeyInfo]) -> int:
    """Return how many records of the scope are of another suite than its active key."""
    suites = {one.version: one.suite for one in keys if (one.purpose, one.scope) == (active.purpose, active.scope)}
    return sum(count for version, count in held.items() if suites.get(version) is not active.suite)


def _ref(info: KeyInfo) -> str:
    return f"key:{info.key}"


def _component(ref: str, name: str, properties: Mapping[str, object], **crypto: Json) -> dict[str, Json]:
    made: dict[str, Json] = {"type": "cryptographic-asset", "bom-ref": ref, "name": name, "cryptoProperties": crypto}
    told: list[Json] = [{"name": f"tigertally:{key}", "value": str(value)} for key, value in properties.items()]
    return {**made, "properties": told} if told else made


def _algorithm(one: Algorithm) -> dict[str, Json]:
    told = {"parameterSetIdentifier": one.parameters, "curve": one.curve, "mode": one.mode}
    properties: dict[str, Json] = {
        "primitive": one.kind,
        **{name: value for name, value in told.items() if value},
        "executionEnvironment": "software-plain-ram",
        "cryptoFunctions": list(one.functions),
        "classicalSecurityLevel": one.classical,
        "nistQuantumSecurityLevel": one.quantum,
    }
    oid: dict[str, Json] = {"oid": one.oid} if one.oid else {}
    return _component(one.ref, one.name, {}, assetType="algorithm", algorithmProperties=properties, **oid)


def _key(info: KeyInfo, root: str) -> dict[str, Json]:
    used, kind, bits = _USES[info.purpose]
    if info.suite is Suite.GUOMI_1:
        used, bits = table.SM4_GCM, 128
    period_s = PERIODS_S[info.purpose]
    material: dict[str, Json] = {
        "type": kind,
        "id": info.key,
        "state": _STATES[info.state],
        "size": bits,
        "algorithmRef": used.ref,
        "creationDate": to_text(info.created),
        "activationDate": to_text(info.created),
        "securedBy": {"mechanism": "wrapped by the root key", "algorithmRef": table.AES_GCM.ref},
    }
    if period_s is not None:
        material["expirationDate"] = to_text(info.seals_until(period_s))
    changed = info.destroyed or info.retired
    if changed is not None:
        material["updateDate"] = to_text(changed)
    told: dict[str, object] = {
        "purpose": info.purpose.value,
        "scope": info.scope,
        "version": info.version,
        "suite": info.suite.label,
        "uses": info.uses,
        "root": root,
    }
    if period_s is not None:
        told["cryptoperiod_s"] = period_s
    return _component(
        _ref(info),
        " ".join([info.purpose.value, info.scope, str(info.version)]).replace("  ", " "),
        told,
        assetType="related-crypto-material",
        relatedCryptoMaterialProperties=material,
    )


def _root(house: House) -> dict[str, Json]:
    kind = house.settings.keeper.kind
    material: dict[str, Json] = {
        "type": "secret-key",
        "id": house.keeper.key_id,
        "state": "active",
        "securedBy": {"mechanism": _KEPT_BY.get(kind, "Software")},
    }
    told = {"purpose": "root", "keeper": kind.value}
    return _component(
        f"key:root:{house.keeper.key_id}",
        "root key",
        told,
        assetType="related-crypto-material",
        relatedCryptoMaterialProperties=material,
    )


def _protocols(house: House) -> tuple[list[dict[str, Json]], list[Finding]]:
    """Return one component for each feed and version of TLS that it may speak."""
    made: list[dict[str, Json]] = []
    findings: list[Finding] = []
    for name, feed in feeds.load(house.settings.home).items():
        context = feeds.tls_of(feed)
        if context is None:
            if isinstance(feed, feeds.Webhook):
                ref = f"protocol:{name}:http"
                properties: dict[str, Json] = {"type": "other", "version": "HTTP/1.1"}
                made.append(_component(ref, f"HTTP ({name})", {}, assetType="protocol", protocolProperties=properties))
                findings.append(Finding(ref=ref, what=_NO_TLS, details={}))
            continue
        for version, spelled in _TLS.items():
            if version < context.minimum_version:
                continue
            ref = f"protocol:{name}:tls-{spelled}"
            suites: list[Json] = [
                {"name": cipher["name"]} for cipher in context.get_ciphers() if _fits(str(cipher["protocol"]), spelled)
            ]
            properties = {"type": "tls", "version": spelled, "cipherSuites": suites}
            made.append(
                _component(
                    ref, f"TLS {spelled} ({name})", {"feed": name}, assetType="protocol", protocolProperties=properties
                )
            )
            if version < ssl.TLSVersion.TLSv1_3:
                findings.append(Finding(ref=ref, what=_OLD_TLS, details={}))
    return made, findings


def _fits(protocol: str, version: str) -> bool:
    """Return whether a cipher of OpenSSL's list is one of that version: 1.3 has its own."""
    return (protocol == "TLSv1.3") is (version == "1.3")


def _certificates(house: House, now: datetime) -> tuple[list[dict[str, Json]], list[Finding]]:
    found: dict[str, Certificate] = {}
    for path in feeds.authorities(house.settings.home):
        found |= {one.fingerprint: one for one in read_pem(path.read_bytes())}
    findings: list[Finding] = []
    for one in found.values():
        if one.until < now + EXPIRES_SOON:
            what = _ENDED if one.until <= now else _ENDS_SOON
            findings.append(Finding(ref=f"cert:{one.fingerprint}", what=what, details={}))
    return [_certificate(one) for one in found.values()], findings


def _certificate(one: Certificate) -> dict[str, Json]:
    properties: dict[str, Json] = {
        "subjectName": one.subject,
        "issuerName": one.issuer,
        "notValidBefore": to_text(one.start),
        "notValidAfter": to_text(one.until),
        "certificateFormat": "X.509",
    }
    told = {"sha256": one.fingerprint, "signature": one.algorithm, "use": "trusted by a feed"}
    return _component(
        f"cert:{one.fingerprint}",
        one.subject or one.fingerprint,
        told,
        assetType="certificate",
        certificateProperties=properties,
    )
