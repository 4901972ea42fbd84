"""What may be told at which stage, and statistics that hide small groups."""

from __future__ import annotations

import pytest

from tigertally import deals
from tigertally.access.policy import STAGES, Side
from tigertally.access.stages import CLEAR_STAGES
from tigertally.deals import disclosure
from tigertally.deals.disclosure import Band, Level


def test_every_stage_is_in_the_table() -> None:
    assert tuple(disclosure.PERMITTED) == STAGES


def test_clear_values_only_from_closing_on_as_the_policy_has_it() -> None:
    assert {stage for stage in STAGES if deals.permits(stage, Level.CLEAR)} == CLEAR_STAGES[Side.BUYER]


def test_the_table_of_the_law_facts() -> None:
    told = {level: [stage for stage in STAGES if deals.permits(stage, level)] for level in Level}
    assert told[Level.COUNTS] == list(STAGES[:9])
    assert told[Level.BANDED] == ["S2", "S3", "S4", "S5", "S6"]
    assert told[Level.PSEUDONYMISED] == ["S4", "S5"]
    assert told[Level.CLEAR] == ["S7", "S8"]


def test_a_dead_deal_and_an_unknown_stage_tell_nothing() -> None:
    for stage in ("S9", "S10", ""):
        assert not any(deals.permits(stage, level) for level in Level)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 1), (1, 1, 2), (2, 2, 5), (4, 2, 5), (5, 5, 10), (9, 5, 10), (10, 10, 20), (19, 10, 20), (20, 20, 50),
     (63, 50, 100), (99_999, 50_000, 100_000), (100_000, 100_000, 200_000), (250_000, 200_000, 500_000)],
)  # fmt: skip
def test_blind_ranges(count: int, low: int, high: int) -> None:
    assert deals.ranged(count) == Band(low=low, high=high)


def test_ranges_cover_every_count_once() -> None:
    for count in range(3_000):
        band = deals.ranged(count)
        assert band.low <= count < band.high
        assert deals.ranged(band.low) == band == deals.ranged(band.high - 1)


def test_small_cells_are_suppressed() -> None:
    cells = deals.banded({"北京": 120, "上海": 9, "西藏": 0, "广东": 10})
    assert [(cell.label, cell.band) for cell in cells] == [
        ("北京", Band(low=100, high=200)),
        ("上海", None),
        ("西藏", None),
        ("广东", Band(low=10, high=20)),
    ]


def test_a_lone_small_cell_takes_the_next_smallest_along() -> None:
    cells = {cell.label: cell.band for cell in deals.banded({"a": 500, "b": 3, "c": 40})}
    assert cells["b"] is None
    assert cells["c"] is None
    assert cells["a"] is not None


def test_a_higher_k_hides_more_and_a_lower_one_is_a_mistake() -> None:
    assert [cell.band for cell in deals.banded({"a": 30, "b": 40, "c": 60}, k=50)][:2] == [None, None]
    for k in (0, 1, 9):
        with pytest.raises(ValueError, match="k"):
            deals.banded({"a": 30}, k=k)
    with pytest.raises(ValueError, match="negative"):
        deals.ranged(-1)


def test_a_statistic_of_one_cell_or_none() -> None:
    assert deals.banded({}) == ()
    assert [cell.band for cell in deals.banded({"a": 3})] == [None]
