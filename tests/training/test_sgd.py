"""Nesterov's momentum with weight decay, by hand and against PyTorch; the learning rate of one cycle."""

import numpy as np
import pytest

from cnninv.training.sgd import Nesterov, one_cycle


def test_a_step_is_the_formula_and_scales_and_biases_do_not_decay():
    names = ("conv.filters", "classifier.weights", "norm.scale", "norm.bias")
    parameters = {name: np.array([1.0, -2.0]) for name in names}
    descent = Nesterov(parameters, momentum=0.9, decay=0.1)
    p, v = {name: np.array([1.0, -2.0]) for name in names}, dict.fromkeys(names, 0.0)
    for step, rate in enumerate((0.5, 0.25, 0.1)):
        gradients = {name: np.array([0.3, step - 1.0]) for name in names}
        given = {name: g.copy() for name, g in gradients.items()}
        descent.step(gradients, rate)
        for name in names:
            g = given[name] + (0.1 * p[name] if name in names[:2] else 0)
            v[name] = 0.9 * v[name] + g
            p[name] = p[name] - rate * (g + 0.9 * v[name])
            np.testing.assert_allclose(parameters[name], p[name])
            np.testing.assert_allclose(descent.state[f"momentum.{name}"], v[name])
            np.testing.assert_array_equal(gradients[name], given[name])  # not written over


def test_steps_are_those_of_pytorch(rng):
    torch = pytest.importorskip("torch")
    ours = {"filters": rng.standard_normal((3, 2)), "bias": rng.standard_normal(3)}
    theirs = {name: torch.tensor(p.copy(), requires_grad=True) for name, p in ours.items()}
    groups = [
        {"params": [theirs["filters"]], "weight_decay": 0.01},
        {"params": [theirs["bias"]], "weight_decay": 0.0},
    ]
    reference = torch.optim.SGD(groups, lr=0.2, momentum=0.8, nesterov=True)
    descent = Nesterov(ours, momentum=0.8, decay=0.01)
    for _ in range(4):
        gradients = {name: rng.standard_normal(p.shape) for name, p in ours.items()}
        for name, p in theirs.items():
            p.grad = torch.tensor(gradients[name].copy())
        reference.step()
        descent.step(gradients, 0.2)
    for name, p in theirs.items():
        np.testing.assert_allclose(ours[name], p.detach().numpy(), rtol=1e-12)


def test_single_precision_stays_single():
    parameters = {"filters": np.ones(2, np.float32)}
    descent = Nesterov(parameters, 0.9, 0.1)
    descent.step({"filters": np.ones(2, np.float32)}, 0.1)
    assert parameters["filters"].dtype == descent.velocity["filters"].dtype == np.float32


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 40])
def test_the_rate_of_one_cycle_rises_once_to_the_highest_and_ends_at_zero(steps):
    rates = [one_cycle(step, steps, highest=0.4) for step in range(steps)]
    rising = max(1, round(0.25 * steps))
    assert rates[rising - 1] == pytest.approx(0.4)
    np.testing.assert_allclose(rates[:rising], 0.4 * np.arange(1, rising + 1) / rising)
    assert all(np.diff(rates[rising - 1 :]) < 0)
    assert steps == 1 or rates[-1] == pytest.approx(0)
