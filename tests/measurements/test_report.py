"""Tables of measured figures."""

import pytest
from bench.report import Table, targets

pytestmark = pytest.mark.unit


def test_the_targets_hold_what_is_to_be_reached_and_what_was_not_run() -> None:
    latency, load = Table("latency"), Table("load")
    latency.add("first word", "300", "≤ 600", True, {"peer": "700"})
    latency.add("last word", "20")
    load.add("everything", "not run: no recordings")
    rows = targets([latency, load]).markdown().splitlines()[2:4]
    assert rows == [
        "| latency: first word | 300 | ≤ 600 | yes |",
        "| load: everything | not run: no recordings |  |  |",
    ]
