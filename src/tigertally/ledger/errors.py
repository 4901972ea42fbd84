"""Problems of the ledger floor."""

from __future__ import annotations

from tigertally.base.errors import Broken, Conflict, Missing, Unavailable
from tigertally.base.text import Text


class ClockWentBack(Unavailable):
    """The machine's clock is behind the newest entry by more than the tolerance: nothing may be recorded."""

    code = "ledger.clock_went_back"
    title = Text("系统时钟倒退了 {seconds} 秒，拒绝记账", "the clock went back {seconds} s; nothing can be recorded")
    hint = Text("校准系统时钟（NTP）后重试", "set the clock right (NTP), then retry")


class LedgerBroken(Broken):
    """Something stored in the ledger does not match its own hashes."""

    code = "ledger.broken"
    title = Text("台账在第 {index} 条处校验失败（{what}）", "the ledger fails its check at entry {index} ({what})")
    hint = Text("停止操作，运行 tigertally fsck，并保留现场", "stop, run tigertally fsck, and keep everything as it is")


class NoSuchEntry(Missing):
    """No entry with that index."""

    code = "ledger.no_such_entry"
    title = Text("台账没有第 {index} 条", "the ledger has no entry {index}")


class FactWithdrawn(Conflict):
    """The fact was withdrawn before."""

    code = "ledger.fact_withdrawn"
    title = Text("台账第 {index} 条的事实已经撤回", "the fact of entry {index} was withdrawn already")


class NoCheckpoint(Missing):
    """Nothing was signed yet."""

    code = "ledger.no_checkpoint"
    title = Text("台账还没有签署过检查点", "the ledger has no signed checkpoint yet")
    hint = Text("先运行 tigertally ledger checkpoint", "run tigertally ledger checkpoint first")


class NotThisLog(Conflict):
    """A folder of tiles that this ledger does not extend."""

    code = "ledger.not_this_log"
    title = Text("该文件夹发布的不是本台账的前段", "what the folder has is not an earlier part of this ledger")
    hint = Text(
        "换一个空文件夹；若它曾由本台账发布，请运行 tigertally fsck --kept 该文件夹/checkpoint",
        "choose an empty folder; if this ledger published it, run tigertally fsck --kept FOLDER/checkpoint",
    )
