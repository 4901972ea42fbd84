"""Problems of the formats floor: what is wrong with a file, and where in it."""

from __future__ import annotations

from tigertally.base.errors import Broken, Invalid
from tigertally.base.text import Text


class Malformed(Invalid):
    """A file that is not in its format. ``what`` is the format, ``where`` the member or line."""

    code = "formats.malformed"
    title = Text("{what} 文件格式有误（{where}）", "the {what} file is malformed (at {where})")
    hint = Text(
        "文件被截断、编辑，或不是这种文件；请向对方索取原始文件",
        "it was cut, edited, or is another kind of file; ask for the original",
    )


class WrongKind(Invalid):
    """A well-formed statement of another kind than the one expected."""

    code = "formats.wrong_kind"
    title = Text("应为 {expected} 文件，实际是 {found}", "expected a {expected} file, this is a {found}")


class NotSigned(Broken):
    """A required signature is absent."""

    code = "formats.not_signed"
    title = Text("缺少 {who} 的签名", "the signature of {who} is missing")
    hint = Text("请该方签署后再提交", "have that party sign it first")


class NotForUs(Broken):
    """An envelope that is sealed to other keys than ours."""

    code = "formats.not_for_us"
    title = Text("这个信封不是封给我们的", "this envelope is sealed to somebody else")
    hint = Text("请对方用我方的传输公钥重新封装", "ask the sender to seal it to our transfer key")


class WrongContext(Broken):
    """A genuine envelope offered in another place than it was sealed for."""

    code = "formats.wrong_context"
    title = Text("信封内容与用途不符", "the envelope was sealed for another purpose or place")


class WrongPassphrase(Invalid):
    """A key file does not open."""

    code = "formats.wrong_passphrase"
    title = Text("口令不对，或密钥文件已损坏", "wrong passphrase, or the key file is damaged")
    hint = Text(
        "请重新输入口令；若确认无误，请使用备份的密钥文件", "try again; if it is right, use the backup of the key file"
    )


class WrongWord(Invalid):
    """Something among the words of a share that is no word of theirs."""

    code = "formats.wrong_word"
    title = Text("第 {number} 个词不是份额用词", "word {number} is none of the words of shares")
    hint = Text("对照纸面重新输入这个词", "look at the sheet and type that word again")


class WrongWordCount(Invalid):
    """Too few or too many words for a share."""

    code = "formats.wrong_word_count"
    title = Text("共输入 {given} 个词，应为 {needed} 个", "{given} words were typed; a share has {needed}")
    hint = Text("核对是否漏词或重复", "see whether one is missing or was typed twice")


class WrongWords(Invalid):
    """Words of a share that do not check; ``numbers`` says which, or ``?`` if too many are wrong to tell."""

    code = "formats.wrong_words"
    title = Text("份额词语校验不符，出错的词：{numbers}", "the words of the share do not check; wrong: {numbers}")
    hint = Text(
        "对照纸面重新输入所列的词；“?”表示错处太多，请全部重新输入",
        "look at the sheet and type those words again; ? means too many are wrong, so type all again",
    )


class OtherShare(Invalid):
    """A share of another ceremony, of an older epoch, or of a seat that the set does not have."""

    code = "formats.other_share"
    title = Text("这份额不属于这一套（{which}）", "this share is not of this set ({which})")
    hint = Text(
        "核对份额与份额说明文件是否同一次仪式、同一轮", "see whether share and set are of the same ceremony and epoch"
    )


class WrongShare(Broken):
    """A share of this set that does not fit its commitment."""

    code = "formats.wrong_share"
    title = Text("{group} 组第 {member} 号份额与承诺不符", "share {member} of {group} does not fit its commitment")
    hint = Text(
        "该份额被改动或抄错；请该持有人取备份", "it was altered or copied wrongly; ask that holder for their backup"
    )
