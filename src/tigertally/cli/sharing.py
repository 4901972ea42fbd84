"""``custody split|open|close|proofs|reshare``: a root key in shares, as the installation whose key it is sees it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text as Cell

from tigertally.app.verbs import holding
from tigertally.app.verbs import sharing as verbs
from tigertally.app.verbs.sharing import Draft, Holding
from tigertally.base.canon import Json
from tigertally.base.errors import Invalid
from tigertally.base.text import Text
from tigertally.cli.base import NobodyActs, Shell, shared, styled
from tigertally.cli.holding import PATH, a_seat
from tigertally.cli.language import SpeakingCommand, SpeakingGroup, option, speak
from tigertally.cli.papers import read_paper, write_paper
from tigertally.formats import share as share_format
from tigertally.formats import shareset
from tigertally.formats.shareset import Group, Holder, Rule
from tigertally.formats.statement import Kind


class BadDraft(Invalid):
    """A ``--group``, ``--holder`` or ``--rule`` that cannot be."""

    code = "cli.bad_draft"
    title = Text("{what} 写法不对：{given}", "{what} is not right: {given}")
    hint = Text(
        "--group 组名:所需人数，--holder 组名:姓名[=名片文件]，--rule 阶段:组名",
        "--group NAME:NEED, --holder GROUP:NAME[=CARD FILE], --rule STAGE:GROUP",
    )


def drafted(command: Callable[..., object]) -> Callable[..., object]:
    """Add the options that say who is to hold."""
    for add in (
        option("--deal", default="", zh="规则所指的交易", en="the deal whose stage the rules speak of"),
        option("--rule", "rules", multiple=True, zh="自某阶段起必须参加：S7:buyer", en="who must take part: S7:buyer"),
        option(
            "--holder",
            "holders",
            multiple=True,
            required=True,
            zh="持有人：组名:姓名[=名片文件]，按席位顺序（可多次）",
            en="a holder: GROUP:NAME[=CARD FILE], in the order of seats (repeatable)",
        ),
        option(
            "--group",
            "groups",
            multiple=True,
            required=True,
            zh="组：组名:所需人数，按组号顺序（可多次）",
            en="a group: NAME:NEED, in the order of numbers (repeatable)",
        ),
        option("--need", type=int, required=True, zh="所需组数", en="how many groups are needed"),
    ):
        command = add(command)
    return command


def draft_of(
    shell: Shell, *, need: int, groups: tuple[str, ...], holders: tuple[str, ...], rules: tuple[str, ...], deal: str
) -> Draft:
    """Return the draft of the options. Raises :class:`BadDraft`.

    A holder's card is signed by nobody: its fingerprint is told, for people to compare. The first run of an act of
    two persons ends before anything is sealed, so they see it in time.
    """
    needs: dict[str, int] = {}
    for text in groups:
        name, _, count = text.partition(":")
        if not name or name in needs or not count.isdecimal():
            raise BadDraft(what="--group", given=text)
        needs[name] = int(count)
    members: dict[str, list[Holder]] = {name: [] for name in needs}
    for text in holders:
        name, _, rest = text.partition(":")
        who, _, card = rest.partition("=")
        if name not in members or not who:
            raise BadDraft(what="--holder", given=text)
        found = holding.read_holder(Path(card)) if card else None
        members[name].append(Holder(name=who, key=found.key if found else None))
        if found:
            shell.say("{who} 的名片，请与本人核对指纹：", "{who}'s card, compare its fingerprint with them:", who=who)
            if not shell.as_json:  # by itself: in a sentence its digits would be masked as a card's
                shell.err.print(found.fingerprint(), markup=False)
    wanted = []
    for text in rules:
        stage, _, name = text.partition(":")
        if name not in needs:
            raise BadDraft(what="--rule", given=text)
        wanted.append(Rule(stage=stage, group=name))
    made = tuple(Group(name=name, need=count, holders=tuple(members[name])) for name, count in needs.items())
    return Draft(need=need, groups=made, rules=tuple(wanted), deal=deal)


@speak(
    "根密钥仪式：生成新的根密钥，分成份额交给各方持有人，所有密钥改由它包裹；需要两人。",
    "The ceremony: a new root key, in shares for the holders of every party; all keys are wrapped by it. Two persons.",
    "tigertally --as chen custody split --need 2 --group seller:1 --group buyer:1 --group escrow:1"
    " --holder seller:chen --holder buyer:sun=sun.json --holder escrow:notary=notary.json"
    " --rule S7:buyer --deal dea_01… --out ./shares",
)
@click.command(name="split", cls=SpeakingCommand)
@shared
@drafted
@option("--out", type=PATH, required=True, zh="份额文件写到（新文件夹）", en="new folder for the holders' files")
def split_command(
    shell: Shell,
    *,
    need: int,
    groups: tuple[str, ...],
    holders: tuple[str, ...],
    rules: tuple[str, ...],
    deal: str,
    out: Path,
) -> None:
    """Deal shares."""
    draft = draft_of(shell, need=need, groups=groups, holders=holders, rules=rules, deal=deal)
    with shell.house(acting=True) as house, shell.progress() as progress:
        paper = verbs.deal_shares(house, actor=shell.actor(house), draft=draft, out=out, progress=progress)
        before = house.settings.keeper
    terms = shareset.read_set(paper).terms
    data: dict[str, Json] = {
        "set": terms.set,
        "epoch": terms.epoch,
        "digest": paper.digest,
        "out": str(out),
        "holders": [terms.title(seat) for seat in terms.structure.seats],
    }

    def show(_: Console) -> None:
        shell.pairs([(Text("份额", "set"), terms.set), (Text("文件夹", "folder"), out)])

    shell.result(data, show)
    shell.say(
        "把 shares.json 发给每位持有人；*.sealed.json 交给其本人；*.share 打印成页（custody sheet）后删除。"
        "每位持有人应核对（custody check）并证明（custody prove）。根密钥现已关闭：custody open。",
        "Send shares.json to every holder and each *.sealed.json to its own; print each *.share (custody sheet), then"
        " delete it. Every holder checks theirs (custody check) and proves it (custody prove). Custody is closed now:"
        " custody open.",
    )
    shell.say(
        "旧的保管处（{place}）仍能打开此前的数据库备份：销毁旧备份后再销毁它。",
        "The old keeper ({place}) still opens backups of the database made before: destroy those, then it.",
        place=before.place,
    )


@speak(
    "召集足够的持有人，开启根密钥；本次开启用新的口令保护，直到关闭。",
    "Gather enough holders and open the root key, under a passphrase of its own until it is closed.",
    "tigertally --as chen custody open --share seller-1.share --share buyer-1.share",
    "tigertally --as chen custody open --share seller-1.share --words 1",
)
@click.command(name="open", cls=SpeakingCommand)
@shared
@option("--share", "files", type=PATH, multiple=True, zh="份额文件（可多次）", en="a share's file (repeatable)")
@option("--words", type=int, default=0, zh="另有几份由持有人输入词语", en="how many more are typed as words")
def open_command(shell: Shell, *, files: tuple[Path, ...], words: int) -> None:
    """Open custody."""
    if not shell.handle:
        raise NobodyActs
    given = [holding.read_share(path) for path in files]
    for number in range(words):
        typed = shell.secret(
            file=None, zh=f"第 {number + 1} 位持有人：依次输入 52 个词", en=f"holder {number + 1}: type the 52 words"
        )
        given.append(share_format.from_words(typed))
    passphrase = shell.secret(
        file=shell.unlock_file, zh="设定本次开启的口令", en="choose the passphrase of this opening", confirm=True
    )
    opened = verbs.open_custody(
        shell.home,
        given=given,
        passphrase=passphrase,
        handle=shell.handle,
        token=shell.session_token(),
        clock=shell.clock,
    )
    titles = [opened.terms.title(seat) for seat in opened.seats]
    data: dict[str, Json] = {
        "set": opened.terms.set,
        "epoch": opened.terms.epoch,
        "stage": opened.stage,
        "holders": titles,
    }
    told = shell.text_of("已开启：{who}", "open: {who}", who=", ".join(titles))
    shell.result(data, lambda out: out.print(told, markup=False))


@speak(
    "关闭根密钥，直到再次召集持有人。",
    "Close the root key until holders come again.",
    "tigertally --as chen custody close",
)
@click.command(name="close", cls=SpeakingCommand)
@shared
def close_command(shell: Shell) -> None:
    """Close custody."""
    with shell.house(acting=True) as house:
        verbs.close_custody(house, actor=shell.actor(house))
    told = shell.text_of("已关闭", "closed")
    shell.result({"closed": True}, lambda out: out.print(told))


@speak(
    "核对各持有人的持有证明，记入台账；列出谁还没有证明。",
    "Check the holders' proofs and record them in the ledger; say who has not proved theirs.",
    "tigertally --as chen custody proofs a.proof.json b.proof.json",
)
@click.command(name="proofs", cls=SpeakingCommand)
@shared
@click.argument("proofs", type=PATH, nargs=-1, required=True)
def proofs_command(shell: Shell, *, proofs: tuple[Path, ...]) -> None:
    """Record proofs of holding."""
    given = [holding.read_proof(path) for path in proofs]
    with shell.house(acting=True) as house:
        found = verbs.record_holdings(house, actor=shell.actor(house), proofs=given)
    _show_holdings(shell, found)


def _show_holdings(shell: Shell, found: list[Holding]) -> None:
    data: Json = [{"seat": shareset.spell_seat(one.seat), "holder": one.title, "proved": one.proved} for one in found]

    def show(out: Console) -> None:
        looks = {True: (Text("已证明", "proved"), "green"), False: (Text("未证明", "not proved"), "red")}
        rows: list[list[str | Cell]] = []
        for one in found:
            word, look = looks[one.proved]
            rows.append([shareset.spell_seat(one.seat), one.title, styled(shell.text(word), look)])
        out.print(shell.table(None, (Text("席位", "seat"), Text("持有人", "holder"), Text("状态", "state")), rows))

    shell.result(data, show)


@speak(
    "重新分发份额：换人、换组，秘密从不汇集一处。",
    "Pass shares on: other holders, other groups; the secret is nowhere whole.",
)
@click.group(name="reshare", cls=SpeakingGroup)
def reshare_command() -> None:
    """Group the commands about passing shares on."""


@speak(
    "写出重新分发方案：谁来拆分、新持有人是谁（每人都要有名片）；需要两人。",
    "Write the plan: who deals, who is to hold (each with a card); two persons.",
    "tigertally --as chen custody reshare plan --from 1.1 --from 3.1 --need 2 --group buyer:1 --group escrow:1"
    " --holder buyer:sun=sun.json --holder escrow:notary=notary.json --out plan.json",
)
@reshare_command.command(name="plan", cls=SpeakingCommand)
@shared
@option("--from", "givers", multiple=True, required=True, zh="拆分者席位（可多次）", en="a dealer's seat (repeatable)")
@drafted
@option("--out", type=PATH, required=True, zh="方案写到", en="where the plan goes")
def plan_reshare(
    shell: Shell,
    *,
    givers: tuple[str, ...],
    need: int,
    groups: tuple[str, ...],
    holders: tuple[str, ...],
    rules: tuple[str, ...],
    deal: str,
    out: Path,
) -> None:
    """Plan a redistribution."""
    draft = draft_of(shell, need=need, groups=groups, holders=holders, rules=rules, deal=deal)
    seats = [a_seat(text) for text in givers]
    with shell.house(acting=True) as house:
        paper = verbs.plan_reshare(house, actor=shell.actor(house), draft=draft, givers=seats)
    write_paper(out, paper)
    told = shell.text_of("方案：{out}；下一步：custody give", "plan: {out}; next: custody give", out=out)
    shell.result({"plan": str(out), "digest": paper.digest}, lambda shown: shown.print(told, markup=False))


@speak(
    "收齐分发文件，签署新一轮份额说明；旧份额从此打不开这里；需要两人。",
    "Take all dealings, sign the next set; the old shares open nothing here from then on. Two persons.",
    "tigertally --as chen custody reshare finish plan.json a.dealing.json b.dealing.json --out shares.json",
)
@reshare_command.command(name="finish", cls=SpeakingCommand)
@shared
@click.argument("plan_file", type=PATH)
@click.argument("dealings", type=PATH, nargs=-1, required=True)
@option("--out", type=PATH, required=True, zh="新份额说明写到", en="where the next set goes")
def finish_reshare(shell: Shell, *, plan_file: Path, dealings: tuple[Path, ...], out: Path) -> None:
    """Finish a redistribution."""
    plan, given = read_paper(plan_file, Kind.RESHARE), [holding.read_dealing(path) for path in dealings]
    with shell.house(acting=True) as house:
        paper = verbs.finish_reshare(house, actor=shell.actor(house), paper=plan, dealings=given)
    write_paper(out, paper)
    terms = shareset.read_set(paper).terms
    data: dict[str, Json] = {"set": terms.set, "epoch": terms.epoch, "digest": paper.digest, "out": str(out)}
    told = shell.text_of("第 {epoch} 轮：{out}", "epoch {epoch}: {out}", epoch=terms.epoch, out=out)
    shell.result(data, lambda shown: shown.print(told, markup=False))
    shell.say(
        "请每位旧持有人销毁旧份额：足够多的旧份额合在一起仍能恢复根密钥。",
        "Have every old holder destroy their share: enough old ones together would still recover the root key.",
    )


COMMANDS = (split_command, open_command, close_command, proofs_command, reshare_command)
