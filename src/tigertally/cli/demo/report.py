"""What a person reads after the demo: a summary on the screen, and a page.

Both are made from what the commands said; the page is self-contained (no script, no outside resource) and holds
counts, masked values and paths only.
"""

from __future__ import annotations

from collections import Counter
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from tigertally.base.canon import Json
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.text import Text
from tigertally.cli.demo.play import BUYER, SELLER, Story, count_of
from tigertally.cli.demo.stage import Stage


def rows_of(stage: Stage, story: Story) -> list[tuple[str, str]]:
    """Return the summary: what, and how much."""
    lang = stage.lang
    found = [
        f"{FIELD_RULES[cls].title.render(lang)} {count_of(story.found, cls)}"
        for cls in FieldClass
        if count_of(story.found, cls)
    ]
    copies = story.certificate.get("copies")
    deleted = len(copies) if isinstance(copies, list) else 0
    facts = (
        (Text("发现", "found"), ", ".join(found)),
        (
            Text("封存", "sealed"),
            Text("{s} 名客户，{v} 个值", "{s} customers, {v} values").render(
                lang, s=_int(story.sealed, "subjects"), v=_int(story.sealed, "new_fields")
            ),
        ),
        (
            Text("受保护副本", "protected copy"),
            Text("{o} 个文件，再扫描得卡号 {n}", "{o} files; scanned again: {n} card numbers").render(
                lang, o=_int(story.protected, "objects"), n=count_of(story.rescanned, FieldClass.PAN)
            ),
        ),
        (
            Text("受让方收到", "the buyer got"),
            Text("{s} 名客户，根 {r}…", "{s} customers, root {r}…").render(
                lang, s=_int(story.received, "subjects"), r=str(story.received.get("root"))[:16]
            ),
        ),
        (
            Text("转让方销毁", "the seller destroyed"),
            Text(
                "{k} 个密钥，{c} 份副本，留存密文已打不开", "{k} keys, {c} copies; a value kept aside no longer opens"
            ).render(lang, k=_int(story.certificate, "keys"), c=deleted),
        ),
        (
            Text("离线核验", "verified offline"),
            ", ".join(f"{name} {'✓' if said.get('ok') is True else '✗'}" for name, said in story.verified),
        ),
    )
    return [(name.render(lang), value) for name, value in facts]


def summary(stage: Stage, story: Story, *, seconds: float, page: Path) -> None:
    """Draw the summary on the screen."""
    lang = stage.lang
    title = Text("发生了什么", "What happened").render(lang)
    stage.console.print(f"\n[bold]{title}[/bold]")
    for name, value in rows_of(stage, story):
        stage.console.print(f"  {name}：{value}" if lang.value == "zh" else f"  {name}: {value}", markup=False)
    where = Text("{n} 条命令，{s} 秒。到这里看：", "{n} commands in {s} s. Where to look:")
    stage.console.print("\n" + where.render(lang, n=len(stage.lines), s=round(seconds)))
    for path, what in ((page, Text("报告", "the report").render(lang)), *places_of(stage)):
        stage.console.print(f"  {path}  {what}", markup=False)


def places_of(stage: Stage) -> list[tuple[Path, str]]:
    """Return where to look: paths that are there when the demo has ended, and what each is."""
    places = (
        ("inventory.json", Text("查到了什么、在哪里（掩码）", "what was found and where (masked)")),
        ("exchange", Text("双方之间往来的文件（签名、移交包、证书）", "everything that passed between the two")),
        ("seller", Text("转让方的安装实例（已无客户数据）", "the seller's installation (no customers left)")),
        ("buyer", Text("受让方的安装实例", "the buyer's installation")),
    )
    return [(stage.out / name, what.render(stage.lang)) for name, what in places if (stage.out / name).exists()]


def found_by_object(stage: Stage, story: Story) -> list[tuple[str, str]]:
    """Return each object that holds something, and how many values of each class are certain or likely in it."""
    findings = story.found.get("findings")
    counted: dict[str, Counter[FieldClass]] = {}
    for one in findings if isinstance(findings, list) else ():
        if isinstance(one, dict) and one["tier"] != "possible":
            counts = counted.setdefault(str(one["object"]), Counter())
            counts[FieldClass(str(one["class"]))] += _int(one, "count")
    return [
        (
            name,
            ", ".join(
                f"{FIELD_RULES[cls].title.render(stage.lang)} {counts[cls]}" for cls in FieldClass if counts[cls]
            ),
        )
        for name, counts in sorted(counted.items())
    ]


def render(stage: Stage, story: Story, *, seconds: float) -> str:
    """Return the page."""
    template = resources.files("tigertally.data").joinpath("templates", "demo.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    lang = stage.lang
    acts: list[dict[str, object]] = []
    for line in stage.lines:
        title = line.act.render(lang)
        if not acts or acts[-1]["title"] != title:
            acts.append({"title": title, "lines": []})
        lines = acts[-1]["lines"]
        if isinstance(lines, list):
            lines.append(line)
    words = {
        "title": Text("虎符演示报告", "Tigertally demo report"),
        "story": Text(
            "{seller} 转让给 {buyer}。两方各有自己的安装实例、数据库和根密钥，之间只传递 exchange/ 里的文件。",
            "{seller} is sold to {buyer}. Each has an installation, a database and a root key of its own;"
            " only the files in exchange/ passed between them.",
        ),
        "what": Text("结果", "Outcome"),
        "where": Text("到哪里看", "Where to look"),
        "files": Text("逐个文件查到的", "Found, file by file"),
        "checks": Text("离线核验", "Verified offline"),
        "left": Text("证书声明未覆盖的", "What the certificate says was not covered"),
        "commands": Text("每一条命令", "Every command"),
        "measures": Text("二十项措施（受让方，现在）", "The twenty measures (buyer, now)"),
        "seconds": Text("用时 {s} 秒", "{s} seconds"),
    }
    rendered = {
        name: text.render(lang, seller=SELLER.render(lang), buyer=BUYER.render(lang), s=round(seconds))
        for name, text in words.items()
    }
    return environment.from_string(template).render(
        lang="zh-CN" if lang.value == "zh" else "en",
        words=rendered,
        rows=rows_of(stage, story),
        places=[(str(path), what) for path, what in places_of(stage)],
        files=found_by_object(stage, story),
        verified=[(name, said.get("checks", [])) for name, said in story.verified],
        not_covered=story.certificate.get("not_covered", []),
        measures=story.measures.get("measures", []),
        acts=acts,
        pasting=story.pasting,
    )


def _int(result: dict[str, Json], name: str) -> int:
    value = result.get(name, 0)
    return value if isinstance(value, int) else 0
