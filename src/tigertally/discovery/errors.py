"""What can go wrong in discovery. Nothing here carries a value, and nothing of this ends a run but a wrong request."""

from __future__ import annotations

from tigertally.base.errors import Broken, Invalid, Missing, Unavailable
from tigertally.base.text import Lang, Text


class NoSuchRoot(Missing):
    """The path to scan does not exist."""

    code = "discovery.no_such_root"
    title = Text("要扫描的路径不存在", "the path to scan does not exist")
    hint = Text("请核对路径和读取权限", "check the path and that you may read it")


class BadInventory(Invalid):
    """A file that is not an inventory of this version."""

    code = "discovery.bad_inventory"
    title = Text("不是有效的盘点文件（{where}）", "not a valid inventory ({where})")
    hint = Text("请用本版本重新扫描并导出", "scan again with this version and export")


class BadBaseline(Invalid):
    """A file of accepted findings that will not do."""

    code = "discovery.bad_baseline"
    title = Text("已接受发现的文件无效（{where}）", "the file of accepted findings is not valid (at {where})")
    hint = Text(
        "每条都要有原因、接受人和有效期，见 docs/formats/baseline.md",
        "each entry needs a reason, a person and a last day: docs/formats/baseline.md",
    )


class NoJournal(Unavailable):
    """The file in which a scan notes what is done cannot be written."""

    code = "discovery.no_journal"
    title = Text("无法写入扫描日志文件", "the scan's journal cannot be written")
    hint = Text("请核对所选的输出位置和磁盘空间", "check the place of the output and the disk's free space")


class BadAddress(Invalid):
    """An address of a source that cannot be understood."""

    code = "discovery.bad_address"
    title = Text("无法理解数据源地址（{where}）", "the address of the source is not understood ({where})")
    hint = Text(
        "例如 postgresql://用户@主机/库、mysql://用户@主机/库、s3://桶/前缀",
        "for example postgresql://user@host/database, mysql://user@host/database, s3://bucket/prefix",
    )


class NeedsExtra(Unavailable):
    """A source needs a package that is not installed."""

    code = "discovery.needs_extra"
    title = Text("读取此数据源需要另装一个包", "this source needs a package that is not installed")
    hint = Text("请运行 pip install 'tigertally[{extra}]'", "run: pip install 'tigertally[{extra}]'")


class SourceUnavailable(Unavailable):
    """A database or an object store that cannot be reached or does not let us in."""

    code = "discovery.source_unavailable"
    title = Text("数据源无法连接（{why}）", "the source cannot be reached ({why})")
    hint = Text(
        "请核对地址、账号和网络，并确认只读权限", "check address, account and network, and the permission to read"
    )


class Unreadable(Broken):
    """An object that its reader cannot read on; ``scan`` turns it into a coverage row and goes on."""

    code = "discovery.unreadable"
    title = Text("无法读取", "cannot be read")

    def __init__(self, why: Text) -> None:
        super().__init__()
        self.why = why


class BadDetector(Invalid):
    """A detector file that breaks the format of docs/formats/detector.md, or does not find its own examples."""

    code = "discovery.bad_detector"
    title = Text("检测器文件 {file} 无效", "the detector file {file} is not valid")
    hint = Text("格式见 docs/formats/detector.md", "docs/formats/detector.md has the format")

    def __init__(self, *, file: str, why: Text) -> None:
        super().__init__(file=file)
        self.why = why

    def say(self, lang: Lang) -> str:
        """Return the title with what is wrong."""
        return f"{super().say(lang)}: {self.why.render(lang)}"


class BadFingerprintKey(Invalid):
    """A file that holds no fingerprint key, or one that others may read."""

    code = "discovery.bad_fingerprint_key"
    title = Text("指纹密钥文件不可用", "the fingerprint key file will not do")
    hint = Text(
        "为每次转让生成一把：(umask 077; openssl rand -hex 32 > fp.key)",
        "make one for each engagement: (umask 077; openssl rand -hex 32 > fp.key)",
    )

    def __init__(self, *, why: Text) -> None:
        super().__init__()
        self.why = why

    def say(self, lang: Lang) -> str:
        """Return the title with what is wrong."""
        return f"{super().say(lang)}: {self.why.render(lang)}"
