"""What can go wrong with the database, in our words.

Invariant: nothing here carries a bound parameter, a row, a statement with literals, a path or a URL.
``StoreMisused`` is no problem of the user's world: it is a programmer's error and ends as an incident.
"""

from __future__ import annotations

from tigertally.base.errors import Broken, Conflict, Invalid, Unavailable
from tigertally.base.text import Text


class BadStoreUrl(Invalid):
    """A database address that is not one of the two accepted forms."""

    code = "store.bad_url"
    title = Text("数据库地址无效", "the database address is not valid")
    hint = Text(
        "使用 sqlite:///路径 或 postgresql://用户@主机/库名",
        "use sqlite:///path or postgresql://user@host/database",
    )


class StoreUnavailable(Unavailable):
    """The database cannot be reached, is locked for too long, or ended the session."""

    code = "store.unavailable"
    title = Text("数据库暂不可用（{reason}）", "the database is not available ({reason})")
    hint = Text(
        "确认数据库在运行、没有被其他程序长时间锁定，然后重试",
        "check that it runs and is not locked; then retry",
    )


class StoreFull(Unavailable):
    """No room left, or the disk failed to write. Nothing of the transaction was kept."""

    code = "store.full"
    title = Text(
        "数据库所在磁盘已满或写入失败（{reason}）",
        "the database's disk is full or failed to write ({reason})",
    )
    hint = Text(
        "本次操作没有留下任何改动；腾出空间后重试",
        "nothing of this operation was kept; free some space and retry",
    )


class StoreBroken(Broken):
    """The database's own structure is damaged."""

    code = "store.broken"
    title = Text("数据库文件已损坏（{reason}）", "the database is damaged ({reason})")
    hint = Text("停止写入，保留现场，从备份恢复", "stop writing, keep the files as they are, restore a backup")


class StoreConflict(Conflict):
    """A row already exists, or one it refers to does not. ``constraint`` is the name of the rule, never a value."""

    code = "store.conflict"
    title = Text("与已有记录冲突（{constraint}）", "in conflict with an existing record ({constraint})")
    hint = Text("该记录可能已经存在；刷新后重试", "the record may exist already; reload and retry")


class SchemaOlder(Conflict):
    """The database has an older schema than this code."""

    code = "store.schema_older"
    title = Text(
        "数据库结构版本为 {found}，本程序需要 {wanted}",
        "the database schema is at {found}; this program needs {wanted}",
    )
    hint = Text("先备份，再执行数据库升级", "back up first, then migrate the database")


class SchemaNewer(Conflict):
    """The database has a schema that this code does not know."""

    code = "store.schema_newer"
    title = Text(
        "数据库结构版本 {found} 比本程序新（本程序最高支持 {wanted}）",
        "the database schema {found} is newer than this program ({wanted})",
    )
    hint = Text("请使用更新版本的程序", "use a newer version of the program")


class JobOfOtherKind(Conflict):
    """The key of a job is taken by a job of another kind."""

    code = "store.job_of_other_kind"
    title = Text("该任务标识已被另一类任务占用（{kind}）", "the job key belongs to a job of another kind ({kind})")


class JobTaken(Conflict):
    """The job was resumed elsewhere, or ended, since this worker took it."""

    code = "store.job_taken"
    title = Text("任务已由另一进程接手或已结束", "the job was taken over by another process, or has ended")
    hint = Text("查看任务状态；需要时重新运行", "look at the job's state; run it again if needed")


class StoreMisused(RuntimeError):  # noqa: N818 - errors say the fact (HOUSE §4)
    """A programmer's error: a statement or value does not fit the schema, or a transaction is used wrongly.

    ``str()`` gives an SQLSTATE or SQLite error name and, only where the driver's words cannot hold a
    value (unknown table, syntax), those words.
    """


class CopyElsewhere(Conflict):
    """A database that is copied by its own server's tools."""

    code = "store.copy_elsewhere"
    title = Text("PostgreSQL 数据库由其自带工具备份", "a PostgreSQL database is backed up by its own tools")
    hint = Text(
        "用 pg_dump --format=custom，并另存删除清单：tigertally backup erasures",
        "use pg_dump --format=custom, and keep the list of erasures apart: tigertally backup erasures",
    )
