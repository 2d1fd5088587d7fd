import multiprocessing
import os
import sys
import threading
import weakref

import pytest

from cnninv import threads
from cnninv.threads import core_count, in_threads, slices, thread_count


def test_results_come_in_the_order_of_the_pieces():
    assert in_threads(lambda n: n * n, list(range(50)), threads=4) == [n * n for n in range(50)]


def test_jobs_run_at_the_same_time():
    meet = threading.Barrier(3, timeout=30)
    in_threads(lambda _: meet.wait(), [0, 1, 2], threads=3)


def test_jobs_may_use_threads_themselves():
    def outer(n):
        return sum(in_threads(lambda m: n * m, [1, 2, 3], threads=2))

    assert in_threads(outer, list(range(8)), threads=2) == [6 * n for n in range(8)]


@pytest.mark.parametrize("error", [ValueError, IndexError])
def test_the_error_of_a_job_is_raised(error):
    def job(n):
        if n == 5:
            raise error("five")
        return n

    with pytest.raises(error, match="five"):
        in_threads(job, list(range(10)), threads=3)
    assert in_threads(job, [1, 2], threads=3) == [1, 2]


def test_results_are_not_kept_where_the_helper_had_no_time():
    class Result:
        pass

    done = threading.Event()
    threads._pool(1).submit(done.wait)  # the helper has something else to do
    results = in_threads(lambda _: Result(), [0, 1], threads=2)
    kept = [weakref.ref(result) for result in results]
    del results
    assert [result() for result in kept] == [None, None]
    done.set()


def test_slices_cover_everything_once():
    for length in range(1, 9):
        for parts in range(1, 12):
            cut = slices(length, parts)
            assert [n for part in cut for n in range(length)[part]] == list(range(length))
            assert len(cut) == min(parts, length)


def test_the_number_of_threads_is_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert core_count() == thread_count(None) == 3
    for nothing in ("", "0", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", nothing)
        assert 1 <= core_count() <= os.cpu_count()
    assert thread_count(5) == 5
    with pytest.raises(ValueError, match="threads = 0 must be at least 1"):
        thread_count(0)


def _square(n):
    return in_threads(lambda m: m * m, [n, n + 1, n + 2], threads=3)


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_starts_threads_of_its_own():
    _square(0)  # the pool of this process
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_square, (3,)).get(timeout=60) == [9, 16, 25]
