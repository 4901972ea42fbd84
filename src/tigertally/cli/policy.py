"""``policy``: the rules, as a Cedar policy set and schema that counsel can read, compare and sign."""

from __future__ import annotations

from pathlib import Path

import click

from tigertally.access import cedar
from tigertally.access.policy import policy_digest
from tigertally.app.errors import NotWritable
from tigertally.app.settings import write_whole
from tigertally.base.canon import Json
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, speak
from tigertally.crypto.digest import sha256_hex


@speak(
    "把访问规则写成 Cedar 策略集和模式，供双方法务阅读、比对、签署；每次决定都记录规则摘要。",
    "Write the rules of access as a Cedar policy set and schema, for counsel to read, compare and sign. Every decision "
    "records the digest of the rules.",
    "tigertally policy ./rules",
)
@click.command(name="policy", cls=SpeakingCommand)
@shared
@click.argument("folder", type=click.Path(path_type=Path))
def policy_command(shell: Shell, folder: Path) -> None:
    """Write the rules."""
    files = {"policy.cedar": cedar.policies().encode(), "policy.cedarschema": cedar.schema().encode()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_whole(folder / name, content, mode=0o644)
    except OSError as error:
        raise NotWritable(path=folder, reason=type(error).__name__) from None
    data: dict[str, Json] = {name: sha256_hex(content) for name, content in files.items()}
    data["rules"] = policy_digest()
    lines = "\n".join(f"{digest}  {name}" for name, digest in data.items())
    shell.result(data, lambda out: out.print(lines, markup=False))
