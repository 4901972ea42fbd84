"""Showing a TOTP secret once, to the person whose it is."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes
from tigertally.cli.base import Shell
from tigertally.crypto import totp


def show_totp(
    shell: Shell, *, handle: str, secret: SecretBytes, data: dict[str, Json], show: Callable[[Console], None]
) -> None:
    """Give the result with the one-time secret in it: once, on standard output, never stored by us in clear."""
    uri = totp.provisioning_uri(secret, account=handle, issuer="Tigertally").expose()
    data["totp_uri"] = uri

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

    shell.result(data, whole)
