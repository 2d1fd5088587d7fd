"""The network as one matrix: against the forward pass, its explicit form, its transpose, and its derivative."""

import numpy as np
import pytest

from cnninv import encode, linearize, random_network


def network(rng, name="vgg16-quarter", last="conv3_1"):
    """Random filters with biases."""
    made = random_network(name, rng, last)
    for bias in made.weights.biases.values():
        bias[:] = rng.standard_normal(len(bias))
    return made


@pytest.fixture
def case(rng):
    made = network(rng)
    image = rng.random((3, 12, 16))
    return made, image, made.preprocessing.whole(image)


@pytest.mark.parametrize("layer", ["pool1", "pool2"])
def test_linearize_gives_the_values_of_the_forward_pass(case, layer):
    made, image, x = case
    A, code = linearize(made, x, layer), encode(made, image, layer)
    values = np.zeros(A.values_shape, np.float32)
    values.reshape(-1)[A.active] = A.values(x.reshape(-1))
    assert np.allclose(values, code.values[0], atol=1e-4 * abs(code.values).max())
    assert np.array_equal(A.active, np.flatnonzero(code.values[0]))
    again = linearize(made, x, layer, code)
    assert np.array_equal(again.values(x.reshape(-1)), A.values(x.reshape(-1)))


def test_linearize_is_its_explicit_matrix_and_its_transpose(case, rng):
    made, _, x = case
    A = linearize(made, x, "pool2")
    M = A.to_matrix()
    assert M.shape == A.shape == (len(A.active), x.size)
    v, y = rng.standard_normal((x.size, 3)), rng.standard_normal((A.shape[0], 3))
    assert np.allclose(A @ v, M @ v)
    assert np.allclose(A.T @ y, M.T @ y)
    assert np.allclose((A.T @ y)[:, 0], A.T @ y[:, 0])
    assert np.allclose(A.values(v), M @ v + A.offset[:, None], atol=1e-4)


def test_linearize_is_the_derivative(case, rng):
    made, _, x = case
    A = linearize(made, x, "pool2")
    direction = 0.03 * rng.standard_normal(x.shape).astype(np.float32)
    moved = made.forward(x + direction, "pool2")["pool2"] - made.forward(x, "pool2")["pool2"]
    error = np.abs(moved.reshape(-1)[A.active] - A @ direction.reshape(-1))
    assert np.median(error) < 0.01 * np.abs(moved).max()


def test_linearize_overlapping_windows(rng):
    made = random_network("alexnet", rng, last="conv5")
    layers = tuple(s for s in made.architecture.layers if not s.name.startswith("norm"))
    weights = made.weights.__class__(
        **{
            **vars(made.weights),
            "architecture": made.architecture.__class__(
                **{
                    **{f: getattr(made.architecture, f) for f in ("name", "title", "crop", "mean")},
                    "layers": layers,
                }
            ),
        }
    )
    made = made.__class__(weights)
    x = rng.standard_normal((3, 83, 83)).astype(np.float32)
    A = linearize(made, x, "pool2")
    assert np.allclose(
        A.values(x.reshape(-1)), made.forward(x, "pool2")["pool2"].reshape(-1)[A.active], atol=1e-3
    )
    v, y = rng.standard_normal(x.size), rng.standard_normal(A.shape[0])
    assert (A @ v) @ y == pytest.approx(v @ (A.T @ y))


def test_linearize_with_a_code_of_another_input_keeps_its_switches(case, rng):
    made, image, x = case
    code = encode(made, image, "pool1")
    other = x + rng.standard_normal(x.shape).astype(np.float32)
    A = linearize(made, other, "pool1", code)
    assert np.array_equal(A.active, np.flatnonzero(code.values[0]))
    entries = code.planes["pool1"][0] * code.planes["pool1"][1]
    hidden = made.forward(other, "conv1_2")["conv1_2"].reshape(16, entries)
    kept = np.take_along_axis(hidden, code.switches["pool1"].reshape(16, -1), axis=1)
    assert np.allclose(A.values(other.reshape(-1)), kept.reshape(-1)[A.active], atol=1e-4)


def test_linearize_counts_products(case):
    made, _, x = case
    assert linearize(made, x, "pool1").products == 12 * 16 * 9 * (3 * 16 + 16 * 16)


def test_linearize_bad_input(case, rng):
    made, image, x = case
    with pytest.raises(ValueError, match=r"x has shape \(2, 4, 4\); expected \(3, height, width\)"):
        linearize(made, np.ones((2, 4, 4)), "pool1")
    with pytest.raises(ValueError, match=r"expected pool2 of 1 image of 12 × 16"):
        linearize(made, x, "pool2", encode(made, image, "pool1"))
    with pytest.raises(TypeError, match="code = 3 must be a Code"):
        linearize(made, x, "pool2", 3)
    with pytest.raises(ValueError, match=r"x has shape .* expect 576 rows here"):
        linearize(made, x, "pool1") @ np.ones(3)
    alexnet = random_network("alexnet", rng, last="conv1")
    with pytest.raises(ValueError, match="network has norm1, which is not linear"):
        linearize(alexnet, rng.random((3, 43, 43)), "pool1")
