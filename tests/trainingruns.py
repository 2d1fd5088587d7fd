"""Training runs in tests: two that must be the same, and one that Ctrl-C ends after so many steps."""

import os
import signal

import numpy as np
import pytest


def assert_same(one, other):
    """Equal bit for bit in all that is learned, and in what is told of the epochs but their seconds."""
    a, b = one.model.state, other.model.state
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]), name
    timeless = [
        [{k: v for k, v in entry.items() if k != "seconds"} for entry in trained.history]
        for trained in (one, other)
    ]
    assert timeless[0] == timeless[1]


def interrupt(start, module, step):
    """Start a run whose steps are `module._step`, and interrupt it in the one of that number."""
    count, original = 0, module._step

    def interrupted(*arguments):
        nonlocal count
        original(*arguments)
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            start()
    assert count == step
