"""Several layers: the recursion on stacks of layers with exact constants, and what it says of one layer."""

import numpy as np
import pytest

from cnninv import conv_matrix, model_rip_exact, pooling_regions, random_filters
from cnninv.theorems import (
    PooledLayer,
    composed_bound,
    error_certificate,
    layers_isometry,
    reconstruction_bound_golden,
    several_layers,
    several_layers_measured,
)


def near_orthogonal(K, M, noise, rng, positive):
    """K unit filters of one tap and M channels, orthogonal up to noise; without negative entries if asked."""
    if positive:
        rows = np.zeros((K, M))
        rows[np.arange(M) % K, np.arange(M)] = rng.uniform(0.5, 1, M)
    else:
        rows = np.linalg.qr(rng.standard_normal((M, M)))[0][:K]
    rows = rows + noise * rng.standard_normal(rows.shape)
    rows = abs(rows) if positive else rows
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True))[:, :, None]


def stack(depth, by, rng, channels=400, noise=0.05):
    """Layers of 6, 2 and 1 regions, and the exact constants of each."""
    W = [conv_matrix(random_filters(3, channels, 3, rng), 6)]
    W.append(conv_matrix(near_orthogonal(2, 3, noise, rng, by == "value"), 2))
    W.append(conv_matrix(near_orthogonal(1, 2, noise, rng, by == "value"), 1))
    shapes = [(3, 4), (2, 2), (1, 1)]
    layers = [PooledLayer(w, shape, 2, by) for w, shape in zip(W, shapes, strict=True)][:depth]
    return layers, [exact(layer) for layer in layers]


def exact(layer):
    blocks = pooling_regions(layer.shape, layer.window)
    arguments = layer.W, layer.shape[0], layer.regions
    return tuple(model_rip_exact(*arguments, sums=s, blocks=blocks) + 1e-13 for s in (1, 2))


def draw(layers, rng):
    """x_L and switches."""
    top = rng.standard_normal(layers[-1].regions) * 10 ** rng.uniform(-2, 0, layers[-1].regions)
    switches = []
    for layer in layers:
        labels = pooling_regions(layer.shape, layer.window)
        regions = (np.flatnonzero(labels == region) for region in range(layer.regions))
        switches.append(np.array([rng.choice(region) for region in regions]))
    return abs(top) if layers[0].by == "value" else top, switches


@pytest.mark.parametrize("by", ["abs", "value"])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("channels", [8, 400, 8000])
def test_several_layers_holds_with_every_step(by, depth, channels, rng):
    for noise in (0.0, 0.05, 0.5):
        layers, deltas = stack(depth, by, rng, channels, noise)
        for level in (0.0, 0.0, 0.003):
            top, switches = draw(layers, rng)
            e = level * rng.standard_normal(layers[0].W.shape[1])
            statement = several_layers(layers, top, switches, deltas, e)
            assert statement.holds, str(statement)
            assert len(statement.steps) == 2 * depth
            assert all(step.holds for step in statement.steps)


def test_several_layers_is_within_the_composed_bound(rng):
    for by in ("abs", "value"):
        for depth in (1, 2, 3):
            layers, deltas = stack(depth, by, rng, channels=8000, noise=0.0)
            top, switches = draw(layers, rng)
            statement = several_layers(layers, top, switches, deltas)
            x = top
            for layer, where in zip(reversed(layers), reversed(switches), strict=True):
                x = layer.decode(x, where)
            bound = composed_bound(deltas, by) * np.linalg.norm(x)
            assert statement.left <= statement.right <= bound * (1 + 1e-9)


def test_several_layers_says_something_of_two_layers(rng):
    _, deltas = stack(2, "abs", rng, channels=40000, noise=0.0)
    assert composed_bound(deltas) < 0.5
    _, deltas = stack(2, "abs", rng, channels=8, noise=0.5)
    assert composed_bound(deltas) > 1


def test_composed_bound_of_one_layer_is_that_of_theorem_3_3():
    for delta in (0.0, 0.1, 0.6):
        assert composed_bound([(delta / 2, delta)]) == pytest.approx(
            reconstruction_bound_golden(delta / 2, delta)
        )
    assert composed_bound([(0.1, 0.1), (1.0, 1.0)]) == np.inf
    assert composed_bound([(0.1, 0.1)] * 2, "value") < composed_bound([(0.1, 0.1)] * 2)


