"""Shapes of whole cells that are not numbers with a check digit: names, password hashes, e-mail, dates, codes.

Each shape is an RE2 expression that Arrow runs over a column. A shape is weak evidence for one cell and
strong evidence for a column: of name columns at least 75 % of the cells look like a Chinese name, of
columns of other words at most 24 % (discovery facts §6), so a share of 0.5 tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tigertally.base.fields import FieldClass

_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖萧田董袁潘蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付傅方邹熊白孟秦邱江尹薛闫阎段雷侯龙史黎贺顾毛郝龚邵万覃武钱戴严欧莫孔向汤温康施文牛樊葛邢安齐易乔伍庞"
    "颜倪庄聂章鲁岳翟殷詹申耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷曲盛冉骆蓝路游辛靳欧管柴蒙鲍华喻祁房蒲"
    "滕屈饶解牟艾尤阳时穆农司古吉卓简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣"
    "巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝封官谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强"
    "帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平计索宣晋相初门云容敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印"
    "逯隆茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭由"
)
_COMPOUND: Final = "|".join(
    (
        "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 司徒 令狐 夏侯 南宫 端木 长孙 宇文 轩辕 独孤 申屠 钟离 闻人"
        " 百里 东郭 呼延 拓跋 完颜 澹台 濮阳"
    ).split()
)

# Characters that a Chinese name begins with.
SURNAMES: Final = frozenset(_SURNAMES) | {name[0] for name in _COMPOUND.split("|")}
NAME_HAN: Final = (
    rf"^(?:[{_SURNAMES}]\p{{Han}}{{1,2}}|(?:{_COMPOUND})\p{{Han}}{{1,2}}|\p{{Han}}{{2,6}}·\p{{Han}}{{2,8}})$"
)
NAME_LATIN: Final = r"^\p{Lu}[\p{L}'’.\-]*(?:[ ]\p{Lu}[\p{L}'’.\-]*){1,3}$"
EMAIL: Final = r"^[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,24}$"
EXPIRY: Final = (
    r"^(?:(?:0?[1-9]|1[0-2])\s?[/\-]\s?(?:20)?[0-9]{2}|20[0-9]{2}[/\-](?:0?[1-9]|1[0-2])"
    r"|(?:0[1-9]|1[0-2])[0-9]{2}|[0-9]{2}(?:0[1-9]|1[0-2])|20[0-9]{2}(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])20[0-9]{2})$"
)
EXPIRY_SLASHED: Final = r"^(?:0[1-9]|1[0-2])/[0-9]{2}$"
CODE: Final = r"^[0-9]{3,4}$"
PIN: Final = r"^(?:[0-9]{4}|[0-9]{6}|[0-9A-Fa-f]{16})$"
# What stands in password columns without being one: dates, flags, stars, long texts, our own tokens and fillings.
OTHER_CELLS: Final = (
    r"^(?:purged-\d+|tok_[a-z]{2}[0-9a-hjkmnp-tv-z]{26}|\d{4}[-/]\d\d?[-/]\d\d?.*"
    r"|(?i:true|false|yes|no|null|none|n/a|-|是|否)|[*●•x]+|.{0,3}|.{65,})$"
)
DAMAGED: Final = r"^(?:[1-9]\d{14}0{1,4}|[1-9](?:\.\d{1,16})?[eE]\+?1[5-8])$"
DAMAGED_CARD: Final = r"^(?:4|5\.?[1-5]|6\.?2|3\.?5|2\.?[2-7]|9\.?[4-9])"


@dataclass(frozen=True, slots=True, kw_only=True)
class HashForm:
    """A way passwords are stored. ``named``: the form says what it is; otherwise only its length does."""

    name: str
    pattern: str
    named: bool


HASH_FORMS: Final[tuple[HashForm, ...]] = tuple(
    HashForm(name=name, pattern=pattern, named=named)
    for name, pattern, named in (
        ("bcrypt", r"^(?:\{bcrypt\})?\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}$", True),
        ("argon2id", r"^(?:\{argon2\})?\$argon2id\$", True),
        ("argon2i", r"^\$argon2i\$", True),
        ("argon2d", r"^\$argon2d\$", True),
        (
            "pbkdf2",
            r"^(?:pbkdf2_sha(?:1|256|512)\$|\$pbkdf2(?:-sha(?:1|256|512))?\$|pbkdf2:sha(?:1|256|512)|\{pbkdf2\})",
            True,
        ),
        ("scrypt", r"^(?:\$scrypt\$|scrypt:|scrypt\$|\$7\$|\{scrypt\})", True),
        ("sha512-crypt", r"^\$6\$(?:rounds=[0-9]+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}$", True),
        ("sha256-crypt", r"^\$5\$(?:rounds=[0-9]+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}$", True),
        ("yescrypt", r"^\$y\$", True),
        ("md5-crypt", r"^\$(?:1|apr1)\$[^$]{1,8}\$[./A-Za-z0-9]{22}$", True),
        ("phpass", r"^\$[PH]\$[./A-Za-z0-9]{31}$", True),
        ("ssha", r"^\{SSHA(?:256|512)?\}", True),
        ("mysql41", r"^\*[0-9A-F]{40}$", True),
        ("md5", r"^[0-9a-fA-F]{32}$", False),
        ("md5+salt", r"^[0-9a-fA-F]{32}[:$][^\s]{1,64}$", False),
        ("sha1", r"^[0-9a-fA-F]{40}$", False),
        ("sha224", r"^[0-9a-fA-F]{56}$", False),
        ("sha256 or sm3", r"^[0-9a-fA-F]{64}$", False),
        ("sha384", r"^[0-9a-fA-F]{96}$", False),
        ("sha512", r"^[0-9a-fA-F]{128}$", False),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A shape to count in a column. ``gate`` is a cheap test of one cell, true wherever the expression can match.

    The gate decides on a sample whether a batch is worth the expression, whose compiling alone takes a millisecond.
    """

    cls: FieldClass
    name: str
    pattern: str
    gate: Callable[[str], bool]


