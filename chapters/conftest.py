"""Budgets of the chapters under `pytest --nbval`: each below 60 s, every kernel below 2 GB."""

import resource
import sys
from collections import defaultdict

import pytest

# a kernel and nbgrader execute these, and define names in them
collect_ignore = ["exercises/limits.py", "exercises/nbgrader_config.py"]
SECONDS, MEGABYTES = 60, 2048
SLOWER = 1.5  # how much slower than a quiet two-core laptop a machine may be
KEY = pytest.StashKey[list[str]]()
spent: dict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report) -> None:
    """Add up the time of each chapter's cells."""
    if ".ipynb" in report.nodeid:
        spent[report.nodeid.split("::")[0]] += report.duration


def pytest_sessionfinish(session, exitstatus) -> None:
    """Fail the run if a chapter went over its budget."""
    # the largest of all finished children, in kB (Linux) or bytes (macOS)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    megabytes = peak / (1e6 if sys.platform == "darwin" else 1e3)
    over = [
        f"{name} took {s:.0f} s of {SECONDS}" for name, s in spent.items() if s > SLOWER * SECONDS
    ]
    if spent and megabytes > MEGABYTES:
        over.append(f"a chapter's kernel took {megabytes:.0f} MB of {MEGABYTES}")
    if over:
        session.exitstatus = 1
        session.config.stash.setdefault(KEY, []).extend(over)


def pytest_terminal_summary(terminalreporter, config) -> None:
    """Say how long each chapter took, and which went over."""
    for name, seconds in sorted(spent.items()):
        terminalreporter.line(f"{name}: {seconds:.1f} s")
    for problem in config.stash.get(KEY, []):
        terminalreporter.line(f"over budget: {problem}", red=True)
