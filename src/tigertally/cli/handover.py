"""``release``, ``bundle``, ``receive``, ``receipt``, ``destroy`` and ``certificate``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from tigertally.app.verbs import handover as verbs
from tigertally.app.verbs import trial
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.text import Text
from tigertally.cli import reading
from tigertally.cli.base import Shell, shared
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.papers import read_paper, write_paper
from tigertally.formats import certificate as certificates
from tigertally.formats import dealpapers, manifest, receipt
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import DestructionPlan, Fate, Trial

_CLASSES = tuple(cls.value for cls in verbs.sealable())


def _class_option() -> click.Choice[str]:
    return click.Choice(_CLASSES)


@speak(
    "放行书：双方签署允许移交的字段、数量、接收密钥和期限。",
    "The release: both companies sign which classes, how many, to which key, until when.",
)
@click.group(name="release", cls=SpeakingGroup)
def release_command() -> None:
    """Group the commands about releases."""


def _show_release(shell: Shell, paper: Statement, out: Path | None) -> None:
    found = dealpapers.read_release(paper)
    data: Json = {
        "deal": found.deal,
        "classes": [cls.value for cls in found.classes],
        "subjects": found.subjects,
        "recipient_key": found.recipient_key,
        "until": clock.to_text(found.until),
        "signatures": len(paper.signatures),
        "release": None if out is None else str(out),
    }

    def show(_: Console) -> None:
        shell.pairs(
            [
                (Text("客户", "customers"), found.subjects),
                (Text("字段", "classes"), ", ".join(shell.text(FIELD_RULES[cls].title) for cls in found.classes)),
                (Text("有效至", "until"), clock.to_text(found.until)[:19]),
                (Text("签名", "signatures"), len(paper.signatures)),
                (Text("文件", "file"), "" if out is None else out),
            ]
        )

    shell.result(data, show)


@speak(
    "转让方提出放行书并签名（需要两人）。",
    "Seller: propose the release and sign it (two persons).",
    "tigertally --as chen release propose dea_01… --out release.json",
)
@release_command.command(name="propose", cls=SpeakingCommand)
@shared
@click.argument("deal")
@option("--class", "classes", multiple=True, type=_class_option(), zh="字段（默认全部）", en="classes (default: all)")
@option("--days", default=7, show_default=True, zh="有效天数", en="days it holds")
@option("--out", type=click.Path(path_type=Path), required=True, zh="放行书文件", en="the release")
def propose(shell: Shell, deal: str, classes: tuple[str, ...], days: int, out: Path) -> None:
    """Propose a release."""
    chosen = [FieldClass(item) for item in (classes or _CLASSES)]
    with shell.house(acting=True) as house:
        paper = verbs.propose_release(house, actor=shell.actor(house), deal=deal, classes=chosen, days=days)
    write_paper(out, paper)
    _show_release(shell, paper, out)


@speak(
    "受让方核对并会签放行书（需要两人）。",
    "Buyer: check the release and countersign it (two persons).",
    "tigertally --as sun release countersign release.json --out release-signed.json",
)
@release_command.command(name="countersign", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option("--out", type=click.Path(path_type=Path), required=True, zh="会签后的文件", en="the countersigned release")
def countersign(shell: Shell, path: Path, out: Path) -> None:
    """Countersign a release."""
    paper = read_paper(path, Kind.RELEASE)
    found = dealpapers.read_release(paper)
    reading.before_signing(shell, path, paper)
    with shell.house(acting=True) as house:
        signed = verbs.countersign_release(
            house, actor=shell.actor(house), deal=found.deal, release=paper, classes=found.classes
        )
    write_paper(out, signed)
    _show_release(shell, signed, out)


@speak(
    "转让方收回会签的放行书；此后可以写移交包。",
    "Seller: take the countersigned release back; a bundle may be written from now on.",
    "tigertally --as chen release accept release-signed.json",
)
@release_command.command(name="accept", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
def accept(shell: Shell, path: Path) -> None:
    """Accept a countersigned release."""
    paper = read_paper(path, Kind.RELEASE)
    deal = dealpapers.read_release(paper).deal
    with shell.house(acting=True) as house:
        verbs.accept_release(house, actor=shell.actor(house), deal=deal, release=paper)
    _show_release(shell, paper, None)


@speak(
    "写出移交包：封给受让方的密钥，附数量和默克尔根，签名；中断后可继续。--dry-run 只试写：数量、大小、会被拒收的。",
    "Write the bundle: sealed to the buyer's key, counted, rooted, signed; interrupted, run it again. --dry-run: "
    "counts, size, time, what would be refused; no data.",
    "tigertally --as chen bundle dea_01… --dry-run",
    "tigertally --as qian bundle dea_01… --out ./bundle",
)
@click.command(name="bundle", cls=SpeakingCommand)
@shared
@click.argument("deal")
@option("--out", type=click.Path(path_type=Path), zh="移交包目录", en="folder of the bundle")
@option("--dry-run", is_flag=True, zh="只试写，不写数据", en="write nothing; tell what would be written and refused")
def bundle_command(shell: Shell, deal: str, out: Path | None, *, dry_run: bool) -> None:
    """Write a bundle, or try it."""
    if dry_run:
        with shell.house(acting=True) as house, shell.progress() as progress:
            tried = trial.try_bundle(house, actor=shell.actor(house), deal=deal, progress=progress)
        _show_trial(shell, tried)
        return
    if out is None:
        raise click.UsageError(shell.text_of("请指定 --out 或 --dry-run", "name --out or --dry-run"))
    with shell.house(acting=True) as house, shell.progress() as progress:
        paper = verbs.bundle(house, actor=shell.actor(house), deal=deal, place=out, progress=progress)
    found = manifest.read(paper)
    data: Json = {
        "bundle": found.bundle,
        "folder": str(out),
        "subjects": found.subjects,
        "counts": dict(found.counts),
        "root": found.root.hex(),
        "parts": len(found.parts),
        "manifest": paper.digest,
    }

    def show(_: Console) -> None:
        shell.pairs(
            [
                (Text("移交包", "bundle"), out),
                (Text("客户", "customers"), found.subjects),
                (Text("值", "values"), sum(found.counts.values())),
                (Text("分片", "parts"), len(found.parts)),
                (Text("根", "root"), found.root.hex()[:16] + "…"),
            ]
        )

    shell.result(data, show)


def _show_trial(shell: Shell, tried: Trial) -> None:
    data: Json = {
        "subjects": tried.subjects,
        "counts": dict(tried.counts),
        "parts": tried.parts,
        "bytes": tried.sealed_bytes,
        "refused": [{"part": name, "code": code} for name, code in tried.refused],
        "seconds": round(tried.seconds),
    }

    def show(out: Console) -> None:
        shell.pairs(
            [
                (Text("客户", "customers"), tried.subjects),
                (Text("值", "values"), sum(tried.counts.values())),
                (Text("分片", "parts"), tried.parts),
                (Text("大小（字节）", "size, bytes"), f"{tried.sealed_bytes:,}"),
                (Text("用时（秒）", "seconds"), f"{tried.seconds:.1f}"),
                (Text("会被拒收的分片", "parts that would be refused"), len(tried.refused)),
            ]
        )
        for name, code in tried.refused:
            out.print(f"  {name}: {code}", markup=False)

    shell.result(data, show)


@speak(
    "受让方接收：先核验全部内容，再以自己的密钥重新加密入库，由自己的库重算根，签回执。",
    "Buyer: verify everything first, store under our own keys, recompute the root from our vault, sign the receipt.",
    "tigertally --as sun receive ./bundle --deal dea_01… --out receipt.json",
)
@click.command(name="receive", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option("--deal", required=True, zh="交易编号", en="the deal")
@option("--out", type=click.Path(path_type=Path), required=True, zh="回执文件", en="the receipt")
def receive_command(shell: Shell, path: Path, deal: str, out: Path) -> None:
    """Receive a bundle."""
    with shell.house(acting=True) as house, shell.progress() as progress:
        paper = verbs.receive(house, actor=shell.actor(house), deal=deal, place=path, progress=progress)
    write_paper(out, paper)
    _show_receipt(shell, paper, out)


def _show_receipt(shell: Shell, paper: Statement, out: Path) -> None:
    found = receipt.read(paper)
    data: Json = {
        "receipt": str(out),
        "bundle": found.bundle,
        "subjects": found.subjects,
        "counts": dict(found.counts),
        "root": found.root.hex(),
    }

    def show(_: Console) -> None:
        shell.pairs(
            [
                (Text("回执", "receipt"), out),
                (Text("客户", "customers"), found.subjects),
                (Text("值", "values"), sum(found.counts.values())),
                (Text("根（由受让方库重算）", "root (recomputed from the buyer's vault)"), found.root.hex()[:16] + "…"),
            ]
        )

    shell.result(data, show)


@speak(
    "转让方核验回执：与移交包逐项一致才收下。",
    "Seller: verify the receipt; it is kept only if every member matches the bundle.",
    "tigertally --as chen receipt receipt.json",
)
@click.command(name="receipt", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
def receipt_command(shell: Shell, path: Path) -> None:
    """Accept a receipt."""
    paper = read_paper(path, Kind.RECEIPT)
    deal = receipt.read(paper).deal
    with shell.house(acting=True) as house:
        verbs.accept_receipt(house, actor=shell.actor(house), deal=deal, receipt=paper)
    _show_receipt(shell, paper, path)


@speak(
    "销毁：不带 --plan 时列出将销毁什么及其摘要；带上摘要则执行（需要回执和两人），写出证书；中断后可继续。",
    "Destroy: without --plan, list what would be destroyed and its digest; with it, do it (receipt, two persons).",
    "tigertally --as chen destroy dea_01…",
    "tigertally --as chen destroy dea_01… --plan 4f0c… --out certificate.json",
)
@click.command(name="destroy", cls=SpeakingCommand)
@shared
@click.argument("deal")
@option("--plan", "approved", zh="已核对的计划摘要", en="digest of the plan you checked")
@option(
    "--keep-originals",
    is_flag=True,
    zh="不删除原始数据（写入证书的“未覆盖”）",
    en="keep the originals (the certificate says so)",
)
@option("--out", type=click.Path(path_type=Path), zh="证书文件", en="the certificate")
def destroy_command(shell: Shell, deal: str, approved: str | None, out: Path | None, *, keep_originals: bool) -> None:
    """Destroy, or show what would be destroyed."""
    if approved is None:
        with shell.house(acting=True) as house:
            plan = verbs.destruction_plan(house, actor=shell.actor(house), deal=deal, keep_originals=keep_originals)
        _show_plan(shell, plan)
        return
    if out is None:
        raise click.UsageError(shell.text_of("请用 --out 指定证书文件", "name the certificate with --out"))
    with shell.house(acting=True) as house, shell.progress() as progress:
        paper = verbs.destroy(house, actor=shell.actor(house), deal=deal, approved=approved, progress=progress)
    write_paper(out, paper)
    _show_certificate(shell, paper, out)


def _show_plan(shell: Shell, plan: DestructionPlan) -> None:
    data: Json = {
        "plan": plan.digest(),
        "ground": plan.ground.value,
        "subjects": plan.subjects,
        "values": dict(plan.values),
        "keys": [key.key for key in plan.keys],
        "copies": [{"place": item.place, "kind": item.kind.value, "fate": item.fate.value} for item in plan.copies],
        "not_covered": list(plan.not_covered),
    }

    def show(out: Console) -> None:
        shell.pairs(
            [
                (Text("计划摘要", "plan digest"), plan.digest()),
                (Text("客户", "customers"), plan.subjects),
                (Text("密钥", "keys"), len(plan.keys)),
            ]
        )
        rows = []
        for item in plan.copies:
            fate = Text("删除", "delete") if item.fate is Fate.DELETE else Text("保留", "keep")
            rows.append([item.kind.value, shell.text(fate), item.place])
        headings = (Text("副本", "copy"), Text("处理", "fate"), Text("位置", "place"))
        out.print(shell.table(None, headings, rows))
        out.print(shell.text_of("未覆盖：", "not covered:"))
        for line in plan.not_covered:
            out.print(f"  · {line}", markup=False)

    shell.result(data, show)


@speak("销毁证书：核实并会签、保存。", "The certificate: validate and sign, keep.")
@click.group(name="certificate", cls=SpeakingGroup)
def certificate_command() -> None:
    """Group the commands about certificates."""


def _show_certificate(shell: Shell, paper: Statement, out: Path) -> None:
    found = certificates.read(paper)
    data: Json = {
        "certificate": str(out),
        "deal": found.deal,
        "ground": found.ground.value,
        "subjects": found.subjects,
        "rows": dict(found.rows),
        "keys": len(found.keys),
        "copies": [{"place": item.place, "verified": item.verified} for item in found.copies],
        "failed_opening": found.failed_opening,
        "not_covered": list(found.not_covered),
        "signatures": len(paper.signatures),
    }

    def show(_: Console) -> None:
        shell.pairs(
            [
                (Text("证书", "certificate"), out),
                (Text("客户", "customers"), found.subjects),
                (Text("删除的行", "rows deleted"), sum(found.rows.values())),
                (Text("销毁的密钥", "keys destroyed"), len(found.keys)),
                (Text("删除的副本（已核实）", "copies deleted (verified)"), sum(c.verified for c in found.copies)),
                (
                    Text("留存密文已无法解开", "a sealed value kept aside no longer opens"),
                    "✓" if found.failed_opening else "✗",
                ),
                (Text("未覆盖", "not covered"), len(found.not_covered)),
                (Text("签名", "signatures"), len(paper.signatures)),
            ]
        )

    shell.result(data, show)


@speak(
    "受让方核实证书并会签。",
    "The other side: validate the certificate and sign it too.",
    "tigertally --as sun certificate validate certificate.json --out certificate-signed.json",
)
@certificate_command.command(name="validate", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
@option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    zh="会签后的证书",
    en="the certificate with both signatures",
)
def validate(shell: Shell, path: Path, out: Path) -> None:
    """Validate a certificate."""
    paper = read_paper(path, Kind.CERTIFICATE)
    deal = certificates.read(paper).deal
    reading.before_signing(shell, path, paper)
    with shell.house(acting=True) as house:
        signed = verbs.validate_certificate(house, actor=shell.actor(house), deal=deal, certificate=paper)
    write_paper(out, signed)
    _show_certificate(shell, signed, out)


@speak(
    "保存对方会签后的证书。",
    "Keep our certificate with the other side's signature.",
    "tigertally --as chen certificate keep certificate-signed.json",
)
@certificate_command.command(name="keep", cls=SpeakingCommand)
@shared
@click.argument("path", type=click.Path(path_type=Path))
def keep(shell: Shell, path: Path) -> None:
    """Keep a countersigned certificate."""
    paper = read_paper(path, Kind.CERTIFICATE)
    deal = certificates.read(paper).deal
    with shell.house(acting=True) as house:
        verbs.keep_certificate(house, actor=shell.actor(house), deal=deal, certificate=paper)
    _show_certificate(shell, paper, path)
