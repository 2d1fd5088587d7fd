"""Sweeps: the same results whatever the workers, and what happens when something fails."""

from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import sweeptasks as tasks

from cnninv.experiments import fig2, phase_diagram, scaling
from cnninv.parts import Parts
from cnninv.processes import Processes
from cnninv.sweep import sweep


@pytest.fixture(scope="module")
def two():
    with Processes(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def one():
    with Processes(1) as executor:
        yield executor


def streams(count, seed=0):
    return np.random.default_rng(seed).spawn(count)


def bits(results):
    """Floats and arrays, nested, as bytes."""
    if isinstance(results, dict):
        return [bits(value) for value in results.values()]
    if isinstance(results, (list, tuple)):
        return [bits(value) for value in results]
    return np.asarray(results).tobytes()


class Here(Executor):
    """Runs the last of what is handed in first; may break, as a pool does that loses a process."""

    def __init__(self, window=10, deaths=()):
        self.window, self.deaths, self.broken = window, list(deaths), False
        self.queue, self.restarts, self.working = [], 0, False

    def submit(self, attempt, task, item):
        if self.broken:
            raise BrokenExecutor
        future = _Lazy(self)
        self.queue.append((future, attempt, task, item))
        return future

    def work(self):
        self.working = True
        future, attempt, task, item = self.queue.pop()
        if item in self.deaths:
            self.deaths.remove(item)
            self.broken = True
            for other, *_ in [(future,), *self.queue]:
                other.set_exception(BrokenExecutor())
            self.queue = []
        else:
            future.set_result(attempt(task, item))
        self.working = False


class Restartable(Here):
    def restart(self):
        self.broken, self.queue = False, []
        self.restarts += 1


class _Lazy(Future):
    """A future that is computed when one waits for it."""

    def __init__(self, executor):
        super().__init__()
        self.executor = executor

    @property
    def _state(self):
        while self._known == "PENDING" and self.executor.queue and not self.executor.working:
            self.executor.work()
        return self._known

    @_state.setter
    def _state(self, state):
        self._known = state


def test_results_stand_in_the_order_of_the_items():
    numbers = [3, 1, 2, 5, 4]
    assert sweep(tasks.square, numbers) == [9, 1, 4, 25, 16]
    with ThreadPoolExecutor(3) as threads:
        assert sweep(tasks.square, numbers, threads) == [9, 1, 4, 25, 16]
    assert sweep(tasks.square, []) == []


def test_results_do_not_depend_on_the_number_of_workers(one, two):
    alone = bits(sweep(tasks.monte_carlo, streams(5), one))
    assert bits(sweep(tasks.monte_carlo, streams(5), two)) == alone
    assert bits(sweep(tasks.monte_carlo, streams(5, seed=1), two)) != alone


def test_a_worker_has_one_blas_thread_and_is_deaf_to_ctrl_c(two):
    assert sweep(tasks.threads_and_environment, [0], two) == [("1", "1", True)]


def test_results_do_not_depend_on_the_executor(two):
    alone = bits(sweep(tasks.draw, streams(5)))
    assert bits(sweep(tasks.draw, streams(5), two)) == alone
    with ThreadPoolExecutor(3) as threads:
        assert bits(sweep(tasks.draw, streams(5), threads)) == alone


def test_results_do_not_depend_on_the_order_in_which_tasks_finish():
    assert bits(sweep(tasks.draw, streams(5), Here())) == bits(sweep(tasks.draw, streams(5)))


def test_experiments_do_not_depend_on_the_number_of_workers(one, two):
    sizes = np.array([[8, 4, 36], [8, 8, 36]])
    for task, items in (
        (partial(fig2._measure, codes=5, device="cpu"), [(rng, False) for rng in streams(3)]),
        (partial(scaling._measure, sizes=sizes, draws=1, device="cpu"), streams(3)),
    ):
        assert bits(sweep(task, items, two)) == bits(sweep(task, items, one))
    diagram = partial(phase_diagram, [1, 4], [2, 8], K=8, D=12, layers=2, codes=2)
    rates = diagram(np.random.default_rng(0), executor=one)
    np.testing.assert_array_equal(diagram(np.random.default_rng(0), executor=two), rates)


def test_a_task_gets_a_copy_of_its_item():
    rngs = streams(2)
    first = sweep(lambda rng: float(rng.random()), rngs)
    assert sweep(lambda rng: float(rng.random()), rngs) == first
    with ThreadPoolExecutor(2) as threads:
        assert sweep(lambda rng: float(rng.random()), rngs, threads) == first


def test_progress_counts_the_tasks_that_are_to_be_done(tmp_path):
    parts = Parts(tmp_path / "p", {})
    parts.keep(1, "kept")
    seen = []

    def progress(indices):
        for index in indices:
            yield index
            seen.append(index)

    assert sweep(tasks.square, [2, 3, 4], progress=progress, parts=parts) == [4, "kept", 16]
    assert len(seen) == 2


# ---- what is lost ------------------------------------------------------------------------------------


def test_a_lost_worker_costs_its_task_not_the_sweep(two, tmp_path):
    task = partial(tasks.lose_worker, folder=str(tmp_path), times=1)
    assert sweep(task, range(6), two) == [number**2 for number in range(6)]
    assert (tmp_path / "deaths").read_text() == "x"


def test_a_task_that_loses_its_worker_twice_is_named_and_the_others_are_kept(two, tmp_path):
    task = partial(tasks.lose_worker, folder=str(tmp_path), times=9)
    parts = Parts(tmp_path / "p", {})
    with pytest.raises(ChildProcessError) as caught:
        sweep(task, range(6), two, "fig2", parts=parts)
    assert str(caught.value) == (
        "fig2: task 4 of 6 has lost its worker twice (killed, perhaps for lack of memory); "
        "the tasks that are finished are not computed again"
    )
    assert (tmp_path / "deaths").read_text() == "xx"
    assert all(parts.read(number) == number**2 for number in range(3))
    assert sweep(tasks.square, range(6), two) == [number**2 for number in range(6)]


def test_suspects_are_tried_alone():
    """All that ran beside the lost task is tried again; one at a time, so that the guilty one is known."""
    executor = Restartable(window=3, deaths=[1])
    assert sweep(tasks.square, range(7), executor) == [number**2 for number in range(7)]
    assert executor.restarts == 1
    executor = Restartable(window=3, deaths=[1, 1])
    with pytest.raises(ChildProcessError, match="task 2 of 7 has lost its worker twice"):
        sweep(tasks.square, range(7), executor)


def test_different_tasks_may_each_lose_a_worker():
    executor = Restartable(window=2, deaths=[0, 3, 5])
    assert sweep(tasks.square, range(7), executor) == [number**2 for number in range(7)]
    assert executor.restarts == 3


def test_an_executor_that_cannot_begin_anew_is_told_as_it_is():
    with pytest.raises(ChildProcessError, match="task 1 or 2 of 3 has lost its worker"):
        sweep(tasks.square, range(3), Here(window=2, deaths=[1]))


# ---- what fails --------------------------------------------------------------------------------------


def test_what_a_task_raises_ends_the_sweep_as_it_would_here(two):
    with pytest.raises(ValueError, match="invalid literal") as here:
        sweep(int, ["1", "x"])
    with pytest.raises(ValueError, match="invalid literal") as there:
        sweep(int, ["1", "x"], two)
    assert str(here.value) == str(there.value)


def test_an_error_that_cannot_travel_is_replaced_by_one_of_its_kind(two):
    with pytest.raises(ValueError, match="Stubborn: 1 and more"):
        sweep(tasks.stubborn, [1], two)


def test_out_of_memory_in_a_worker_says_what_was_asked(two):
    with pytest.raises(MemoryError, match=r"Unable to allocate 1\.00 EiB"):
        sweep(tasks.too_much_memory, [0], two)


def test_a_task_that_processes_cannot_import_is_refused_at_once(two):
    with pytest.raises(TypeError, match="fig2: its task cannot be sent to other processes"):
        sweep(lambda number: number, [1, 2], two, "fig2")


def test_a_failed_sweep_leaves_nothing_running(two):
    with pytest.raises(ValueError, match="invalid literal"):
        sweep(int, ["x", *map(str, range(50))], two)
    assert sweep(tasks.square, [5], two) == [25]


# ---- what is kept ------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", [None, Here(window=2)])
def test_a_finished_part_is_not_computed_twice_after_a_restart(tmp_path, executor):
    (marks := tmp_path / "marks").mkdir()
    parts = Parts(tmp_path / "p", {})
    with pytest.raises(KeyboardInterrupt):
        sweep(partial(tasks.stopped_at_3, folder=str(marks)), range(5), parts=parts)
    assert tasks.counts(marks) == {0: 1, 1: 1, 2: 1}
    task = partial(tasks.count, folder=str(marks))
    assert sweep(task, range(5), executor, parts=parts) == [number**2 for number in range(5)]
    assert tasks.counts(marks) == dict.fromkeys(range(5), 1)
