"""Limits of a kernel that runs a student's notebook: memory, and what a cell prints.

IPython executes this file when the kernel starts (`nbgrader_config.py` says so). It guards against mistakes.
Code that means harm needs a container around the whole of it.
"""

import contextlib
import sys

MEMORY = 4_000_000_000  # bytes of address space
PRINTED = 100_000  # characters in a cell


def limit_memory() -> None:
    """More than MEMORY raises a MemoryError (Linux; other systems ignore it)."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def limit_output(stream) -> None:
    """More than PRINTED characters in a cell raise a RuntimeError."""
    write, left = stream.write, [PRINTED]

    def limited(text: str) -> int:
        left[0] -= len(text)
        if left[0] < 0:
            raise RuntimeError(f"this cell printed more than {PRINTED} characters")
        return write(text)

    def reset(*_) -> None:
        left[0] = PRINTED

    stream.write = limited
    get_ipython().events.register("pre_run_cell", reset)  # noqa: F821 (in a kernel)


limit_memory()
for stream in (sys.stdout, sys.stderr):
    limit_output(stream)
