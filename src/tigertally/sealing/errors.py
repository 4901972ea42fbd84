"""Problems of the sealing crossing: plans that cannot be followed, objects that cannot be read or rewritten.

Invariant: none carries a value of the estate; objects and columns are named because the plan's author must find them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tigertally.base.errors import Broken, Conflict, Invalid, Unavailable
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