@pytest.mark.parametrize(("by", "kappa"), [("abs", np.sqrt(5)), ("value", 1.0)])
def test_several_layers_right_hand_sides_follow_the_recursion_by_hand(by, kappa, rng):
    norm, phi = np.linalg.norm, (1 + np.sqrt(5)) / 2
    layers, _ = stack(2, by, rng)
    (top, switches), e = draw(layers, rng), 0.01 * rng.standard_normal(layers[0].W.shape[1])
    top[0] = 0  # a code that is not negative may be zero
    middle = layers[1].decode(top, switches[1])
    x_1 = np.maximum(middle, 0) if by == "value" else middle
    x_0 = layers[0].decode(x_1, switches[0]) + e
    a_1 = 0.2 * norm(x_1) + np.sqrt(1.2) * norm(e)
    epsilon_1 = phi * np.sqrt(1.2) * a_1 + norm(e)
    lost = norm(x_1 - middle)  # u_2: what ReLU takes away
    a_2 = 0.3 * norm(top) + np.sqrt(1.3) * (lost + kappa * a_1)
    epsilon_2 = phi * np.sqrt(1.3) * a_2 + lost + kappa * a_1
    statement = several_layers(layers, top, switches, [(0.1, 0.2), (0.15, 0.3)], e)
    expected = [kappa * a_1, epsilon_1, kappa * a_2, epsilon_2]
    np.testing.assert_allclose([step.right for step in statement.steps], expected)
    assert statement.right == pytest.approx(epsilon_1 + np.sqrt(1.1) * epsilon_2)
    reached_1, at_1 = layers[0].encode(x_0)
    reached_2, at_2 = layers[1].encode(reached_1)
    x_hat = layers[0].decode(layers[1].decode(reached_2, at_2), at_1)
    assert statement.left == pytest.approx(norm(x_hat - x_0))
    assert statement.steps[0].left == pytest.approx(norm(reached_1 - x_1))
    assert statement.steps[1].left == pytest.approx(norm(layers[0].decode(reached_1, at_1) - x_0))


def test_several_layers_a_wrong_constant_is_caught(rng):
    layers, deltas = stack(2, "abs", rng, channels=40)
    wrong = [(a / 30, b / 30) for a, b in deltas]
    caught = [several_layers(layers, *draw(layers, rng), wrong).holds for _ in range(20)]
    assert not all(caught)


@pytest.mark.parametrize("by", ["abs", "value"])
def test_several_layers_measured_holds_for_any_input(by, rng):
    for channels in (4, 400):
        layers, _ = stack(3, by, rng, channels)
        for _ in range(5):
            statement = several_layers_measured(layers, rng.standard_normal(6 * channels))
            assert statement.holds
            assert all(step.holds for step in statement.steps)


def test_layers_isometry_holds_and_is_attained_by_one_layer(rng):
    for depth in (1, 2, 3):
        layers, deltas = stack(depth, "abs", rng, channels=40)
        for _ in range(10):
            assert all(s.holds for s in layers_isometry(layers, *draw(layers, rng), deltas))
    single = PooledLayer(np.diag([0.5, 1.5]), (2, 1), 1)
    low, high = (
        layers_isometry([single], top, [[0, 1]], [(1.25, 1.25)]) for top in ([1.0, 0.0], [0.0, 1.0])
    )
    assert high[1].left == pytest.approx(high[1].right)
    assert low[0].holds


def test_error_certificate_is_the_error(rng):
    A, x, y = rng.standard_normal((5, 8)), rng.standard_normal(8), rng.standard_normal(5)
    error = np.linalg.norm(A.T @ y - x)
    assert error_certificate(A, A @ x, y, np.linalg.norm(x)) == pytest.approx(error)


def test_several_layers_bad_input(rng):
    layers, deltas = stack(2, "value", rng)
    top, switches = draw(layers, rng)
    cases = [
        ((layers[:0], top, switches, deltas), TypeError, "layers = .* sequence of PooledLayer"),
        ((layers[::-1], top, switches, deltas), ValueError, r"layers\[1\] expects 2400 entries"),
        (
            (layers, top[:1], switches, deltas),
            ValueError,
            "top has 1 entries; the last layer has 2",
        ),
        ((layers, -top - 1, switches, deltas), ValueError, "top has negative entries"),
        (
            (layers, top, switches[:1], deltas),
            ValueError,
            "switches must be a sequence of 2 arrays",
        ),
        ((layers, top, switches, deltas[:1]), ValueError, "deltas has 1 entries; .* 2 layers"),
        ((layers, top, switches, [0.1, 0.1]), TypeError, r"deltas\[0\] = 0.1 must be a pair"),
        ((layers, top, switches, deltas, [1.0]), ValueError, "noise has 1 entries; expected 2400"),
    ]
    for arguments, error, message in cases:
        with pytest.raises(error, match=message):
            several_layers(*arguments)
    with pytest.raises(ValueError, match="x has 3 entries; the first layer expects 2400"):
        several_layers_measured(layers, np.ones(3))
    with pytest.raises(ValueError, match=r"shape = .* has 6 entries; W has 4 rows"):
        PooledLayer(np.eye(4), (3, 2), 2)
    mixed = [layers[0], PooledLayer(layers[1].W, (2, 2), 2)]
    with pytest.raises(ValueError, match=r"layers\[1\] pools by 'abs'; expected 'value'"):
        several_layers_measured(mixed, np.ones(2400))
