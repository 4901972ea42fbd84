"""Fixtures: tokens, and a small estate that is scanned and planned once."""

from __future__ import annotations

import pytest
from tests.unit.sealing.counterparts import Estate, Tokens, survey

from tigertally.sealing import propose
from tigertally.testing import build


@pytest.fixture
def tokens() -> Tokens:
    """Tokens for everything."""
    return Tokens()


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """The estate of 300 customers, its inventory and the proposed plan. Not to be changed."""
    truth = build(tmp_path_factory.mktemp("seller") / "estate", customers=300, seed=11)
    inventory = survey(truth.root)
    return Estate(truth=truth, inventory=inventory, plan=propose(inventory, truth.root))
