"""Every check passes the solution, and no blank or wrong answer."""

import inspect
from textwrap import dedent, indent

import numpy as np
import pytest
from checks.editions import PROBLEMS, SETS, notebook, solutions, tasks
from checks.wrong_answers import WRONG

from cnninv.checks import Incorrect, matrix
from cnninv.checks.asking import SEED, ask, instances, number

MISTAKES = [(name, problem, mistake) for name, problem in PROBLEMS for mistake in WRONG[problem]]


@pytest.fixture(scope="module")
def spaces() -> dict[str, dict[str, object]]:
    return {name: solutions(name) for name in SETS}


def test_there_are_four_to_six_sets_and_each_has_points_time_and_prerequisites():
    assert 4 <= len(SETS) <= 6
    for name in SETS:
        head = notebook(name).cells[0].source
        points = sum(task.metadata.nbgrader.points for task in tasks(name).values())
        assert f"| **Points** | {points} |" in head, name
        for line in ("Time", "You need", "You will find"):
            assert f"**{line}**" in head, name


def test_a_test_cell_is_one_call_with_the_students_function():
    for name, problem in PROBLEMS:
        call = tasks(name)[problem].source
        assert call.endswith(f".{problem}({problem})"), call
        assert "\n" not in call, call


@pytest.mark.parametrize(("name", "problem"), PROBLEMS)
def test_the_solution_passes_on_every_draw(name, problem, spaces, monkeypatch):
    for seed in range(8):
        monkeypatch.setenv(SEED, str(seed))
        exec(tasks(name)[problem].source, spaces[name])


@pytest.mark.parametrize(("name", "problem"), PROBLEMS)
def test_a_blank_answer_fails_and_says_what_is_missing(name, problem, spaces):
    def blank(*_):
        raise NotImplementedError

    blank.__name__ = problem
    with pytest.raises(Incorrect, match=f"`{problem}` is not written yet"):
        exec(tasks(name)[problem].source, {**spaces[name], problem: blank})


@pytest.mark.parametrize(("name", "problem", "mistake"), MISTAKES)
def test_a_plausible_mistake_loses_the_points(name, problem, mistake, spaces, monkeypatch):
    right = spaces[name][problem]
    body = indent(dedent(WRONG[problem][mistake]).strip(), "    ")
    space = {**spaces[name], "right": right, "book": dense_matrix}
    exec(f"def {problem}{inspect.signature(right)}:\n{body}", space)
    for seed in range(3):
        monkeypatch.setenv(SEED, str(seed))
        with pytest.raises(Incorrect) as refused:
            exec(tasks(name)[problem].source, space)
        assert f"`{problem}" in str(refused.value)


def test_every_problem_has_at_least_two_wrong_answers():
    assert all(len(WRONG[problem]) >= 2 for _, problem in PROBLEMS)
    assert set(WRONG) == {problem for _, problem in PROBLEMS}


def test_a_seed_makes_two_gradings_equal(monkeypatch):
    monkeypatch.setenv(SEED, "3")
    assert instances("a").random() == instances("a").random() != instances("b").random()
    monkeypatch.delenv(SEED)
    assert instances("a").random() != instances("a").random()


def test_a_seed_that_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv(SEED, "one")
    with pytest.raises(ValueError, match=r"CNNINV_CHECK_SEED is 'one'; expected a whole number"):
        instances("a")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (3, "expected a function, got 3"),
        (lambda: None, "returned nothing; is a `return` missing"),
        (lambda: 1 / 0, "raised ZeroDivisionError"),
        (lambda: "seven", "returned 'seven'; expected real numbers"),
        (lambda: [1, 2], "returned a list for .*; expected a single number"),
        (lambda: np.nan, "returned NaN or infinity"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_named(answer, message):
    with pytest.raises(Incorrect, match=message):
        number(answer)


def test_a_function_that_changes_its_arguments_does_not_change_the_instance():
    h = np.ones(3)

    def spoil(h):
        h[:] = 0
        return 1

    ask(spoil, h)
    assert h.all()


def test_no_check_shows_the_answer():
    filters, D = np.ones((2, 1, 2)), 3
    with pytest.raises(Incorrect) as refused:
        matrix.correlation_matrix(lambda filters, D, stride: np.zeros((2, 3)))
    assert "shape" in str(refused.value)
    assert dense_matrix(filters, D, 1).shape == (4, 3)


def dense_matrix(filters: np.ndarray, D: int, stride: int) -> np.ndarray:
    from cnninv import conv_matrix

    return conv_matrix(filters, D, stride).toarray()