def always(_: str) -> bool:
    """Open the gate to any cell."""
    return True


def _not_ascii(cell: str) -> bool:
    return not cell.isascii()


def _at(cell: str) -> bool:
    return "@" in cell


def _slashed(cell: str) -> bool:
    return len(cell) == 5 and cell[2] == "/"  # noqa: PLR2004


def _long(cell: str) -> bool:
    return len(cell) >= 16 and (cell[0] in "${*ps" or len(cell) >= 32)  # noqa: PLR2004


def may_be_damaged(cell: str) -> bool:
    """Return whether a cell can be a card number that a spreadsheet has damaged."""
    return len(cell) >= 5 and (cell[-1] == "0" or cell[-4:-2] in ("e+", "E+"))  # noqa: PLR2004


# Shapes looked for in every column, whatever it is called; the others wait for a header of their class.
ALWAYS: Final[tuple[Shape, ...]] = (
    Shape(cls=FieldClass.NAME, name="han", pattern=NAME_HAN, gate=_not_ascii),
    Shape(cls=FieldClass.EMAIL, name="", pattern=EMAIL, gate=_at),
    Shape(cls=FieldClass.EXPIRY, name="slashed", pattern=EXPIRY_SLASHED, gate=_slashed),
    *(Shape(cls=FieldClass.PASSWORD_HASH, name=form.name, pattern=form.pattern, gate=_long) for form in HASH_FORMS),
)
BY_HEADER: Final[tuple[Shape, ...]] = (
    Shape(cls=FieldClass.NAME, name="latin", pattern=NAME_LATIN, gate=always),
    Shape(cls=FieldClass.EXPIRY, name="any", pattern=EXPIRY, gate=always),
    Shape(cls=FieldClass.CVV, name="", pattern=CODE, gate=always),
    Shape(cls=FieldClass.PIN, name="", pattern=PIN, gate=always),
)
NAMED_FORMS: Final = frozenset(form.name for form in HASH_FORMS if form.named)
