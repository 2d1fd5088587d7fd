"""Adam against PyTorch's, in float64."""

import numpy as np
import pytest

from cnninv.training import Adam


def test_steps_are_pytorchs(rng):
    torch = pytest.importorskip("torch")
    ours = {"a": rng.standard_normal((3, 4)), "b": rng.standard_normal(5)}
    theirs = [torch.tensor(value, requires_grad=True) for value in ours.values()]
    adam, reference = Adam(ours), torch.optim.Adam(theirs)
    for step in range(20):
        gradients = {name: rng.standard_normal(value.shape) for name, value in ours.items()}
        rate = 0.1 / (1 + step)
        adam.step(gradients, rate)
        reference.param_groups[0]["lr"] = rate
        for parameter, gradient in zip(theirs, gradients.values(), strict=True):
            parameter.grad = torch.tensor(gradient)
        reference.step()
    for value, parameter in zip(ours.values(), theirs, strict=True):
        np.testing.assert_allclose(value, parameter.detach().numpy(), rtol=1e-10)


def test_the_state_is_all_that_the_next_step_needs(rng):
    gradients = [{"p": rng.standard_normal(6)} for _ in range(4)]
    one, other = ({"p": np.ones(6)} for _ in range(2))
    first = Adam(one)
    for g in gradients[:2]:
        first.step(g, 0.1)
    second = Adam(other)
    other["p"][...] = one["p"]
    for name, value in first.state.items():
        second.state[name][...] = value
    for g in gradients[2:]:
        first.step(g, 0.1)
        second.step(g, 0.1)
    assert np.array_equal(one["p"], other["p"])


def test_numbers_stay_in_their_precision():
    p = {"p": np.ones(3, np.float32)}
    adam = Adam(p)
    adam.step({"p": np.full(3, 2.0, np.float32)}, 0.5)
    assert p["p"].dtype == np.float32
    assert p["p"].tolist() == pytest.approx([0.5] * 3)
