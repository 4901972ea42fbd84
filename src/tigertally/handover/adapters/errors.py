"""Problems of processors' formats, files and answers."""

from __future__ import annotations

from tigertally.base.errors import Invalid, Missing, Refused
from tigertally.base.text import Text


class NoSuchAdapter(Missing):
    """No shipped adapter of that name, and no readable file of it."""

    code = "handover.no_such_adapter"
    title = Text("没有这个处理机构的格式，或文件无法读取", "no such processor's format, or its file cannot be read")
    hint = Text("用 processor list 查看已有格式", "see processor list for those there are")


class NotGiven(Invalid):
    """A processor's column is filled with what whoever makes the file says; it was not said, or something else was."""

    code = "handover.not_given"
    title = Text("该格式需要用 --set 指明（或不认识）：{names}", "this format needs, or does not know: {names}")
    hint = Text("例如 --set merchant=名称", "for example --set merchant=NAME")


class RunsSpent(Refused):
    """The processor takes no more files of this deal."""

    code = "handover.runs_spent"
    title = Text("{adapter} 只接受 {runs} 次文件，均已写出", "{adapter} takes {runs} runs, and all were written")
    hint = Text("与处理机构商定后再写", "agree on another one with the processor")


class AnswerRefused(Invalid):
    """A processor's answer that is not what it should be; the line is named, never what stands there."""

    code = "handover.answer_refused"
    title = Text("回复文件第 {line} 行有误：{reason}", "line {line} of the answer is not right: {reason}")
    hint = Text("请处理机构重新提供回复文件", "ask the processor for its answer again")
