"""Statements: when they hold, what they print, and that each is registered once."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnninv import Statement
from cnninv.statement import REGISTRY, ROUNDING, states

numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers)
def test_a_statement_holds_iff_left_is_at_most_right(left, right):
    statement = Statement("Lemma", "a ≤ b", left, right)
    assert statement.slack == right - left
    if left <= right:
        assert statement.holds
    if left > right + 2e-9 * max(1.0, abs(right)):
        assert not statement.holds


@pytest.mark.parametrize("right", [1e-12, 0.5, 1.0, 40.0, 1e9])
def test_a_statement_forgives_rounding_and_nothing_more(right):
    tolerance = ROUNDING * max(1.0, right)
    assert Statement("Lemma", "a ≤ b", right + 0.9 * tolerance, right).holds
    assert not Statement("Lemma", "a ≤ b", right + 1.2 * tolerance, right).holds


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e6])
def test_a_statement_measures_rounding_against_the_vectors_compared(scale):
    assert Statement("Lemma", "a ≤ b", 0.9 * ROUNDING * scale, 0.0, scale=scale).holds
    assert not Statement("Lemma", "a ≤ b", 1.2 * ROUNDING * scale, 0.0, scale=scale).holds


def test_a_statement_with_an_empty_bound_holds_and_one_with_nan_does_not():
    assert Statement("Lemma", "a ≤ b", 3.0, np.inf).holds
    assert not Statement("Lemma", "a ≤ b", np.inf, 3.0).holds
    assert not Statement("Lemma", "a ≤ b", np.nan, 3.0).holds
    assert not Statement("Lemma", "a ≤ b", 3.0, np.nan).holds


def test_a_statement_prints_label_formula_sides_slack_and_verdict():
    assert str(Statement("Lemma B.2", "a ≤ b", 0.12345, 2.0)) == (
        "Lemma B.2: a ≤ b: 0.1235 ≤ 2, slack 1.877, holds"
    )
    assert str(Statement("Lemma B.2", "a ≤ b", 2.0, 0.5)) == (
        "Lemma B.2: a ≤ b: 2 ≤ 0.5, slack -1.5, VIOLATED"
    )
    assert str(Statement("Lemma B.2", "a ≤ b", 2.0, np.inf)).endswith("slack inf, holds")


def test_a_statement_cannot_be_changed_and_has_no_steps_unless_given():
    statement = Statement("Lemma", "a ≤ b", 1.0, 2.0)
    assert statement.steps == ()
    with pytest.raises(AttributeError):
        statement.left = 3.0


def test_holds_is_a_bool_even_for_numpy_numbers():
    assert Statement("Lemma", "a ≤ b", np.float64(1), np.float64(2)).holds is True


def test_states_registers_a_function_and_leaves_it_as_it_is():
    def example():
        return 7

    before = len(REGISTRY)
    try:
        assert states("Lemma", "a title")(example) is example
        entry = REGISTRY[-1]
        assert (entry.label, entry.title, entry.function) == ("Lemma", "a title", "example")
    finally:
        del REGISTRY[before:]


def test_each_label_and_each_function_is_registered_once():
    for field in ("label", "function"):
        counts = Counter(getattr(entry, field) for entry in REGISTRY)
        assert max(counts.values()) == 1
