import numpy as np
import pytest

from cnninv.experiments import Context, row


def test_a_number_inside_the_spread_is_reproduced(rng):
    values = 1 + 0.01 * rng.standard_normal(100)
    found = row("q", "c", 1.0, values)
    assert found.verdict == "reproduced"
    assert found.spread == pytest.approx(tuple(np.quantile(values, [0.01, 0.99])))
    assert found.ours == pytest.approx(values.mean())


def test_a_number_outside_the_spread_differs_with_the_reason(rng):
    found = row("q", "c", 2.0, 1 + 0.01 * rng.standard_normal(100), "because")
    assert (found.verdict, found.reason) == ("differs", "because")


def test_an_interval_is_reproduced_where_the_spread_meets_it(rng):
    values = 0.21 + 0.01 * rng.standard_normal(100)
    assert row("q", "c", (0.1, 0.2), values).verdict == "reproduced"
    assert row("q", "c", (0.1, 0.15), values).verdict == "differs"


def test_without_randomness_ours_must_round_to_the_printed_digits():
    assert row("q", "c", 0.943, 0.9434).verdict == "reproduced"
    assert row("q", "c", 0.943, 0.9436).verdict == "differs"


def test_what_the_paper_does_not_print_is_measured():
    assert row("q", "c", None, 0.5).verdict == "measured"


def test_a_spread_over_few_seeds_is_refused():
    with pytest.raises(ValueError, match="ours has 3 seeds; a spread needs at least 20"):
        row("q", "c", 1.0, [1.0, 1.1, 0.9])


def test_streams_depend_on_the_task_not_on_the_number_of_tasks():
    few, many = Context("quick", 3).streams(2), Context("quick", 3).streams(5)
    assert few[1].random() == many[1].random()
    assert few[0].random() != many[4].random()
