"""Training of decoders: seeds, resume bit for bit, photographs and their split, and what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from trainingruns import assert_same, interrupt

from cnninv import load_decoder, random_network
from cnninv.training import DecoderSettings, Mirror, decoders, read_photographs, train_decoder
from cnninv.training.memory import decoder_memory
from cnninv.training.parts import Parts
from cnninv.training.photographs import Photographs, random_crops
from cnninv.training.quality import quality

SMALL = DecoderSettings(epochs=3, batch=4, parts=1, side=24, crop=16)
TWO = replace(SMALL, parts=2)


@pytest.fixture(scope="module")
def network():
    return random_network("vgg16-quarter", np.random.default_rng(0), last="conv2_2")


@pytest.fixture(scope="module")
def photographs():
    """Smooth noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (22, 3, 6, 6)).astype(np.uint8)
    images = coarse.repeat(4, axis=2).repeat(4, axis=3)
    return Photographs(images[:16], images[16:19], images[19:])


def run(network, photographs, settings=SMALL, layer="pool2", **options):
    return train_decoder(network, layer, photographs, settings, progress=False, **options)


def test_decoding_is_learned(network, photographs):
    trained = run(network, photographs, replace(SMALL, epochs=25))
    assert trained.history[-1]["loss"] < 0.5 * trained.history[0]["loss"]
    found = quality(trained.model.decoder(), network, photographs.held_out)
    assert found["psnr"] > 12.5
    assert 0 < found["ssim"] < 1
    assert 0 < found["error"] < 0.5


def test_the_seed_decides_everything(network, photographs):
    assert_same(run(network, photographs), run(network, photographs))
    assert_same(run(network, photographs, TWO), run(network, photographs, TWO))
    other = run(network, photographs, replace(SMALL, seed=1))
    name = "conv2_1.filters"
    assert not np.array_equal(other.model.state[name], run(network, photographs).model.state[name])


@pytest.mark.parametrize("step", [1, 4, 6, 12])
@pytest.mark.parametrize("settings", [SMALL, TWO], ids=["one part", "two parts"])
def test_an_interrupted_run_ends_where_an_uninterrupted_one_ends(
    network, photographs, tmp_path, step, settings
):
    whole, path = run(network, photographs, settings), tmp_path / "checkpoint.npz"
    interrupt(lambda: run(network, photographs, settings, checkpoint=path), decoders, step)
    assert_same(run(network, photographs, settings, checkpoint=path, resume=True), whole)


