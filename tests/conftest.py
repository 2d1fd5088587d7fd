"""Settings shared by all tests: property tests draw the same examples every time."""

import signal
import tracemalloc
from pathlib import Path

import matplotlib
import matplotlib.pyplot
import numpy as np
import pytest
from hypothesis import settings

matplotlib.use("Agg")
settings.register_profile("book", deadline=None, derandomize=True, max_examples=50, database=None)
settings.load_profile("book")
# a shell that starts the gate in the background ignores Ctrl-C, which some tests send
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def figures_closed():
    """Whatever a test draws and leaves open."""
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def tracemalloc_peak():
    """Bytes that a call allocates at most at one time, NumPy's arrays included."""

    def peak(call):
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return peak


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real weights and photographs beside the project, which is no part of it."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data: real weights and photographs beside the project")
    return folder
