import numpy as np
import pytest
from PIL import Image

from cnninv.images import center_crop, psnr, read_image, ssim


@pytest.fixture
def save(tmp_path):
    def write(picture: Image.Image, name: str, **options):
        path = tmp_path / name
        picture.save(path, **options)
        return path

    return write


def test_a_photograph_comes_back_channels_first_between_0_and_1(save, rng):
    pixels = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    image = read_image(save(Image.fromarray(pixels), "p.png"))
    assert np.array_equal(image, pixels.transpose(2, 0, 1) / 255)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "gif", "tiff", "webp", "ppm"])
def test_common_formats_are_read(save, suffix):
    path = save(Image.new("RGB", (6, 4), (200, 100, 50)), f"p.{suffix}")
    image = read_image(path)
    assert image.shape == (3, 4, 6)
    assert np.abs(image[:, 0, 0] * 255 - [200, 100, 50]).max() < 12


def test_grey_becomes_three_equal_channels(save):
    image = read_image(save(Image.new("L", (3, 2), 51), "g.png"))
    assert image.shape == (3, 2, 3)
    assert np.allclose(image, 0.2)


def test_transparent_pixels_are_laid_on_white(save):
    assert np.allclose(read_image(save(Image.new("RGBA", (2, 2), (0, 0, 0, 0)), "t.png")), 1)


def test_sixteen_bits_keep_their_depth(save):
    pixels = np.full((2, 2), 257, dtype=np.uint16)
    assert np.allclose(read_image(save(Image.fromarray(pixels), "d.png")), 257 / 65535)


def test_rotation_tags_are_obeyed(save):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90°
    path = save(Image.new("RGB", (6, 4)), "r.jpg", exif=exif)
    assert read_image(path).shape == (3, 6, 4)


def test_a_file_that_is_no_image_is_refused_by_name(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("not an image")
    with pytest.raises(ValueError, match=r"IMAGE = .*notes\.jpg.* cannot be read as an image"):
        read_image(path)


def test_a_truncated_image_is_refused(save):
    path = save(Image.effect_noise((64, 64), 50).convert("RGB"), "cut.png")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="cannot be read as an image"):
        read_image(path)


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"IMAGE = 'nowhere\.png': no such file"):
        read_image("nowhere.png")


def test_the_crop_is_the_middle():
    image = np.arange(2 * 5 * 6, dtype=float).reshape(2, 5, 6)
    assert np.array_equal(center_crop(image, 3), image[:, 1:4, 1:4])
    assert center_crop(image, 99).shape == image.shape


def test_psnr_is_ten_log_of_peak_over_error(rng):
    image = rng.random((3, 8, 8))
    noisy = image + 0.01
    assert psnr(image, noisy) == pytest.approx(40)
    assert psnr(image, image) == np.inf


def test_images_of_integers_are_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"image has dtype uint8.*image / 255"):
        psnr(np.zeros((2, 2), np.uint8), np.zeros((2, 2)))


def test_structural_similarity_is_that_of_its_formula_by_loops(rng):
    x, y = rng.random((2, 1, 13, 12))
    weights = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    window = np.outer(weights, weights) / weights.sum() ** 2
    found = []
    for i in range(3):
        for j in range(2):
            a, b = x[0, i : i + 11, j : j + 11], y[0, i : i + 11, j : j + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            above = (2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4)
            found.append(above / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)))
    assert ssim(x, y) == pytest.approx(np.mean(found))


def test_structural_similarity_knows_equal_images_and_forgives_a_small_one(rng):
    x = rng.random((3, 7, 40))
    assert ssim(x, x) == pytest.approx(1)
    assert ssim(x, np.clip(x + 0.02, 0, 1)) > ssim(x, rng.random(x.shape))
    with pytest.raises(ValueError, match=r"reconstruction has shape \(3, 7, 39\)"):
        ssim(x, x[:, :, :39])