def test_a_resume_of_something_else_is_refused(network, photographs, tmp_path):
    path, one = tmp_path / "checkpoint.npz", replace(SMALL, epochs=1)
    run(network, photographs, one, checkpoint=path)
    again = {"checkpoint": path, "resume": True}
    for changed in ({"rate": 0.1}, {"crop": 20}, {"seed": 1}):
        with pytest.raises(ValueError, match=f"{next(iter(changed))} = .* this one has"):
            run(network, photographs, replace(one, **changed), **again)
    other = random_network("vgg16-quarter", np.random.default_rng(1), last="conv2_2")
    with pytest.raises(ValueError, match="of a run with encoder = "):
        run(other, photographs, one, **again)
    lighter = replace(photographs, training=255 - photographs.training)
    with pytest.raises(ValueError, match="of a run with checksum of the photographs = "):
        run(network, lighter, one, **again)
    with pytest.raises(ValueError, match="no checkpoint of this network"):
        run(network, photographs, one, "pool1", **again)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_rate_that_diverges_is_told(network, photographs):
    with pytest.raises(ValueError, match="expected a smaller rate than 1e\\+30"):
        run(network, photographs, replace(SMALL, rate=1e30))


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0},
        {"batch": 0},
        {"parts": 3},
        {"crop": 25},
        {"rate": np.nan},
        {"seed": -1},
        {"side": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises((ValueError, TypeError), match=next(iter(bad))):
        replace(SMALL, **bad)


def test_crops_and_batches_that_are_too_small_or_too_large_are_refused(network, photographs):
    with pytest.raises(ValueError, match="crop = 2 is too small for pool2"):
        run(network, photographs, replace(SMALL, crop=2))
    with pytest.raises(ValueError, match="batch = 32 needs more than 16 photographs"):
        run(network, photographs, replace(SMALL, batch=32))


def test_what_does_not_fit_into_memory_is_refused_at_once(network, photographs, monkeypatch):
    monkeypatch.setattr("cnninv.backend.memory.free_memory", lambda *a, **k: 2**10)
    with pytest.raises(MemoryError, match="Take smaller batches"):
        run(network, photographs)


def test_a_step_takes_the_memory_that_was_foretold(network, tracemalloc_peak):
    settings = DecoderSettings(batch=8, parts=1)
    x = np.random.default_rng(0).standard_normal((3, 64, 64, 8)).astype(np.float32)

    def step():
        model = Mirror(network, "pool2")
        learn = lambda twin, part, rng: (twin.learn(x[..., part].copy()),)  # noqa: E731
        Parts(model, 1).step(8, learn, np.random.default_rng(0))

    peak = tracemalloc_peak(step)
    assert 0.5 < peak / decoder_memory(network, "pool2", settings) < 1.5


def test_crops_are_parts_of_the_photographs_some_mirrored(rng):
    images = rng.integers(0, 256, (40, 3, 12, 10), dtype=np.uint8)
    flipped = 0
    for image, crop in zip(images, random_crops(images, 8, rng), strict=True):
        places = [
            (flip, i, j)
            for flip in (False, True)
            for i in range(5)
            for j in range(3)
            if np.array_equal(crop[:, :, ::-1] if flip else crop, image[:, i : i + 8, j : j + 8])
        ]
        assert len(places) == 1
        flipped += places[0][0]
    assert 8 < flipped < 32


@pytest.fixture
def folder(tmp_path, rng):
    path = tmp_path / "photographs"
    path.mkdir()
    for i in range(27):
        pixels = np.full((30, 40, 3), i, np.uint8)
        Image.fromarray(pixels).save(path / f"{i:02}.png")
    (path / "notes.txt").write_text("no image")
    return path


def test_the_split_is_fixed_by_the_order_of_the_names(folder):
    photographs = read_photographs(folder, 20)
    assert photographs.held_out[:, 0, 0, 0].tolist() == [8, 17, 26]
    assert photographs.validation[:, 0, 0, 0].tolist() == [4, 22]
    assert photographs.training.shape == (22, 3, 20, 20)


def test_the_middle_of_a_reduced_photograph(tmp_path):
    rng = np.random.default_rng(0)
    left = np.zeros((64, 128, 3), np.uint8)
    left[:, 48:80] = rng.integers(100, 200, 3)
    for i in range(18):
        Image.fromarray(left).save(tmp_path / f"{i:02}.png")
    [first, *_] = read_photographs(tmp_path, 32).training
    assert first.shape == (3, 32, 32)
    colour = left[0, 64].astype(int)
    assert abs(first[:, :, 10:22].astype(int) - colour[:, None, None]).max() <= 1
    assert not first[:, :, :4].any()


def test_folders_without_enough_photographs_are_refused(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"--photographs = .*nowhere': no such folder"):
        read_photographs(tmp_path / "nowhere", 16)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"--photographs = .*empty' holds 0 images"):
        read_photographs(tmp_path / "empty", 16)
    with pytest.raises(
        ValueError, match=r"00.png of --photographs has 30 × 40 pixels; expected at"
    ):
        read_photographs(folder, 31)
    (folder / "05.png").write_text("no image")
    with pytest.raises(ValueError, match=r"05.png' cannot be read as an image"):
        read_photographs(folder, 16)


def test_what_was_trained_is_what_is_read(network, photographs, tmp_path):
    decoder = run(network, photographs, replace(SMALL, epochs=1)).model.decoder()
    decoder.save(tmp_path / "d.safetensors")
    again = load_decoder(tmp_path / "d.safetensors", "pool2", network)
    for name, values in decoder.filters.items():
        assert np.array_equal(again.filters[name], values)
