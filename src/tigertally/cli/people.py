"""``people`` (add, list, roles, disable, train, screen, pledge, freeze)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from tigertally import people as wing
from tigertally.access import Person, Role
from tigertally.access.titles import ROLE_TITLES
from tigertally.app.errors import NotReadable
from tigertally.app.verbs import identity
from tigertally.app.verbs import people as verbs
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.errors import Refused
from tigertally.base.text import Text
from tigertally.cli.base import Shell, shared
from tigertally.cli.devicelist import show_devices
from tigertally.cli.enrol import show_code
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.people import FreezeReason, Quiz, Screening

_FAILED_EXIT: Final = 3
_ROLES = tuple(role.value for role in Role)


_TRY_AGAIN: Final = Text(
    "以上题目答错了；重读后再试，今天还可以错 {left} 次",
    "these were not right; read up on them and try again: {left} more failures are allowed today",
)


class PledgeDeclined(Refused):
    """The pledge was read and not agreed to."""

    code = "cli.pledge_declined"
    title = Text("没有签署承诺，未记录任何内容", "the pledge was not signed; nothing was recorded")
    hint = Text(
        "不签署就不能查看、封存或移交；有疑问请找合规审批人",
        "without it nothing may be looked up, sealed or handed over; ask a compliance officer if something is unclear",
    )


@speak(
    "人员：增加、角色、停用、培训、背景审查、保密承诺、冻结。",
    "People: add, roles, disable, training, screening, pledge, freeze.",
)
@click.group(name="people", cls=SpeakingGroup)
def people_command() -> None:
    """Group the commands about people."""


def _person(person: Person) -> dict[str, Json]:
    return {"person": person.person, "handle": person.handle, "roles": sorted(role.value for role in person.roles)}


@speak(
    "增加人员，得到只用一次的登记码；口令和第二因素由本人用 tigertally enrol 设定，他人看不到。\n"
    "角色：lead 负责人，officer 合规审批人，custodian 保管员，operator 操作员，auditor 审计员。",
    "Add a person and get a code that works once; with it they enrol (tigertally enrol), and nobody else sees their "
    "passphrase or second factor.\n"
    "Roles: lead, officer (approves), custodian (scans, seals), operator (looks up), auditor.",
    "tigertally --as chen people add wang --roles officer",
)
@people_command.command(name="add", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--roles", required=True, zh="角色，逗号分隔", en="roles, comma-separated")
def add(shell: Shell, name: str, roles: str) -> None:
    """Add a person."""
    wanted = _roles(roles)
    with shell.house(acting=True) as house:
        made = verbs.add_person(house, actor=shell.actor(house), handle=name, roles=wanted)

    def show(out: Console) -> None:
        out.print(shell.text_of("已增加 {name}", "{name} was added", name=name), markup=False)

    show_code(shell, invited=made, data=_person(made.person), show=show)


@speak(
    "重置某人：口令、第二因素、恢复码和会话全部作废，得到新的登记码。",
    "Reset somebody: passphrase, second factor, recovery codes and sessions end, and there is a new enrolment code.",
    "tigertally --as chen people reset zhao",
)
@people_command.command(name="reset", cls=SpeakingCommand)
@shared
@click.argument("name")
def reset(shell: Shell, name: str) -> None:
    """Reset a person."""
    with shell.house(acting=True) as house:
        made = identity.reset(house, actor=shell.actor(house), handle=name)

    def show(out: Console) -> None:
        out.print(shell.text_of("已重置 {name}", "{name} was reset", name=name), markup=False)

    show_code(shell, invited=made, data=_person(made.person), show=show)


@speak(
    "某人在哪里登录、用什么登录；--end 结束其中一个会话或通行密钥，或 all 结束全部会话（例如设备丢失）。",
    "Where somebody is signed in and with what; --end ends a session or a passkey of theirs, or all sessions (a lost "
    "device, say).",
    "tigertally --as chen people devices zhao",
    "tigertally --as chen people devices zhao --end all",
)
@people_command.command(name="devices", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--end", "ending", default="", zh="要结束的编号，或 all", en="id of what to end, or all")
def devices(shell: Shell, name: str, ending: str) -> None:
    """Show or end somebody's sessions and factors."""
    with shell.house(acting=True) as house:
        found, ended = identity.devices_of(house, actor=shell.actor(house), handle=name, end=ending)
    show_devices(shell, found, ended=ended if ending else None)


