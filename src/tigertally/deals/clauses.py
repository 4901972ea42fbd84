"""Agreements before anybody signs: drafted from a shipped text, and checked clause by clause.

The check reads an agreement as a careful lawyer's clerk would, whoever drafted it (measure 2; law facts §4 row 2):
1. each of the four blocks says something in both languages, with no placeholder left;
2. the term begins before it ends and is two years at most;
3. purposes and classes are named one by one, nothing open-ended, nothing that may never be kept;
4. the onward list names recipients, not kinds of recipients;
5. destruction is due within 30 days, a breach has an amount;
6. text and data agree: the end of the term, the days and the amount stand in the text as they do in the data.

Pure; leaves to others whether the law would have it so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Final

from tigertally.base.fields import FIELD_RULES, SEALABLE, FieldClass
from tigertally.base.ids import AgreementId, DealId, new_id
from tigertally.base.text import Text
from tigertally.deals.errors import NoSuchTemplate
from tigertally.formats.agreement import BLOCKS, CLAUSE_CHARS_MAX, Agreement, Clause
from tigertally.formats.party import PartyCard
from tigertally.formats.shape import Reader

STANDARD: Final = "standard"
TERM_MAX: Final = timedelta(days=731)
DESTROY_DAYS_MAX: Final = 30
PURPOSE_CHARS_MAX: Final = 60

BLOCK_TITLES: Final[dict[str, Text]] = {
    "scope_term": Text("保密范围与期限", "scope and term"),
    "liability": Text("违约责任与赔偿", "liability and compensation"),
    "handling_destruction": Text("处理与销毁", "handling and destruction"),
    "sharing": Text("共享与披露限制", "limits on sharing"),
}
_TEMPLATE: Final = re.compile(r"[a-z0-9-]{1,40}")
_PLACEHOLDER: Final = re.compile(
    r"[{}]|【\s*】|\[\s*\]|_{3,}|\uff3f{2,}|□|待填|待定|(?<![A-Za-z])(?:X{2,}|TODO|TBD)(?![A-Za-z])"
)
_OPEN_PURPOSE: Final = re.compile(
    r"\b(?:any|all|other|others|etc|general|business)\b|\*|其他|其它|任何|一切|所有|等$", re.IGNORECASE
)
# A recipient may be called "Beijing Third Party Testing"; what names nobody is a kind alone, or begins with "any".
_OPEN_RECIPIENT: Final = re.compile(
    r"(?:any|all|other|others)\b.*|(?:its |their )?(?:affiliates?|partners?|third part(?:y|ies)|service providers?)|\*+"
    r"|(?:其他|其它|任何|一切|所有).*|其?(?:关联公司|关联方|第三方|合作伙伴|服务商)|.*等",
    re.IGNORECASE,
)
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[,，\s](?=\d{3})")


def templates() -> tuple[str, ...]:
    """Return the names of the shipped texts."""
    names = (item.name for item in resources.files("tigertally.data").joinpath("agreements").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def draft(
    *,
    deal: DealId,
    seller: PartyCard,
    buyer: PartyCard,
    classes: Iterable[FieldClass],
    purposes: Sequence[str],
    start: datetime,
    until: datetime,
    destroy_within_days: int,
    penalty_cny: int,
    onward: Sequence[str] = (),
    version: int = 1,
    agreement: AgreementId | None = None,
    template: str = STANDARD,
) -> Agreement:
    """Return an agreement with the words of ``template``; pass ``agreement`` (its id) and ``version`` to amend one.

    ``penalty_cny`` is in yuan. Raises :class:`NoSuchTemplate`. What is wrong with it is :func:`check`'s to say.
    """
    chosen = sorted(set(classes), key=lambda item: item.value)
    places_zh = _places(seller, buyer, start, until, destroy_within_days, penalty_cny)
    places_en = dict(places_zh)
    places_zh |= {
        "classes": "、".join(FIELD_RULES[item].title.zh for item in chosen),
        "purposes": "、".join(purposes),
        "onward": "、".join(onward) or "无",
    }
    places_en |= {
        "classes": ", ".join(FIELD_RULES[item].title.en for item in chosen),
        "purposes": ", ".join(purposes),
        "onward": ", ".join(onward) or "none",
    }
    return Agreement(
        agreement=AgreementId(new_id("agr")) if agreement is None else agreement,
        version=version,
        deal=deal,
        seller=seller.party,
        buyer=buyer.party,
        classes=tuple(chosen),
        purposes=tuple(purposes),
        start=start,
        until=until,
        destroy_within_days=destroy_within_days,
        penalty_cny=penalty_cny,
        onward=tuple(onward),
        clauses=tuple(
            (name, Clause(zh=clause.zh.format_map(places_zh), en=clause.en.format_map(places_en)))
            for name, clause in _words(template)
        ),
    )


def check(agreement: Agreement) -> list[Text]:
    """Return everything wrong with ``agreement``, in both languages; an empty list if nothing is."""
    return [
        *_blocks(agreement),
        *_term(agreement),
        *_purposes_and_classes(agreement),
        *_onward(agreement),
        *_numbers(agreement),
        *_text_against_data(agreement),
    ]


def _blocks(agreement: Agreement) -> list[Text]:
    found = []
    clauses = dict(agreement.clauses)
    if sorted(clauses) != sorted(BLOCKS) or len(agreement.clauses) != len(BLOCKS):
        found.append(Text("协议应恰好有四个条款块", "an agreement has exactly the four blocks of clauses"))
    for name in BLOCKS:
        title = BLOCK_TITLES[name]
        clause = clauses.get(name)
        texts = ("", "") if clause is None else (clause.zh.strip(), clause.en.strip())
        if not all(texts):
            found.append(
                Text(
                    f"“{title.zh}”条款缺失或有一种语言为空",
                    f"the block “{title.en}” is missing or half empty",
                )
            )
        elif any(_PLACEHOLDER.search(text) for text in texts):
            found.append(Text(f"“{title.zh}”条款中留有未填的空格", f"the block “{title.en}” has a placeholder left"))
    return found


def _term(agreement: Agreement) -> list[Text]:
    if agreement.until <= agreement.start:
        return [Text("期限的结束不晚于开始", "the term ends before it begins")]
    if agreement.until - agreement.start > TERM_MAX:
        return [Text("期限超过两年", "the term is longer than two years")]
    return []


def _purposes_and_classes(agreement: Agreement) -> list[Text]:
    found = []
    purposes = [item.strip() for item in agreement.purposes]
    if not purposes or not all(purposes) or any(len(item) > PURPOSE_CHARS_MAX for item in purposes):
        found.append(Text("未逐项写明使用目的", "purposes are not named one by one"))
    if len(set(purposes)) != len(purposes):
        found.append(Text("使用目的有重复", "a purpose is named twice"))
    if any(_OPEN_PURPOSE.search(item.replace("_", " ")) for item in purposes):
        found.append(Text("使用目的中有开放式表述", "a purpose is open-ended"))
    if not agreement.classes:
        found.append(Text("未写明字段类别", "no classes of fields are named"))
    never = [item for item in agreement.classes if item not in SEALABLE]
    if never:
        zh = "、".join(FIELD_RULES[item].title.zh for item in never)
        en = ", ".join(FIELD_RULES[item].title.en for item in never)
        found.append(Text(f"包含任何人都不得保存的字段：{zh}", f"it covers what nobody may keep: {en}"))
    if agreement.seller == agreement.buyer:
        found.append(Text("双方是同一当事人", "both parties are the same"))
    return found


def _onward(agreement: Agreement) -> list[Text]:
    if any(not item.strip() or _OPEN_RECIPIENT.fullmatch(item.strip()) for item in agreement.onward):
        return [
            Text(
                "再提供名单须写明具体接收方",
                "the onward list must name recipients, not kinds of them",
            )
        ]
    return []


def _numbers(agreement: Agreement) -> list[Text]:
    found = []
    if not 1 <= agreement.destroy_within_days <= DESTROY_DAYS_MAX:
        found.append(
            Text(f"销毁期限应为 1–{DESTROY_DAYS_MAX} 天", f"destruction is due within 1–{DESTROY_DAYS_MAX} days")
        )
    if agreement.penalty_cny < 1:
        found.append(Text("违约金没有金额", "a breach has no amount"))
    return found


def _text_against_data(agreement: Agreement) -> list[Text]:
    """Whoever edits the words has to edit the data, and the other way round."""
    wanted = (
        ("scope_term", _day(agreement.until), Text("期限的结束日期", "the end of the term")),
        ("handling_destruction", str(agreement.destroy_within_days), Text("销毁天数", "the days for destruction")),
        ("liability", str(agreement.penalty_cny), Text("违约金数额", "the amount for a breach")),
    )
    clauses = dict(agreement.clauses)
    found = []
    for name, value, what in wanted:
        clause = clauses.get(name)
        whole = re.compile(rf"(?<!\d){re.escape(value)}(?!\d)")
        texts = () if clause is None else (clause.zh, clause.en)
        if not all(whole.search(_BETWEEN_DIGITS.sub("", text)) for text in texts):
            title = BLOCK_TITLES[name]
            found.append(
                Text(
                    f"“{title.zh}”条款的文字与数据不一致：{what.zh}应为 {value}",
                    f"the text of “{title.en}” differs from the data: {what.en} is {value}",
                )
            )
    return found


def _places(
    seller: PartyCard, buyer: PartyCard, start: datetime, until: datetime, days: int, penalty: int
) -> dict[str, str]:
    return {
        "seller": seller.name,
        "buyer": buyer.name,
        "start": _day(start),
        "until": _day(until),
        "days": str(days),
        "penalty": str(penalty),
    }


def _day(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d")


@cache
def _words(template: str) -> tuple[tuple[str, Clause], ...]:
    if not _TEMPLATE.fullmatch(template) or template not in templates():
        raise NoSuchTemplate(template=template)
    file = resources.files("tigertally.data").joinpath("agreements", f"{template}.toml")
    reader = Reader(tomllib.loads(file.read_text(encoding="utf-8")), what="template")
    reader.integer("version", minimum=1)
    clauses = reader.body("clauses")
    found = []
    for name in BLOCKS:
        inner = clauses.body(name)
        texts = {lang: inner.text(lang, chars_max=CLAUSE_CHARS_MAX).strip() for lang in ("zh", "en")}
        inner.end()
        found.append((name, Clause(zh=texts["zh"], en=texts["en"])))
    clauses.end()
    reader.end()
    return tuple(found)
