"""``ledger`` (checkpoint, log, show, prove, quorum, quorums, cosign, ask, take, export) and ``fsck``."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from tigertally.app.errors import NotWritable
from tigertally.app.quorums import Quorum
from tigertally.app.settings import write_whole
from tigertally.app.verbs import cosigning
from tigertally.app.verbs import ledger as verbs
from tigertally.app.verbs.cosigning import Cosigned
from tigertally.app.wire import House
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.limits import NOTE_BYTES_MAX
from tigertally.base.text import Text
from tigertally.cli import inquiry
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.formats import policy as policies
from tigertally.formats.policy import Policy
from tigertally.formats.verify.files import read_small
from tigertally.ledger import event_kinds

_BROKEN_EXIT = 7
_SHORT_EXIT = 3
# A longer number is no entry but could be somebody's card, which must not be repeated on a screen.
_INDEX = click.IntRange(0, 999_999_999)
_NO_DEAL = Text("（不属于任何交易）", "(of no deal)")


@speak("台账：检查点、条目、证明、导出。", "The ledger: checkpoints, entries, proofs, export.")
@click.group(name="ledger", cls=SpeakingGroup)
def ledger_command() -> None:
    """Group the ledger's commands."""


for _command in (inquiry.facts, inquiry.seen, inquiry.beat):
    ledger_command.add_command(_command)


@speak(
    "签署当前账尾，打印检查点。",
    "Sign the present head and print the checkpoint.",
    "tigertally ledger checkpoint > checkpoint.txt",
)
@ledger_command.command(name="checkpoint", cls=SpeakingCommand)
@shared
def checkpoint(shell: Shell) -> None:
    """Sign the head."""
    with shell.house() as house:
        note = verbs.checkpoint(house)
    shell.result({"checkpoint": note.decode()}, lambda _: click.echo(note.decode(), nl=False))


