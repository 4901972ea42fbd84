"""Whether the first row names the columns."""

from __future__ import annotations

import pytest

from tigertally.discovery import column_names, header_row


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["客户编号", "卡号"], ["1", "4111111111111111"]], 0),
        ([["a", "b"], ["1", "2"]], 0),
        ([["退款明细", "", ""], ["客户", "卡号", "金额"], ["a", "4111111111111111", "1.00"]], 1),
        ([["王小明", "4111111111111111"], ["李丽", "5555555555554444"]], None),
        ([["王小明", "李丽"], ["赵强", "周敏"]], None),
        ([["1", "2"], ["3", "4"]], None),
        ([["name"]], 0),
        ([[]], None),
        ([], None),
        ([["", ""], ["", ""]], None),
        ([["same", "same", "same"], ["1", "2", "3"]], None),
    ],
)
def test_the_header_is_found_or_not(rows: list[list[str]], expected: int | None) -> None:
    assert header_row(rows) == expected


def test_columns_get_different_names() -> None:
    assert column_names(["备注", "", "备注", "卡 "], 5) == ("备注", "#2", "备注#3", "卡", "#5")
    assert column_names(None, 2) == ("#1", "#2")


def test_a_value_in_a_header_is_starred() -> None:
    assert column_names(["卡4111111111111111", "2024071612345678"], 2) == ("卡****************", "2024071612345678")
