"""What an inventory means for whoever has to decide: how much of what, where most of it lies, and what to do first.

A pure reading of findings and coverage. The order of the tasks: 1. what may never be kept is purged; 2. what was not
seen is looked into; 3. cards and IDs in text, logs and mail, where nobody protects them, are moved or deleted; 4.
columns of certain and likely values are sealed; 5. damaged card columns are cleared, as they protect nobody and prove
nothing; 6. possible ones are reviewed; 7. published test numbers are left, and said to be such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tigertally.base.fields import FIELD_RULES, Destiny, FieldClass
from tigertally.base.text import Text
from tigertally.discovery.baseline import all_tests
from tigertally.discovery.inventory import Confidence, Finding, Inventory, PlaceKind, Status

PLACES_SHOWN: Final = 10


class Task(Enum):
    """What is to be done, most urgent first, with the sentence that says it."""

    PURGE = Text(
        "立即清除：验证码、磁道、PIN 和明文密码绝不允许保存（PCI DSS 3.3）",
        "purge now: verification codes, tracks, PINs and clear passwords may never be kept (PCI DSS 3.3)",
    )
    UNSEEN = Text(
        "查明未读完的对象：没有读到的内容不能算没有",
        "look into what was not read whole: not seen is not the same as not there",
    )
    IN_TEXT = Text(
        "处理文本、日志和邮件中的卡号和证件：停止写入，删除或封存",
        "deal with cards and IDs in text, logs and mail: stop writing them there, delete or seal them",
    )
    SEAL = Text(
        "封存已确认的列：客户信息进入保险库，原处只留令牌",
        "seal the columns: values into the vault, tokens in their place",
    )
    DAMAGED = Text("清除已被表格软件损坏的卡号列", "clear card columns that a spreadsheet has damaged")
    REVIEW = Text("人工复核“可能”的发现", "have a person review what is only possible")
    TESTS = Text("公开的测试卡号，不是客户的，无需处理", "published test numbers, nobody's: nothing to do")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A class and how much of it there is: values by tier, places."""

    field: FieldClass
    by_tier: dict[Confidence, int]
    places: int

    @property
    def count(self) -> int:
        """Values of all tiers."""
        return sum(self.by_tier.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """A task, how many places and values it is about, and the worst of the places."""

    task: Task
    places: int
    values: int
    worst: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What there is, most sensitive first; where most lies; what to do, in order; and the coverage that it rests on."""

    lines: tuple[Line, ...]
    objects: tuple[tuple[str, int], ...]
    todos: tuple[Todo, ...]
    coverage: dict[Status, int]
    complete: bool


def summarise(inventory: Inventory, findings: Iterable[Finding]) -> Summary:
    """Return what ``findings`` (the open ones of ``inventory``) come to."""
    held = list(findings)
    lines: dict[FieldClass, Counter[Confidence]] = {}
    places: Counter[FieldClass] = Counter()
    objects: Counter[str] = Counter()
    for one in held:
        lines.setdefault(one.field, Counter())[one.tier] += one.count
        places[one.field] += 1
        if one.tier is not Confidence.POSSIBLE:
            objects[one.object] += one.count
    order = sorted(lines, key=lambda cls: (-_weight(cls), -sum(lines[cls].values())))
    return Summary(
        lines=tuple(
            Line(field=cls, by_tier={tier: lines[cls][tier] for tier in Confidence}, places=places[cls])
            for cls in order
        ),
        objects=tuple(objects.most_common(PLACES_SHOWN)),
        todos=tuple(_todos(inventory, held)),
        coverage={status: sum(1 for one in inventory.objects if one.status is status) for status in Status},
        complete=inventory.totals.complete,
    )


def task_of(finding: Finding) -> Task:
    """Return what is to be done about a finding."""
    rule = FIELD_RULES[finding.field]
    if all_tests(finding):
        return Task.TESTS
    if finding.tier is Confidence.POSSIBLE:
        return Task.REVIEW
    if rule.destiny is Destiny.PURGE:
        return Task.PURGE
    if finding.detail == "damaged":
        return Task.DAMAGED
    return Task.IN_TEXT if finding.place.kind is PlaceKind.TEXT else Task.SEAL


def _todos(inventory: Inventory, findings: list[Finding]) -> list[Todo]:
    by_task: dict[Task, list[Finding]] = {}
    for one in findings:
        by_task.setdefault(task_of(one), []).append(one)
    todos = []
    for task in Task:
        if task is Task.UNSEEN:
            unseen = sum(1 for one in inventory.objects if one.status in (Status.PARTLY, Status.FAILED))
            todos += [Todo(task=task, places=unseen, values=0)] if unseen else []
        elif task in by_task:
            mine = sorted(by_task[task], key=lambda one: (-_weight(one.field), -one.count, one.object))
            total = sum(one.count for one in mine)
            todos.append(Todo(task=task, places=len(mine), values=total, worst=tuple(mine[:PLACES_SHOWN])))
    return todos


def _weight(cls: FieldClass) -> int:
    rule = FIELD_RULES[cls]
    return (100 if rule.destiny is Destiny.PURGE else 0) + 10 * int(rule.tier) + (5 if rule.pci else 0)