def _roles(spelled: str) -> set[Role]:
    wanted = {item.strip() for item in spelled.split(",") if item.strip()}
    if not wanted or not wanted <= set(_ROLES):
        raise click.BadParameter(", ".join(_ROLES), param_hint="--roles")
    return {Role(item) for item in wanted}


@speak("列出人员。", "List people.", "tigertally people list")
@people_command.command(name="list", cls=SpeakingCommand)
@shared
def list_people(shell: Shell) -> None:
    """List people."""
    with shell.house() as house:
        found = verbs.everybody(house)
    data: Json = [_person(person) for person in found]

    def show(out: Console) -> None:
        rows = []
        for person in found:
            titles = [shell.text(ROLE_TITLES[role]) for role in sorted(person.roles, key=lambda role: role.value)]
            rows.append([person.handle, ", ".join(titles), person.person])
        out.print(shell.table(None, (Text("用户名", "name"), Text("角色", "roles"), Text("编号", "id")), rows))

    shell.result(data, show)


@speak(
    "更换角色，下一次决定即生效。",
    "Replace roles; the next decision uses them.",
    "tigertally --as chen people roles zhao --roles operator,custodian",
)
@people_command.command(name="roles", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--roles", required=True, zh="角色，逗号分隔", en="roles, comma-separated")
def change_roles(shell: Shell, name: str, roles: str) -> None:
    """Replace roles."""
    wanted = _roles(roles)
    with shell.house(acting=True) as house:
        person = verbs.change_roles(house, actor=shell.actor(house), handle=name, roles=wanted)
    shell.result(_person(person), lambda out: out.print(f"{person.handle}: {roles}", markup=False))


@speak(
    "停用（离职）：会话、授权、登记码和恢复码立即作废；接触过密钥的，留下更换密钥的义务（glass list）。",
    "Disable a person who leaves: sessions, grants and codes end at once; of who could get at keys a duty is left to "
    "replace them (glass list).",
    "tigertally --as chen people disable zhao",
)
@people_command.command(name="disable", cls=SpeakingCommand)
@shared
@click.argument("name")
def disable(shell: Shell, name: str) -> None:
    """Disable a person."""
    with shell.house(acting=True) as house:
        left = verbs.disable(house, actor=shell.actor(house), handle=name)
    told = shell.text_of("{name} 已停用", "{name} is disabled", name=name)
    data: dict[str, Json] = {
        "handle": name,
        "disabled": True,
        "sessions": left.sessions,
        "grants": left.grants,
        "replace_keys": left.replace_keys,
    }
    shell.result(data, lambda out: out.print(told, markup=False))


@speak(
    "权限复核（每半年）：不带姓名列出各行；确认保留某人须给出该行的校验码，看过才知道。到期无人复核，权限自动停止。",
    "Review access (every half year): without a name, list the rows; to keep somebody's access, give the code of their "
    "row, which only who looks at it knows. What nobody reviews in time ends by itself.",
    "tigertally people review",
    "tigertally --as wang people review zhao --keep 1f3a9c0b7d2e",
)
@people_command.command(name="review", cls=SpeakingCommand)
@shared
@click.argument("name", required=False)
@option("--keep", "digest", default="", zh="保留其权限：该行的校验码", en="keep the access: the code of the row")
def review(shell: Shell, name: str | None, digest: str) -> None:
    """Review access."""
    if (name is None) is not (not digest):
        raise click.BadParameter("NAME --keep CODE", param_hint="--keep")
    with shell.house(acting=name is not None) as house:
        entry = None if name is None else verbs.keep(house, actor=shell.actor(house), handle=name, digest=digest)
        rows = verbs.review(house)
    data: Json = [
        {
            "handle": row.handle,
            "roles": [*row.roles],
            "grants": row.grants,
            "seen": None if row.seen is None else clock.to_text(row.seen),
            "until": None if row.until is None else clock.to_text(row.until),
            "row": row.digest,
        }
        for row in rows
    ]

    def show(out: Console) -> None:
        if entry is not None:
            out.print(shell.text_of("已复核，台账第 {entry} 条", "reviewed, ledger entry {entry}", entry=entry))
        lines = [
            [
                row.handle,
                ", ".join(row.roles),
                str(row.grants),
                "" if row.seen is None else clock.to_text(row.seen)[:10],
                "✗" if row.until is None else clock.to_text(row.until)[:10],
                row.digest,
            ]
            for row in rows
        ]
        headings = (
            Text("用户名", "name"),
            Text("角色", "roles"),
            Text("授权", "grants"),
            Text("上次登录", "last seen"),
            Text("有效至", "until"),
            Text("校验码", "code"),
        )
        out.print(shell.table(None, headings, lines))

    shell.result(data, show)


@speak(
    "培训测验：通过后记入台账，到期失效；没有“标记完成”。\n用于脚本：--questions 打印题目，--answers FILE 交卷。",
    'The training quiz: a pass goes into the ledger and expires; there is no "mark complete".\n'
    "For scripts: --questions prints the questions as JSON; hand in with --answers FILE.",
    "tigertally --as zhao people train",
)
@people_command.command(name="train", cls=SpeakingCommand)
@shared
@option(
    "--answers",
    type=click.Path(path_type=Path),
    zh="答案文件（JSON：题目编号 → 选项文字列表）",
    en="answers (JSON: question id → list of option texts)",
)
@option("--questions", is_flag=True, zh="只列出题目（JSON）", en="only list the questions (JSON)")
def train(shell: Shell, answers: Path | None, *, questions: bool) -> None:
    """Take the quiz."""
    drawn = verbs.quiz()
    if questions:
        listed: Json = [
            {
                "id": item.id,
                "text": shell.text(item.text),
                "options": [shell.text(choice.text) for choice in item.options],
            }
            for item in drawn.questions
        ]
        click.echo(json.dumps(listed, ensure_ascii=False, indent=2))
        return
    chosen = _ask(shell, drawn) if answers is None else _from_file(drawn, answers)
    with shell.house(acting=True) as house:
        grade = verbs.train(house, actor=shell.actor(house), drawn=drawn, answers=chosen)
    missed = [shell.text(question.text) for question in grade.missed]
    data: dict[str, Json] = {
        "passed": grade.passed,
        "score": grade.score,
        "missed": list(missed),
        "tries_left": grade.tries_left,
    }

    def show(out: Console) -> None:
        verdict = (
            Text("合格，得分 {score}", "passed, score {score}")
            if grade.passed
            else Text("不合格，得分 {score}", "not passed, score {score}")
        )
        out.print(shell.text(verdict, score=grade.score), style="green" if grade.passed else "red")
        for text in missed:
            out.print(f"  ✗ {text}", markup=False)
        if not grade.passed:
            out.print(shell.text(_TRY_AGAIN, left=grade.tries_left), markup=False)

    shell.result(data, show)
    if not grade.passed:
        click.get_current_context().exit(_FAILED_EXIT)


def _ask(shell: Shell, drawn: Quiz) -> list[set[int]]:
    chosen = []
    for number, question in enumerate(drawn.questions, start=1):
        shell.err.print(f"\n{number}. {shell.text(question.text)}", markup=False)
        for position, choice in enumerate(question.options, start=1):
            shell.err.print(f"   {position}) {shell.text(choice.text)}", markup=False)
        given = click.prompt(shell.text_of("选项（多选用逗号）", "options (commas between several)"), err=True)
        chosen.append({int(item) - 1 for item in str(given).split(",") if item.strip().isdigit()})
    return chosen


def _from_file(drawn: Quiz, path: Path) -> list[set[int]]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None
    except ValueError:
        raise NotReadable(path=path, reason="JSON") from None
    chosen: list[set[int]] = []
    for question in drawn.questions:
        wanted = given.get(question.id, []) if isinstance(given, dict) else []
        texts = [{choice.text.zh, choice.text.en} for choice in question.options]
        chosen.append({at for at, spelled in enumerate(texts) if spelled & set(map(str, wanted))})
    return chosen


@speak(
    "登记另一人的背景审查结果（只存结果和日期）。",
    "Record another person's screening (outcome and date only).",
    "tigertally --as chen people screen zhao --outcome pass",
)
@people_command.command(name="screen", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--outcome", required=True, type=click.Choice([item.value for item in Screening]), zh="结果", en="the outcome")
def screen(shell: Shell, name: str, outcome: str) -> None:
    """Record a screening."""
    with shell.house(acting=True) as house:
        entry = verbs.screen(house, actor=shell.actor(house), handle=name, outcome=Screening(outcome))
    told = shell.text_of("已登记，台账第 {entry} 条", "recorded, ledger entry {entry}", entry=entry)
    shell.result({"handle": name, "outcome": outcome, "entry": entry}, lambda out: out.print(told))


@speak(
    "阅读并签署保密承诺；文本更新后需要重新签署。",
    "Read and sign the confidentiality pledge; a new text has to be signed again.",
    "tigertally --as zhao people pledge",
    "tigertally --as zhao people pledge --yes",
)
@people_command.command(name="pledge", cls=SpeakingCommand)
@shared
@option("--yes", "agreed", is_flag=True, zh="已阅读并同意", en="I have read it and agree")
def pledge(shell: Shell, *, agreed: bool) -> None:
    """Sign the pledge."""
    text = wing.current_pledge()
    if not agreed:
        shell.err.print(shell.text(text.text), markup=False)
        if not click.confirm(shell.text_of("我已阅读并同意", "I have read this and agree"), err=True):
            raise PledgeDeclined
    with shell.house(acting=True) as house:
        entry = verbs.pledge(house, actor=shell.actor(house), digest=text.digest)
    told = shell.text_of("已签署，台账第 {entry} 条", "signed, ledger entry {entry}", entry=entry)
    shell.result({"digest": text.digest, "version": text.version, "entry": entry}, lambda out: out.print(told))


@speak(
    "冻结另一人：此后一切决定皆为否。",
    "Freeze another person: every decision is no from now on.",
    "tigertally --as wang people freeze zhao --reason investigation",
)
@people_command.command(name="freeze", cls=SpeakingCommand)
@shared
@click.argument("name")
@option("--reason", required=True, type=click.Choice([item.value for item in FreezeReason]), zh="原因", en="why")
def freeze(shell: Shell, name: str, reason: str) -> None:
    """Freeze a person."""
    with shell.house(acting=True) as house:
        entry = verbs.freeze(house, actor=shell.actor(house), handle=name, reason=FreezeReason(reason))
    told = shell.text_of("{name} 已冻结", "{name} is frozen", name=name)
    shell.result({"handle": name, "entry": entry}, lambda out: out.print(told, markup=False))


@speak("解除冻结。", "Lift a freeze.", "tigertally --as wang people unfreeze zhao")
@people_command.command(name="unfreeze", cls=SpeakingCommand)
@shared
@click.argument("name")
def unfreeze(shell: Shell, name: str) -> None:
    """Lift a freeze."""
    with shell.house(acting=True) as house:
        entry = verbs.unfreeze(house, actor=shell.actor(house), handle=name)
    told = shell.text_of("{name} 已解冻", "{name} is no longer frozen", name=name)
    shell.result({"handle": name, "entry": entry}, lambda out: out.print(told, markup=False))
