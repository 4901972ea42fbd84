"""Event kinds of the handover. Payloads hold ids, digests, names of parts and counts; never a path."""

from __future__ import annotations

from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import register_event

RELEASE_PROPOSED: Final = register_event(
    "handover.release.proposed",
    Text("提出移交许可", "a release was proposed"),
    "deal", "release", "classes", "subjects", "until",
)  # fmt: skip
RELEASE_COUNTERSIGNED: Final = register_event(
    "handover.release.countersigned", Text("会签移交许可", "a release was countersigned"), "deal", "release"
)
RELEASE_ACCEPTED: Final = register_event(
    "handover.release.accepted", Text("移交许可双签生效", "both companies have signed the release"), "deal", "release"
)
BUNDLE_STARTED: Final = register_event(
    "handover.bundle.started", Text("开始生成移交包", "writing a bundle began"), "deal", "bundle", "release"
)
PART_WRITTEN: Final = register_event(
    "handover.part.written",
    Text("写出移交包部分", "a part of a bundle was written"),
    "deal", "bundle", "part", "sha256", "length", "subjects",
)  # fmt: skip
BUNDLE_WRITTEN: Final = register_event(
    "handover.bundle.written",
    Text("移交包完成并签署清单", "a bundle was finished and its manifest signed"),
    "deal", "bundle", "manifest", "subjects", "counts", "root", "parts",
)  # fmt: skip
BUNDLE_TRIED: Final = register_event(
    "handover.bundle.tried",
    Text("试写移交包（未写出数据）", "a bundle was tried without data"),
    "deal", "subjects", "counts", "parts", "length", "refused",
)  # fmt: skip
BUNDLE_ABANDONED: Final = register_event(
    "handover.bundle.abandoned", Text("放弃移交包", "a bundle was abandoned"), "deal", "bundle"
)
BUNDLE_VERIFIED: Final = register_event(
    "handover.bundle.verified",
    Text("移交包核验通过，开始入库", "a bundle was verified whole; storing began"),
    "deal", "bundle", "manifest", "subjects", "counts", "root",
)  # fmt: skip
PART_STORED: Final = register_event(
    "handover.part.stored",
    Text("移交包部分入库", "a part of a bundle was stored"),
    "deal", "bundle", "part", "subjects",
)  # fmt: skip
BUNDLE_RECEIVED: Final = register_event(
    "handover.bundle.received",
    Text("移交包核对入库并签署回执", "a bundle was stored, reconciled and receipted"),
    "deal", "bundle", "manifest", "receipt", "subjects", "counts", "root",
)  # fmt: skip
RECEIPT_ACCEPTED: Final = register_event(
    "handover.receipt.accepted",
    Text("受理接收回执", "a receipt was accepted"),
    "deal", "bundle", "manifest", "receipt",
)  # fmt: skip
COPY_REGISTERED: Final = register_event(
    "handover.copy.registered", Text("登记副本", "a copy was registered"), "deal", "copy", "kind", "fate"
)
COPY_REIDENTIFIED: Final = register_event(
    "handover.copy.reidentified",
    Text("确认该处现有的文件就是登记的副本", "what lies there now was said to be the registered copy"),
    "deal", "copy", "kind",
)  # fmt: skip
DESTRUCTION_STARTED: Final = register_event(
    "handover.destruction.started",
    Text("开始销毁", "destruction began"),
    "deal", "plan", "ground", "receipt", "subjects", "keys", "copies",
)  # fmt: skip
ROWS_DELETED: Final = register_event("handover.rows.deleted", Text("删除记录", "rows were deleted"), "deal", "rows")
COPY_DELETING: Final = register_event(
    "handover.copy.deleting", Text("着手删除副本", "deleting a copy began"), "deal", "copy", "method"
)
COPY_DELETED: Final = register_event(
    "handover.copy.deleted", Text("删除副本", "a copy was deleted"), "deal", "copy", "kind", "method", "verified"
)
OPENING_FAILED: Final = register_event(
    "handover.opening.failed",
    Text("留样密文已无法打开", "a sealed value kept aside no longer opens"),
    "deal", "keys_tried",
)  # fmt: skip
CERTIFICATE_SIGNED: Final = register_event(
    "handover.certificate.signed",
    Text("签署销毁证明", "a certificate of destruction was signed"),
    "deal", "certificate", "ground", "subjects", "keys", "copies",
)  # fmt: skip
CERTIFICATE_VALIDATED: Final = register_event(
    "handover.certificate.validated",
    Text("复核并会签销毁证明", "a certificate of destruction was validated"),
    "deal", "certificate",
)  # fmt: skip
BOOK_MADE: Final = register_event(
    "handover.book.made", Text("制作交割卷", "a closing book was made"), "deal", "book", "files"
)
EXPORT_STARTED: Final = register_event(
    "handover.export.started",
    Text("开始生成处理机构文件", "writing a processor's files began"),
    "deal", "adapter", "digest", "recipient", "run",
)  # fmt: skip
EXPORT_WRITTEN: Final = register_event(
    "handover.export.written",
    Text("处理机构文件已加密写出", "a processor's files were written, sealed to it"),
    "deal", "adapter", "run", "recipient", "files", "subjects", "lines", "refused", "refused_sha256", "wanting",
    "without_card",
)  # fmt: skip
EXPORT_REHEARSED: Final = register_event(
    "handover.export.rehearsed",
    Text("试写处理机构文件（未写出数据）", "a processor's files were tried without data"),
    "deal", "adapter", "run", "files", "subjects", "lines", "refused", "wanting", "without_card",
)  # fmt: skip
EXPORT_ANSWERED: Final = register_event(
    "handover.export.answered",
    Text("收下处理机构的新旧编号对照", "a processor's map of old and new ids was taken"),
    "deal", "adapter", "sha256", "matched", "unanswered",
)  # fmt: skip
