"""The training loop: seeds, resume bit for bit, interruption, random filters as drawn, bad settings."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from trainingruns import assert_same, interrupt

from cnninv.training import (
    Model,
    PooledStage,
    Settings,
    cross_entropy,
    loop,
    one_cycle,
    paper_plan,
    plan,
    read_checkpoint,
    train,
    write_checkpoint,
)
from cnninv.training.augment import augmented, batches, colour_statistics, inputs
from cnninv.training.memory import network_memory
from cnninv.training.parts import Parts
from cnninv.training.trained import Trained

SMALL = Settings(epochs=3, batch=16, rate=0.05, validation=16)


@pytest.fixture(scope="module")
def data():
    """Noise that differs in colour from class to class."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 112).astype(np.uint8)
    colours = rng.integers(40, 200, (10, 3, 1, 1))
    noise = rng.integers(-30, 30, (112, 3, 32, 32))
    return (colours[labels] + noise).astype(np.uint8), labels


TWO = replace(SMALL, parts=2)
AGAIN = replace(SMALL, epochs=1, again=2)
FUSED = replace(TWO, fused=True)


def run(data, settings=SMALL, what=None, **options):
    return train(what or paper_plan(2, "learned", 4), *data, settings, **options)


def state(trained):
    return {name: array.copy() for name, array in trained.model.state.items()}


def test_a_small_problem_is_learned(data):
    trained = run(data, replace(SMALL, epochs=10), paper_plan(2, "learned", 16))
    assert trained.accuracy(*data) > 0.8
    assert trained.history[-1]["loss"] < 0.5 * trained.history[0]["loss"]
    assert trained.logits(data[0]).shape == (112, 10)


def test_the_seed_decides_everything(data):
    assert_same(run(data), run(data))
    assert_same(run(data, TWO), run(data, TWO))
    assert_same(run(data, FUSED), run(data, FUSED))
    other = run(data, replace(SMALL, seed=1))
    assert not np.array_equal(state(other)["conv1.filters"], state(run(data))["conv1.filters"])


@pytest.mark.parametrize("step", [1, 6, 8, 13, 17])
@pytest.mark.parametrize(
    "settings", [SMALL, TWO, AGAIN, FUSED], ids=["one part", "two parts", "again", "fused"]
)
def test_an_interrupted_run_ends_where_an_uninterrupted_one_ends(data, tmp_path, step, settings):
    whole, path = run(data, settings), tmp_path / "checkpoint.npz"
    interrupt(lambda: run(data, settings, checkpoint=path), loop, step)
    assert_same(run(data, settings, checkpoint=path, resume=True), whole)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("filters", ["random", "learned"])