@speak(
    "最近的条目（不含个人数据）；操作人由本安装实例的人员名册认出。",
    "The newest entries (nothing personal in them); who acted is known from this installation's people.",
    "tigertally ledger log -n 50",
)
@ledger_command.command(name="log", cls=SpeakingCommand)
@shared
@option("-n", "count", default=20, show_default=True, zh="条数", en="how many")
def log(shell: Shell, count: int) -> None:
    """List entries."""
    with shell.house() as house:
        found = verbs.recent(house, count=count)
        names = verbs.names(house)
    kinds = event_kinds()
    data: Json = [
        {"entry": i, "at": clock.to_text(leaf.at), "kind": leaf.kind, "by": names.get(leaf.actor, "")}
        for i, leaf in found
    ]

    def show(out: Console) -> None:
        rows = []
        for index, leaf in found:
            title = kinds[leaf.kind].title if leaf.kind in kinds else Text(leaf.kind, leaf.kind)
            by = names.get(leaf.actor, "")
            rows.append([str(index), clock.to_text(leaf.at)[:19], by, leaf.kind, shell.text(title)])
        headings = (
            Text("条目", "entry"),
            Text("时间", "time"),
            Text("操作人", "by"),
            Text("类别", "kind"),
            Text("含义", "meaning"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


@speak(
    "一条台账的全部内容（自己的安装实例内）。",
    "Everything in one entry (inside our own installation).",
    "tigertally --as chen ledger show 42",
)
@ledger_command.command(name="show", cls=SpeakingCommand)
@shared
@click.argument("index", type=_INDEX)
def show_entry(shell: Shell, index: int) -> None:
    """Show an entry."""
    with shell.house(acting=True) as house:
        found = verbs.entry(house, actor=shell.actor(house), index=index)
    data: dict[str, Json] = {
        "entry": index,
        "at": clock.to_text(found.leaf.at),
        "kind": found.leaf.kind,
        "payload": found.payload,
    }
    shell.result(data, lambda out: out.print(json.dumps(data, ensure_ascii=False, indent=2), markup=False))


@speak(
    "写出一条的证明文件（C2SP tlog-proof），任何人都能离线验证。",
    "Write one entry's proof file (C2SP tlog-proof); anyone can verify it offline.",
    "tigertally --as chen ledger prove 42 --out entry-42.tlog-proof",
)
@ledger_command.command(name="prove", cls=SpeakingCommand)
@shared
@click.argument("index", type=_INDEX)
@option("--out", type=click.Path(path_type=Path), required=True, zh="输出文件", en="output file")
@option("--deal", default="", zh="用该交易的见证策略", en="by the witness policy of this deal")
def prove(shell: Shell, index: int, out: Path, deal: str) -> None:
    """Write a proof."""
    with shell.house(acting=True) as house:
        proof = verbs.prove(house, actor=shell.actor(house), index=index, deal=deal)
    try:
        write_whole(out, proof.to_bytes(), mode=0o644)
    except OSError as error:
        raise NotWritable(path=out, reason=type(error).__name__) from None
    shell.result({"proof": str(out)}, lambda console: console.print(str(out), markup=False))


@speak(
    "导出台账为一个文件夹，任何人可离线验证。",
    "Export the ledger as a folder that anyone can verify offline.",
    "tigertally --as chen ledger export ./ledger-2026",
    "tigertally --as chen ledger export ./ledger-2026 --witnessed --deal dea_01…",
)
@ledger_command.command(name="export", cls=SpeakingCommand)
@shared
@click.argument("folder", type=click.Path(path_type=Path))
@option(
    "--witnessed",
    is_flag=True,
    zh="只到达到法定见证数的最新检查点；没有则指出缺谁",
    en="as far as a quorum has cosigned; if none has, say who is missing",
)
@option("--deal", default="", zh="用该交易的见证策略", en="by the witness policy of this deal")
def export(shell: Shell, folder: Path, deal: str, *, witnessed: bool) -> None:
    """Export the ledger."""
    with shell.house(acting=True) as house, shell.progress() as progress:
        size = verbs.export_to(
            house,
            actor=shell.actor(house),
            folder=folder,
            witnessed_for=deal if witnessed or deal else None,
            progress=progress,
        )
    told = shell.text_of("已导出 {size} 条到 {folder}", "{size} entries exported to {folder}", size=size, folder=folder)
    shell.result({"folder": str(folder), "entries": size}, lambda out: out.print(told, markup=False))


@speak(
    "把台账发布为 C2SP 分块文件夹（tlog-tiles），任何网页服务器都能提供；再次运行只写新增部分。",
    "Publish the ledger as a folder of C2SP tiles (tlog-tiles) for any web server; run again, only what is new is "
    "written.",
    "tigertally ledger publish ./public/log",
)
@ledger_command.command(name="publish", cls=SpeakingCommand)
@shared
@click.argument("folder", type=click.Path(path_type=Path))
def publish(shell: Shell, folder: Path) -> None:
    """Publish tiles."""
    with shell.house() as house, shell.progress() as progress:
        size = verbs.publish(house, folder=folder, progress=progress)
    told = shell.text_of(
        "已发布 {size} 条到 {folder}", "{size} entries published in {folder}", size=size, folder=folder
    )
    shell.result({"folder": str(folder), "entries": size}, lambda out: out.print(told, markup=False))


_POLICY = option(
    "--policy",
    type=click.Path(path_type=Path),
    zh="按此策略文件收集会签（默认：现行策略）",
    en="a witness policy to gather by (default: the one in force)",
)


_DEAL = option("--deal", default="", zh="用该交易的见证策略", en="by the witness policy of this deal")


def _policy(house: House, path: Path | None, deal: str) -> Policy:
    return cosigning.need_policy(house, deal) if path is None else cosigning.policy_at(path)


def _cosigned(shell: Shell, found: Cosigned) -> None:
    data: Json = {
        "checkpoint": found.note.decode(),
        "size": found.size,
        "witnesses": list(found.witnesses),
        "lacking": list(found.lacking),
        "quorum": found.met,
        "failed": dict(found.failed),
        "deals": list(found.deals),
    }

    def show(out: Console) -> None:
        for name in found.witnesses:
            out.print(f"✓ {name}", markup=False, style="green")
        for name in found.lacking:
            out.print(f"? {name}", markup=False, style="yellow")
        for url, why in found.failed.items():
            out.print(f"✗ {url}: {why}", markup=False, style="red")
        met = Text("达到法定见证数：{size} 条", "a quorum has cosigned {size} entries")
        short = Text("见证数不足：{size} 条", "not yet a quorum for {size} entries")
        out.print(shell.text(met if found.met else short, size=found.size), style="green" if found.met else "red")
        for deal in found.deals:
            whose = Text("满足现行策略：{deal}", "meets the policy in force: {deal}")
            out.print(shell.text(whose, deal=deal or shell.text(_NO_DEAL)), markup=False, style="dim")

    shell.result(data, show)
    if not found.met:
        click.get_current_context().exit(_SHORT_EXIT)


@speak(
    "签署账尾，请策略里有地址的见证方会签。",
    "Sign the head and have the witnesses of the policy that have an address cosign it.",
    "tigertally ledger cosign",
    "tigertally ledger cosign --deal dea_01…",
)
@ledger_command.command(name="cosign", cls=SpeakingCommand)
@shared
@_DEAL
@_POLICY
def cosign(shell: Shell, deal: str, policy: Path | None) -> None:
    """Collect cosignatures."""
    with shell.house() as house:
        found = cosigning.cosign(house, policy=_policy(house, policy, deal))
    _cosigned(shell, found)


@speak(
    "写出给一个见证方的会签请求文件（见证方没有地址时）。",
    "Write the request for a witness that has no address.",
    "tigertally ledger ask counsel --out request.txt",
)
@ledger_command.command(name="ask", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--out", type=click.Path(path_type=Path), required=True, zh="输出文件", en="output file")
@_DEAL
@_POLICY
def ask(shell: Shell, name: str, out: Path, deal: str, policy: Path | None) -> None:
    """Write a request."""
    with shell.house() as house:
        body = cosigning.request(house, policy=_policy(house, policy, deal), name=name)
    try:
        write_whole(out, body, mode=0o644)
    except OSError as error:
        raise NotWritable(path=out, reason=type(error).__name__) from None
    shell.result({"request": str(out)}, lambda console: console.print(str(out), markup=False))


@speak(
    "收下见证方的会签结果文件。",
    "Take the cosignatures that a witness gave.",
    "tigertally ledger take request.txt answer.txt",
)
@ledger_command.command(name="take", cls=SpeakingCommand)
@shared
@click.argument("request", type=click.Path(path_type=Path))
@click.argument("answer", type=click.Path(path_type=Path))
@_DEAL
@_POLICY
def take(shell: Shell, request: Path, answer: Path, deal: str, policy: Path | None) -> None:
    """Take cosignatures."""
    asked = read_small(request, bytes_max=2 * NOTE_BYTES_MAX)
    given = read_small(answer, bytes_max=NOTE_BYTES_MAX)
    with shell.house() as house:
        found = cosigning.take(house, policy=_policy(house, policy, deal), asked=asked, answer=given)
    _cosigned(shell, found)


@speak(
    "由两人设定：某交易（或不属于交易的事项）的操作之前，哪些见证方必须会签过台账（C2SP tlog-policy）。",
    "Have two persons set which witnesses must have cosigned the ledger before an act of a deal, or of none "
    "(C2SP tlog-policy).",
    "tigertally --as chen ledger quorum deal.policy --deal dea_01…",
)
@ledger_command.command(name="quorum", cls=SpeakingCommand)
@shared
@click.argument("policy", type=click.Path(path_type=Path))
@option("--deal", default="", zh="交易编号", en="the deal")
def quorum(shell: Shell, policy: Path, deal: str) -> None:
    """Set a policy."""
    data = read_small(policy, bytes_max=policies.BYTES_MAX)
    with shell.house(acting=True) as house:
        entry = cosigning.set_policy(house, actor=shell.actor(house), deal=deal, data=data)
    told = shell.text_of("已设定，台账第 {entry} 条", "set, ledger entry {entry}", entry=entry)
    shell.result({"deal": deal, "entry": entry}, lambda out: out.print(told))


@speak(
    "列出现行见证策略，以及各自何时到期、缺谁。",
    "List the witness policies in force, until when a quorum's word holds, and who is missing.",
    "tigertally ledger quorums",
)
@ledger_command.command(name="quorums", cls=SpeakingCommand)
@shared
def quorums(shell: Shell) -> None:
    """List policies."""
    with shell.house() as house:
        found = cosigning.listed(house)
    data: Json = [
        {
            "deal": item.deal,
            "entry": item.entry,
            "digest": item.digest,
            "policy": item.policy.to_text(),
            "met": item.witnessed is not None,
            "until": _until(item),
            "lacking": list[Json](item.policy.lacking(_seen_by(item))),
        }
        for item in found
    ]

    def show(out: Console) -> None:
        rows = []
        for item in found:
            lacking = item.policy.lacking(_seen_by(item))
            rows.append(
                [
                    item.deal or shell.text(_NO_DEAL),
                    cosigning.in_words(item.policy),
                    _until(item)[:10],
                    ", ".join(lacking),
                    str(item.entry),
                ]
            )
        headings = (
            Text("交易", "deal"),
            Text("须会签", "who must cosign"),
            Text("会签有效至", "cosigned until"),
            Text("缺少", "missing"),
            Text("条目", "entry"),
        )
        out.print(shell.table(None, headings, rows))

    shell.result(data, show)


def _until(item: Quorum) -> str:
    fact = item.witnessed
    return "" if fact is None or fact.until is None else clock.to_text(fact.until)


def _seen_by(item: Quorum) -> list[str]:
    names = [] if item.witnessed is None else item.witnessed.value["witnesses"]
    return [str(name) for name in names] if isinstance(names, list) else []


@speak(
    "核对台账：条目、内容、树、检查点、事实索引。",
    "Check the ledger: entries, payloads, tree, checkpoints, fact index.",
    "tigertally fsck",
    "tigertally fsck --kept counsel.checkpoint",
)
@click.command(name="fsck", cls=SpeakingCommand)
@shared
@option(
    "--kept",
    multiple=True,
    type=click.Path(path_type=Path),
    zh="外部保存的检查点（可多次）：台账必须与之一致",
    en="a checkpoint kept elsewhere that the ledger must agree with (repeatable)",
)
def fsck_command(shell: Shell, kept: tuple[Path, ...]) -> None:
    """Check the ledger."""
    notes = [read_small(path, bytes_max=NOTE_BYTES_MAX) for path in kept]
    with shell.house(examining=True) as house, shell.progress() as progress:
        found = verbs.check(house, kept=notes, progress=progress)
    flaws: list[Json] = [
        {"check": flaw.check, "entry": flaw.index, "what": shell.text(flaw.what)} for flaw in found.flaws
    ]
    data: Json = {
        "clean": found.clean,
        "entries": found.size,
        "erased": found.erased,
        "checkpoints": found.checkpoints,
        "flaws": flaws,
    }

    def show(out: Console) -> None:
        for flaw in found.flaws:
            out.print(f"✗ {flaw.index}: {shell.text(flaw.what)}", markup=False, style="red")
        verdict = Text("台账完好：{size} 条，{n} 个检查点", "the ledger is whole: {size} entries, {n} checkpoints")
        broken = Text("台账有 {flaws} 处问题", "the ledger has {flaws} flaws")
        if found.clean:
            out.print(shell.text(verdict, size=found.size, n=found.checkpoints), style="green")
        else:
            out.print(shell.text(broken, flaws=len(found.flaws)), style="red")

    shell.result(data, show)
    if not found.clean:
        click.get_current_context().exit(_BROKEN_EXIT)
