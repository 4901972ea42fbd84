"""Problems of the sealing crossing: plans that cannot be followed, objects that cannot be read or rewritten.

Invariant: none carries a value of the estate; objects and columns are named because the plan's author must find them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tigertally.base.errors import Broken, Conflict, Invalid, Missing, Unavailable
from tigertally.base.text import Lang, Text

if TYPE_CHECKING:
    from tigertally.sealing.plan import PlanMistake


class PlanNotValid(Invalid):
    """A plan with mistakes; ``mistakes`` has every one of them, in the order of their lines."""

    code = "sealing.plan_not_valid"
    title = Text(
        "封存计划有 {count} 处错误，第一处在第 {line} 行", "mistakes in the plan: {count}, the first in line {line}"
    )
    hint = Text(
        "逐条改正后再运行 tigertally plan check PLAN ROOT", "correct each one, then run tigertally plan check PLAN ROOT"
    )

    def __init__(self, *, mistakes: tuple[PlanMistake, ...]) -> None:
        super().__init__(count=len(mistakes), line=mistakes[0].line if mistakes else 0)
        self.mistakes = mistakes


class PlanIncomplete(Conflict):
    """The estate holds findings that the plan does not answer for; ``mistakes`` lists them."""

    code = "sealing.plan_incomplete"
    title = Text("计划没有覆盖全部发现，还有 {count} 处", "findings that the plan does not answer for: {count}")
    hint = Text(
        "运行 tigertally plan check PLAN ROOT 查看，为每处写明 seal、purge 或 keep",
        "run tigertally plan check PLAN ROOT and give each one seal, purge or keep",
    )

    def __init__(self, *, mistakes: tuple[PlanMistake, ...]) -> None:
        super().__init__(count=len(mistakes))
        self.mistakes = mistakes


class SourceNotReadable(Unavailable):
    """An object of the plan cannot be read as the plan says."""

    code = "sealing.source_not_readable"
    title = Text("无法按计划读取 {object}", "{object} cannot be read as the plan says")
    hint = Text("核对编码、类型和文件是否完整", "check its encoding, its kind, and that the file is whole")


class NotRewritable(Unavailable):
    """An object that can be read but not written again without risk; it is left out of the protected copy."""

    code = "sealing.not_rewritable"
    title = Text("无法安全改写 {object}", "{object} cannot be rewritten safely")
    hint = Text("该对象不会进入受保护副本", "the object stays out of the protected copy")

    def __init__(self, *, object_path: str, why: Text) -> None:
        super().__init__(object=object_path)
        self.why = why

    def say(self, lang: Lang) -> str:
        """Return the title with the reason."""
        return f"{super().say(lang)}: {self.why.render(lang)}"


class CopyExists(Conflict):
    """The output folder holds something else than a finished copy made by the same plan."""

    code = "sealing.copy_exists"
    title = Text("输出目录已有其他内容", "the output folder already holds something else")
    hint = Text("换一个目录，或先移走原有内容", "choose another folder, or move what is there")


class CopyBusy(Conflict):
    """Another run, or what is left of one that was killed, is still writing this copy."""

    code = "sealing.copy_busy"
    title = Text("另一次运行仍在写这份受保护副本", "another run is still writing this protected copy")
    hint = Text("等它结束后再运行", "run this again when it has ended")


class CopyNotWritable(Unavailable):
    """The disk refuses what is written into the protected copy."""

    code = "sealing.copy_not_writable"
    title = Text(
        "无法写入受保护副本：磁盘已满或拒绝写入", "the protected copy cannot be written: the disk is full or refuses"
    )
    hint = Text(
        "腾出空间或换一个位置，再次运行即可继续", "free some space or choose another place; run this again to go on"
    )


class CopyBroken(Broken):
    """A finished object of an unfinished copy is not as it was left."""

    code = "sealing.copy_broken"
    title = Text("受保护副本中的 {object} 与记录不符", "{object} in the protected copy is not as recorded")
    hint = Text("删除未完成的副本后重做", "remove the unfinished copy and start again")


class CopyInsideEstate(Invalid):
    """The copy would lie inside the estate, or the estate inside the copy."""

    code = "sealing.copy_inside_estate"
    title = Text("输出目录与被扫描目录互相包含", "the output folder and the scanned folder lie within each other")
    hint = Text("把副本写到扫描目录之外", "write the copy outside the scanned folder")


class NotInPlace(Conflict):
    """A live table or column that is not rewritten in place."""

    code = "sealing.not_in_place"
    title = Text("不能就地改写 {object}", "{object} cannot be rewritten in place")
    hint = Text(
        "按所述原因处理后再运行；或改用 tigertally protect 生成受保护副本",
        "see to the reason given and run it again, or write a protected copy with tigertally protect",
    )

    def __init__(self, *, object_path: str, why: Text) -> None:
        super().__init__(object=object_path)
        self.why = why

    def say(self, lang: Lang) -> str:
        """Return the title with the reason."""
        return f"{super().say(lang)}: {self.why.render(lang)}"


class NothingLive(Invalid):
    """A plan without a single column of a live table to rewrite."""

    code = "sealing.nothing_live"
    title = Text("计划中没有可就地改写的表", "the plan has no table to rewrite in place")
    hint = Text(
        "kind 为 sqlite 或 table、且有 seal 的整列字段的表才会被改写",
        "tables of kind sqlite or table with a whole column to seal are rewritten",
    )


class LiveUnavailable(Unavailable):
    """A live database that does not answer, or whose rows are locked."""

    code = "sealing.live_unavailable"
    title = Text("数据库没有应答或被锁住：{object}", "the database of {object} does not answer, or is locked")
    hint = Text("稍后再次运行同一命令即可继续", "run the same command again later: it goes on where it was")


class LiveBusy(Conflict):
    """A table that changes faster than it can be rewritten."""

    code = "sealing.live_busy"
    title = Text("{object} 变化太快，未能改写完", "{object} changes faster than it can be rewritten")
    hint = Text(
        "让应用先写入令牌或暂停写入，再次运行即可继续",
        "let the application write tokens, or pause it; then run this again",
    )


class NoRewrite(Missing):
    """Nothing of this plan was rewritten there, or it ended already."""

    code = "sealing.no_rewrite"
    title = Text("没有进行中的就地改写：{object}", "no rewriting of {object} is on its way")
    hint = Text(
        "使用改写时的同一份计划、地址和范围；已提交或已还原的不能再动",
        "use the plan, the address and the scope of the rewriting; what was committed or put back has ended",
    )


class RewriteElsewhere(Conflict):
    """A rewriting in another phase than this act needs."""

    code = "sealing.rewrite_elsewhere"
    title = Text("{object} 正处于 {phase} 阶段", "the rewriting of {object} is in phase {phase}")
    hint = Text(
        "先完成该阶段：rewriting 运行 in-place rewrite，undoing 运行 in-place undo，committing 运行 in-place commit",
        "finish that first: run in-place rewrite, in-place undo or in-place commit for rewriting, undoing, committing",
    )


class ClearValuesLeft(Conflict):
    """Columns that still hold what the vault does not know."""

    code = "sealing.clear_values_left"
    title = Text(
        "{object} 还有 {count} 个值不在保险库中，不能提交",
        "{object} still holds {count} values that the vault does not",
    )
    hint = Text(
        "先按同一计划再次 seal 并 rewrite；或用 --purge-unknown 在提交时清空它们",
        "seal and rewrite again by the same plan; or have them emptied by the commit with --purge-unknown",
    )


class WriterNotNamed(Invalid):
    """An address to write to without a user's name: nobody writes as whom the machine happens to be."""

    code = "sealing.writer_not_named"
    title = Text("要写入的数据库地址没有写明用户名", "the address to write to does not say which user writes")
    hint = Text(
        "写成 postgresql://用户@主机/库；密码用 PGPASSFILE 或 MYSQL_PWD",
        "write postgresql://user@host/database; give the password by PGPASSFILE or MYSQL_PWD",
    )