def test_a_fused_run_is_the_same_run_up_to_rounding(data, filters):
    one, other = (run(data, how, paper_plan(1, filters, 8)) for how in (TWO, FUSED))
    assert isinstance(other.model.steps[0], PooledStage)
    assert not isinstance(one.model.steps[0], PooledStage)
    for mine, theirs in zip(other.history, one.history, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
    for name, value in state(one).items():
        np.testing.assert_allclose(state(other)[name], value, rtol=1e-3, atol=1e-4)


def test_gradients_of_two_parts_are_the_mean_of_theirs(rng):
    plan = paper_plan(2, "learned", 4)
    one, two = (Model(plan, np.random.default_rng(0), dtype=np.float64) for _ in range(2))
    x, labels = rng.standard_normal((3, 32, 32, 8)), rng.integers(0, 10, 8)
    both = Parts(one, 2)
    loss, _ = loop.learn(both, x, labels, 0.0, np.random.default_rng(1))
    losses, gradients, averages = [], [], []
    for part, seed in zip((slice(4), slice(4, 8)), np.random.default_rng(1).spawn(2), strict=True):
        fresh = Model(plan, np.random.default_rng(0), dtype=np.float64)
        each, g = cross_entropy(fresh.forward(x[..., part].copy(), seed), labels[part])
        fresh.backward(g)
        losses.append(each)
        gradients.append(fresh.gradients)
        averages.append(fresh.layers["conv2.norm"].fixed["variance"])
    assert loss == pytest.approx(np.mean(losses), rel=1e-12)
    for name, g in both.gradients.items():
        np.testing.assert_allclose(g, (gradients[0][name] + gradients[1][name]) / 2, atol=1e-12)
    expected = np.mean(averages, axis=0)
    np.testing.assert_allclose(one.layers["conv2.norm"].fixed["variance"], expected, rtol=1e-12)
    assert two.layers["conv2.norm"].fixed["variance"].tolist() == [1.0] * 4


def test_a_finished_run_resumed_is_finished(data, tmp_path):
    path = tmp_path / "checkpoint.npz"
    whole = run(data, checkpoint=path)
    before = path.read_bytes()
    assert_same(run(data, checkpoint=path, resume=True), whole)
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", [paper_plan(n, "random", 4) for n in (1, 2, 3)])
def test_random_filters_stay_as_drawn_and_the_rest_is_learned(data, what):
    fresh = train(what, *data, replace(SMALL, rate=0.0, decay=0.0))
    trained = train(what, *data, SMALL)
    before, after = state(fresh), state(trained)
    learned = trained.model.parameters
    assert not [name for name in learned if name.endswith(".filters")]
    for name in learned.keys() | {name for name in before if name.endswith(".filters")}:
        same = np.array_equal(before[name], after[name])
        assert same == name.endswith(".filters"), name


def test_without_checkpoint_nothing_is_written(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(data, replace(SMALL, epochs=1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"rate": 0.06}, "rate"), ({"epochs": 4}, "epochs"), ({"seed": 1}, "seed")],
)
def test_a_resume_with_other_settings_is_refused(data, tmp_path, changed, named):
    path = tmp_path / "checkpoint.npz"
    run(data, replace(SMALL, epochs=1), checkpoint=path)
    with pytest.raises(ValueError, match=f"{named} = .* this one has"):
        run(data, replace(SMALL, **{"epochs": 1} | changed), checkpoint=path, resume=True)


def test_a_resume_with_another_network_is_refused(data, tmp_path):
    path = tmp_path / "checkpoint.npz"
    run(data, replace(SMALL, epochs=1), checkpoint=path)
    for what in (paper_plan(2, "learned", 6), paper_plan(1, "learned", 4)):
        with pytest.raises(ValueError, match="no checkpoint of this network"):
            run(data, replace(SMALL, epochs=1), what, checkpoint=path, resume=True)
    with pytest.raises(ValueError, match=r"filters|momentum"):
        run(data, SMALL, paper_plan(2, "random", 4), checkpoint=path, resume=True)


def test_a_resume_with_other_images_is_refused(data, tmp_path):
    path, settings = tmp_path / "checkpoint.npz", replace(SMALL, epochs=1)
    run(data, settings, checkpoint=path)
    with pytest.raises(ValueError, match="of a run with checksum of the images = "):
        run((255 - data[0], data[1]), settings, checkpoint=path, resume=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epoch": "1"},
        {"epoch": None},
        {"step": -1},
        {"step": 0.5},
        {"history": {}},
        {"history": []},
    ],
)
def test_a_checkpoint_that_does_not_say_how_far_it_is_is_refused(data, tmp_path, wrong):
    path, settings = tmp_path / "checkpoint.npz", replace(SMALL, epochs=1)
    run(data, settings, checkpoint=path)
    arrays, facts = read_checkpoint(path)
    write_checkpoint(path, arrays, {k: v for k, v in (facts | wrong).items() if v is not None})
    with pytest.raises(ValueError, match="does not say how far the run was"):
        run(data, settings, checkpoint=path, resume=True)


