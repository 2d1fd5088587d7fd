import numpy as np
import pytest

from cnninv.preprocessing import Preprocessing

MEAN = np.array([123.68, 116.779, 103.939])


def test_the_middle_of_the_image_in_0_to_255_minus_the_mean(rng):
    image = rng.random((3, 10, 13))
    x = Preprocessing(6, MEAN)(image)
    assert x.shape == (3, 6, 6)
    assert x.dtype == np.float32
    assert x[2, 0, 5] == pytest.approx(255 * image[2, 2, 8] - 103.939, rel=1e-5)


def test_a_mean_image_is_cropped_like_the_image(rng):
    image, mean = rng.random((3, 8, 8)), 255 * rng.random((3, 8, 8))
    x = Preprocessing(4, mean)(image)
    assert np.allclose(x, (255 * image - mean)[:, 2:6, 2:6], atol=1e-4)


def test_a_batch_is_its_images_one_by_one(rng):
    images, prepare = rng.random((5, 3, 9, 7)), Preprocessing(6, MEAN, np.array([58.0, 57.0, 56.0]))
    assert np.array_equal(prepare(images), np.stack([prepare(image) for image in images]))


def test_restore_is_the_way_back(rng):
    image, prepare = rng.random((3, 6, 6)), Preprocessing(6, MEAN, np.array([58.0, 57.0, 56.0]))
    assert np.allclose(prepare.restore(prepare(image)), image, atol=1e-6)


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((3, 5, 9)), ValueError, r"image has shape \(3, 5, 9\); expected .* 6 × 6 pixels"),
        (np.zeros((9, 9, 3)), ValueError, r"image has shape \(9, 9, 3\); expected \(3, height"),
        (np.zeros((1, 9, 9)), ValueError, r"image has shape \(1, 9, 9\); expected \(3, height"),
        (np.full((3, 9, 9), 200.0), ValueError, r"reaches from 200 to 200; .* in \[0, 1\]"),
        (np.full((3, 9, 9), -0.5), ValueError, r"reaches from -0.5 to -0.5"),
        (np.zeros((3, 9, 9), np.uint8), TypeError, r"image has dtype uint8.*image / 255"),
        (np.full((3, 9, 9), np.nan), ValueError, r"image has 243 entries that are NaN"),
        (np.zeros((3, 9)), ValueError, r"image has shape \(3, 9\), 2 axes"),
    ],
)
def test_what_is_no_image_in_0_to_1_is_refused(image, error, words):
    with pytest.raises(error, match=words):
        Preprocessing(6, MEAN)(image)


def test_without_a_mean_it_says_so():
    with pytest.raises(ValueError, match="came without a mean image; expected `mean_RGB`"):
        Preprocessing(6, None)(np.zeros((3, 9, 9)))


def test_it_reads_like_a_sentence():
    assert str(Preprocessing(6, MEAN)) == (
        "6 × 6 middle pixels, RGB in 0 … 255, minus (123.68, 116.779, 103.939)"
    )
    assert "a mean image of 8 × 9" in str(Preprocessing(6, np.zeros((3, 8, 9)), np.ones(3)))
