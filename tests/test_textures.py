"""The ten textures: what makes them a fair stand-in for photographs, and that a seed fixes them."""

import numpy as np
import pytest

import cnninv
from cnninv.textures import CLASSES, texture_images


def accuracy_of_ridge(train, labels, test, test_labels, penalty):
    """Of the best linear classifier in the sense of least squares."""
    A, B = (np.c_[f, np.ones(len(f))] for f in (train, test))
    gram = A.T @ A + penalty * np.eye(A.shape[1])
    V = np.linalg.solve(gram, A.T @ np.eye(10)[labels])
    return float(((B @ V).argmax(axis=1) == test_labels).mean())


@pytest.fixture(scope="module")
def images():
    return texture_images(np.random.default_rng(1))


def flat(images):
    return images.reshape(len(images), -1) / 255 - 0.5


def test_same_seed_same_bytes_and_another_seed_others():
    one, two, other = (texture_images(np.random.default_rng(s), 50, 20) for s in (3, 3, 4))
    for name in ("images", "labels", "test_images", "test_labels"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.images, other.images)


def test_pixels_are_bytes_channels_first_and_labels_fit(images):
    assert images.images.shape == (2000, 3, 16, 16)
    assert images.test_images.shape == (1000, 3, 16, 16)
    assert images.images.dtype == images.labels.dtype == np.uint8
    assert images.classes == CLASSES
    assert images.test_parts == {"all": slice(0, 1000)}
    assert images.images.min() == 0
    assert images.images.max() == 255
    assert 0.4 < images.images.mean() / 255 < 0.6


def test_classes_are_balanced_and_in_random_order(images):
    assert (np.bincount(images.labels) == 200).all()
    assert (np.bincount(images.test_labels) == 100).all()
    assert 0.05 < np.mean(images.labels[1:] == images.labels[:-1]) < 0.15


def test_counts_that_ten_does_not_divide_are_as_balanced_as_can_be():
    few = texture_images(np.random.default_rng(0), count=25, test=11)
    assert set(np.bincount(few.labels)) == {2, 3}
    assert set(np.bincount(few.test_labels)) == {1, 2}


def test_no_image_occurs_twice(images):
    both = np.concatenate([flat(images.images), flat(images.test_images)])
    assert len(np.unique(both, axis=0)) == 3000


@pytest.mark.parametrize("side", [8, 17, 32])
def test_any_side(side):
    few = texture_images(np.random.default_rng(0), 20, 10, side=side, noise=0)
    assert few.images.shape == (20, 3, side, side)


def test_the_mean_image_of_each_class_is_the_same_grey(images):
    """Up to what 200 images of standard deviation 0.2 leave."""
    means = [images.images[images.labels == c].mean(axis=0) / 255 for c in range(10)]
    assert np.std(means, axis=0).mean() < 0.03


@pytest.mark.parametrize("penalty", [10.0, 100.0, 1000.0])
def test_a_linear_classifier_on_pixels_is_near_chance(images, penalty):
    found = accuracy_of_ridge(
        flat(images.images), images.labels, flat(images.test_images), images.test_labels, penalty
    )
    assert 0.05 < found < 0.2


def test_random_filters_are_far_above_pixels_and_width_helps(images):
    """Random filters, ReLU, averages over 4 × 4 pixels: nothing is learned but the classifier."""
    rng, found = np.random.default_rng(0), []
    for width in (8, 64):
        W = cnninv.ConvOperator(cnninv.random_filters(width, 3, (5, 5), rng), (16, 16), padding=2)

        def features(pictures, W=W, width=width):
            h = np.maximum(W @ flat(pictures).T, 0).reshape(width, 4, 4, 4, 4, -1)
            return h.mean(axis=(2, 4)).reshape(width * 16, -1).T

        found.append(
            accuracy_of_ridge(
                features(images.images),
                images.labels,
                features(images.test_images),
                images.test_labels,
                1.0,
            )
        )
    assert found[1] > 0.35
    assert found[1] > found[0] + 0.05 > 0.2


def test_generators_pictures_look_like_their_names():
    """Without noise, stripes change along the axis that they should change along."""
    clean = texture_images(np.random.default_rng(0), 400, 10, noise=0)
    grey = clean.images.mean(axis=1)
    across = np.abs(np.diff(grey, axis=2)).mean(axis=(1, 2))
    down = np.abs(np.diff(grey, axis=1)).mean(axis=(1, 2))
    for label, larger, smaller in ((0, down, across), (1, across, down)):
        members = clean.labels == label
        assert (larger[members] > 1.2 * smaller[members]).all()
    rising = np.abs(grey[:, 1:, :-1] - grey[:, :-1, 1:]).mean(axis=(1, 2))
    falling = np.abs(grey[:, 1:, 1:] - grey[:, :-1, :-1]).mean(axis=(1, 2))
    for label, along, against in ((2, rising, falling), (3, falling, rising)):
        members = clean.labels == label
        assert (against[members] > 1.2 * along[members]).mean() > 0.95


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"count": 9}, ValueError, "count = 9 must be at least 10"),
        ({"count": 20.0}, TypeError, "count = 20.0 must be an integer"),
        ({"test": 0}, ValueError, "test = 0 must be at least 10"),
        ({"side": 7}, ValueError, "side = 7 must be at least 8"),
        ({"noise": 2.0}, ValueError, "noise = 2.0 must be a finite number, at least 0, at most 1"),
        ({"noise": float("nan")}, ValueError, "noise = nan must be a finite number"),
        ({"rng": 0}, TypeError, "rng = 0 must be a numpy.random.Generator"),
    ],
)
def test_wrong_arguments(wrong, error, message):
    with pytest.raises(error, match=message):
        texture_images(**{"rng": np.random.default_rng(0)} | wrong)
