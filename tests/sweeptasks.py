"""Tasks for tests of sweeps: functions of a module, so that other processes can import them."""

import itertools
import os
import signal
import time
from pathlib import Path

import numpy as np

ASKED = itertools.count()


def ever_newer() -> dict[str, str]:
    """What is installed, another version each time one asks."""
    return {"cnninv with source": f"version {next(ASKED)}"}


def square(number: int) -> int:
    return number**2


def draw(rng: np.random.Generator) -> dict:
    A = rng.standard_normal((9, 9))
    return {"sum": float(A.sum()), "values": np.linalg.eigvalsh(A + A.T)}


def monte_carlo(rng: np.random.Generator) -> dict:
    """Long sums and matrix products, whose last bits would show another order of the additions."""
    A = rng.standard_normal((150, 150))
    return {"norm": float(np.linalg.norm(A @ A.T)), "values": np.linalg.eigvalsh(A @ A.T)}


def count(number: int, folder: str) -> int:
    """Leaves a mark for each time that it runs."""
    with (Path(folder) / f"{number}").open("a") as marks:
        marks.write("x")
    return number**2


def counts(folder: Path) -> dict[int, int]:
    """How often each task has run."""
    return {int(path.name): len(path.read_text()) for path in folder.iterdir()}


def stopped_at_3(number: int, folder: str) -> int:
    if number == 3:
        raise KeyboardInterrupt
    return count(number, folder)


def lose_worker(number: int, folder: str, times: int, guilty: int = 3) -> int:
    """Task `guilty` kills its process, as the kernel does when memory runs out, the first so many times."""
    done = Path(folder) / "deaths"
    deaths = len(done.read_text()) if done.is_file() else 0
    if number == guilty and deaths < times:
        done.write_text("x" * (deaths + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def too_much_memory(number: int) -> float:
    return float(np.empty(2**57)[number])


class Stubborn(ValueError):
    """An error that cannot be pickled."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def stubborn(number: int) -> int:
    raise Stubborn(number, "more")


def slow(number: int) -> int:
    time.sleep(60)
    return number


def threads_and_environment(number: int) -> tuple:
    return (
        os.environ.get("OPENBLAS_NUM_THREADS"),
        os.environ.get("OMP_NUM_THREADS"),
        signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    )
