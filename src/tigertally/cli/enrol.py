"""Showing secrets once, to the person whose they are: enrolment code, one-time-code secret, recovery codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console

from tigertally.access.enrolment import Invited
from tigertally.access.passkeys import ASKED_S, Asked
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.base.text import Text
from tigertally.cli.base import Shell
from tigertally.crypto import totp
from tigertally.crypto.passkeys import EDDSA, ES256
from tigertally.formats import webauthn


def show_code(shell: Shell, *, invited: Invited, data: dict[str, Json], show: Callable[[Console], None]) -> None:
    """Give the result with the enrolment code in it: once, for the lead to hand over in person."""
    code, until, name = invited.code.expose(), clock.to_text(invited.until), invited.person.handle
    data.update({"code": code, "until": until})

    def whole(out: Console) -> None:
        show(out)
        told = Text(
            "登记码（只显示这一次，请当面交给 {name} 本人；{until} 前有效）：",
            "enrolment code (shown this once; hand it to {name} in person; it works until {until}):",
        )
        out.print(shell.text(told, name=name, until=until[:16]), style="bold", markup=False)
        out.print(f"  {code}", markup=False)
        out.print(f"  → tigertally enrol {name}", markup=False)

    shell.result(data, whole)


def show_recovery(shell: Shell, out: Console, codes: Sequence[SecretText]) -> None:
    """Draw recovery codes."""
    told = Text(
        "恢复码（只显示这一次，每个用一次，丢失验证器时使用；请写下并锁好）：",
        "recovery codes (shown this once; each works once, when the authenticator is lost; write them down, "
        "lock them up):",
    )
    out.print(shell.text(told), style="bold", markup=False)
    for code in codes:
        out.print(f"  {code.expose()}", markup=False)


def show_totp(
    shell: Shell,
    *,
    handle: str,
    secret: SecretBytes,
    data: dict[str, Json],
    show: Callable[[Console], None],
    recovery: Sequence[SecretText] = (),
) -> None:
    """Give the result with the one-time secret in it: once, on standard output, never stored by us in clear."""
    uri = totp.provisioning_uri(secret, account=handle, issuer="Tigertally").expose()
    data["totp_uri"] = uri
    if recovery:
        data["recovery"] = [code.expose() for code in recovery]

    def whole(out: Console) -> None:
        show(out)
        out.print(
            shell.text_of(
                "动态码密钥（只显示这一次，请立即录入验证器应用）：",
                "one-time code secret (shown this once; put it into an authenticator app now):",
            ),
            style="bold",
        )
        out.print(f"  {uri}", markup=False, soft_wrap=True)
        if recovery:
            show_recovery(shell, out, recovery)

    shell.result(data, whole)


def creation_options(asked: Asked, *, person: str, handle: str) -> dict[str, Json]:
    """Return what a browser's ``credentials.create`` takes (PublicKeyCredentialCreationOptionsJSON)."""
    return {
        "rp": {"id": webauthn.host_of(asked.origin), "name": "Tigertally"},
        "user": {"id": webauthn.to_url(person.encode()), "name": handle, "displayName": handle},
        "challenge": webauthn.to_url(asked.challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (EDDSA, ES256)],
        "timeout": ASKED_S * 1000,
        "attestation": "none",
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "excludeCredentials": [{"type": "public-key", "id": ident} for ident in asked.credentials],
    }


def request_options(asked: Asked) -> dict[str, Json]:
    """Return what a browser's ``credentials.get`` takes (PublicKeyCredentialRequestOptionsJSON)."""
    return {
        "challenge": webauthn.to_url(asked.challenge),
        "rpId": webauthn.host_of(asked.origin),
        "timeout": ASKED_S * 1000,
        "userVerification": "required",
        "allowCredentials": [{"type": "public-key", "id": ident} for ident in asked.credentials],
    }
