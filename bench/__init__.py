"""Measurements of the budgets: each room has ``rows()``, run together by ``bench.run``."""