def test_ctrl_c_during_evaluation_is_not_lost(data, tmp_path, monkeypatch):
    path, settings, original = (
        tmp_path / "checkpoint.npz",
        replace(SMALL, epochs=1),
        Trained.accuracy,
    )

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return original(*arguments)

    monkeypatch.setattr(Trained, "accuracy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(data, settings, checkpoint=path)
    assert read_checkpoint(path)[1]["epoch"] == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_rate_that_diverges_is_told(data):
    with pytest.raises(ValueError, match="expected a smaller rate than 1e\\+30"):
        run(data, replace(SMALL, rate=1e30))


@pytest.mark.parametrize("validation", [97, 112, 5000])
def test_a_validation_split_that_leaves_nothing_is_refused(data, validation):
    with pytest.raises(ValueError, match="validation"):
        run(data, replace(SMALL, validation=validation))


@pytest.mark.parametrize(
    "bad", [{"epochs": 0}, {"batch": 1}, {"rate": -1}, {"parts": 3}, {"rate": np.nan}, {"seed": -1}]
)
def test_settings_that_make_no_sense_are_refused(bad):
    with pytest.raises((ValueError, TypeError), match=next(iter(bad))):
        Settings(**bad)


@pytest.mark.parametrize(
    "bad",
    [
        ("vgg", "learned", None, None),
        ("paper-1", "drawn", None, None),
        ("paper-1", "random", 0, None),
        ("paper-1", "random", None, 4),
        ("vgg16-quarter", "learned", 8, None),
    ],
)
def test_plans_that_do_not_exist_are_refused(bad):
    with pytest.raises((ValueError, TypeError)):
        plan(*bad)


def test_table_5():
    widths = {
        (n, filters): [c.K for c in paper_plan(n, filters).architecture.convolutions]
        for n in (1, 2, 3)
        for filters in ("random", "learned")
    }
    assert widths[3, "random"] == [2048, 2048, 1024]
    assert widths[3, "learned"] == [1024, 1024, 1024]
    assert widths[1, "random"] == [2048]
    for n in (1, 2, 3):
        what = paper_plan(n, "random")
        assert 32 // 2**n // what.average == 4


def test_crops_are_shifted_and_flipped_copies(data):
    images = data[0][:50]
    crops = augmented(images, np.random.default_rng(0))
    assert crops.shape == images.shape
    assert crops.dtype == np.uint8
    padded = np.pad(images, ((0, 0), (0, 0), (4, 4), (4, 4)))
    flipped = 0
    for original, crop in zip(padded, crops, strict=True):
        places = [
            (flip, i, j)
            for flip in (False, True)
            for i in range(9)
            for j in range(9)
            if np.array_equal(
                crop[:, :, ::-1] if flip else crop, original[:, i : i + 32, j : j + 32]
            )
        ]
        assert len(places) == 1
        flipped += places[0][0]
    assert 10 < flipped < 40


def test_inputs_have_mean_0_and_deviation_1(data):
    x = inputs(data[0], *colour_statistics(data[0]))
    assert x.shape == (3, 32, 32, 112)
    np.testing.assert_allclose(x.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_an_epoch_sees_no_image_twice():
    drawn = np.concatenate(batches(105, 10, np.random.default_rng(0)))
    assert len(drawn) == len(set(drawn)) == 100


def test_the_rate_rises_once_and_falls_to_zero():
    rates = [one_cycle(step, 200, 0.3) for step in range(200)]
    assert max(rates) == 0.3 == rates[49]
    assert (np.diff(rates[:50]) > 0).all()
    assert (np.diff(rates[49:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-12)


def test_the_second_cycle_is_half_as_high():
    settings = Settings(epochs=8, again=4, rate=0.2)
    rates = [
        loop.learning_rate(settings, epoch, step, 5) for epoch in range(12) for step in range(5)
    ]
    assert rates[:40] == [one_cycle(step, 40, 0.2) for step in range(40)]
    assert rates[40:] == [one_cycle(step, 20, 0.1) for step in range(20)]
    assert settings.total == 12


def test_what_does_not_fit_into_memory_is_refused_at_once(data, monkeypatch):
    monkeypatch.setattr("cnninv.backend.memory.free_memory", lambda *a, **k: 2**20)
    with pytest.raises(MemoryError, match="smaller width"):
        run(data)


@pytest.mark.parametrize(
    ("what", "fused"),
    [
        (plan("vgg16-quarter"), False),
        (paper_plan(2, "random", 64), False),
        (paper_plan(1, "learned", 512), True),
        (paper_plan(1, "random", 512), True),
    ],
)
def test_a_step_takes_the_memory_that_was_foretold(what, fused, rng, tracemalloc_peak):
    x, labels = rng.standard_normal((3, 32, 32, 64)).astype(np.float32), np.arange(64) % 10
    model = Model(what, rng, fused=fused)
    peak = tracemalloc_peak(lambda: loop.learn(Parts(model, 1), x, labels, 0.0, rng))
    assert 0.5 < peak / network_memory(what, 64, fused) < 1.5


def test_cross_entropy_of_large_logits_is_finite():
    loss, gradient = cross_entropy(np.array([[1e4], [-1e4]], np.float32), np.array([1]))
    assert loss == pytest.approx(2e4)
    assert np.isfinite(gradient).all()
