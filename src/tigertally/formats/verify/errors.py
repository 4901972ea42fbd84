"""Problems of the offline verifier: there is nothing to verify. What is wrong *inside* a file is a check that fails."""

from __future__ import annotations

from tigertally.base.errors import Invalid, Missing, Unavailable
from tigertally.base.text import Text


class NotRecognised(Invalid):
    """A file or folder that is none of ours."""

    code = "formats.verify.not_recognised"
    title = Text("无法识别的文件或文件夹：{name}", "{name} is not a file or folder that can be verified")
    hint = Text(
        "可验证：各类签名文件、检查点、证明、移交包文件夹、导出的台账文件夹",
        "verifiable: signed papers, checkpoints, proofs, bundle folders, exported ledger folders",
    )


class NoSuchPath(Missing):
    """Nothing at the path."""

    code = "formats.verify.no_such_path"
    title = Text("找不到 {name}", "there is no {name}")
    hint = Text(
        "检查路径；tigertally verify 后面写文件或移交包的文件夹",
        "check the path: tigertally verify takes a file, or the folder of a bundle",
    )


class Unreadable(Unavailable):
    """The machine does not give the file's bytes."""

    code = "formats.verify.unreadable"
    title = Text("无法读取 {name}", "{name} cannot be read")
    hint = Text("检查权限与磁盘", "check permissions and the disk")


class UntrustedCard(Invalid):
    """A file offered as a party card that is not one, or whose own signature fails."""

    code = "formats.verify.untrusted_card"
    title = Text("{name} 不是有效的组织名片", "{name} is not a valid party card")
    hint = Text(
        "请向该组织索取名片，并当面或电话核对指纹", "ask the organisation for its card and compare the fingerprint"
    )
