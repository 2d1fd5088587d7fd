import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cnninv import random_network
from cnninv.cli import main


def fails(capsys, *arguments) -> str:
    """The one line on stderr of a command that must fail."""
    try:
        status = main(list(arguments))
    except SystemExit as left:
        status = left.code
    assert status not in (0, None)
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1, error
    assert error.startswith("cnninv: ")
    return error


def test_list_names_each_experiment_its_item_and_its_needs(capsys):
    assert main(["list"]) == 0
    assert "fig2" in (text := capsys.readouterr().out)
    assert "Figure 2" in text
    assert "needs" in text


INSIDE = ("--network", "vgg16-quarter", "--decoder", "transposed")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND"),
        (["walk"], "invalid choice: 'walk'"),
        (["run"], "required: NAME"),
        (["run", "fig9"], "NAME = 'fig9' is no experiment; expected fig1"),
        (["run", "fig1", "--scale", "huge"], "invalid choice: 'huge'"),
        (["run", "fig1", "--seed", "x"], "invalid int value: 'x'"),
        (["run", "fig1", "--seed", "-1", "--out", "OUT"], "--seed = -1 must be at least 0"),
        (
            ["run", "fig1", "--data", "nowhere", "--out", "OUT"],
            "--data = 'nowhere': no such folder",
        ),
        (["invert", "nowhere.png"], "IMAGE = 'nowhere.png': no such file"),
        (["invert", "sample", "--crop", "0"], "--crop = 0 must be at least 1"),
        (["invert", "sample", "--size", "4"], "--size = 4 must be odd"),
        (["invert", "sample", "--count", "0"], "--count = 0 must be at least 1"),
        (["invert", "sample", "--filters", "f.npz"], "--filters = 'f.npz': no such file"),
        (["invert", "sample", "--crop", "8", "--window", "0", "--out", "OUT"], "window = 0"),
        (["invert", "sample", "--crop", "8", "--k", "9999999", "--out", "OUT"], "k = 9999999"),
        (
            ["invert", "sample", "--crop", "8", "--iterations", "0", "--out", "OUT"],
            "iterations = 0",
        ),
        (
            ["invert", "sample", "--decoder", "transposed"],
            "--decoder = 'transposed' is for --network",
        ),
        (["invert", "sample", *INSIDE], "--layer is missing; expected a pooling"),
        (
            ["invert", "sample", *INSIDE, "--layer", "conv1_1"],
            "layer = 'conv1_1' must be one of 'pool1'",
        ),
        (
            ["invert", "sample", *INSIDE, "--layer", "pool6"],
            "layer = 'pool6' must be one of 'pool1'",
        ),
        (
            ["invert", "sample", *INSIDE, "--layer", "pool5", "--crop", "31"],
            "pool5 needs at least 32 × 32",
        ),
        (
            ["invert", "sample", *INSIDE, "--layer", "pool1", "--k", "3"],
            "--k = 3 is for a single layer",
        ),
        (
            ["invert", "sample", "--network", "nothing.npz", "--layer", "pool1"],
            "path = 'nothing.npz': no such file",
        ),
        (
            [
                "invert",
                "sample",
                *INSIDE[:2],
                "--layer",
                "pool1",
                "--decoder",
                "nothing.safetensors",
            ],
            "'nothing.safetensors': no such file",
        ),
        (["data", "eat"], "invalid choice: 'eat'"),
    ],
)
def test_wrong_words_get_one_line(capsys, tmp_path, arguments, words):
    arguments = [str(tmp_path) if word == "OUT" else word for word in arguments]
    assert words in fails(capsys, *arguments)


def test_list_says_which_experiments_can_use_a_gpu(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    needs = {
        first.split()[0]: second for first, second in zip(lines[::2], lines[1::2], strict=True)
    }
    assert needs["fig2"].endswith("; cpu or cuda")
    assert "cuda" not in needs["fig1"]


def test_a_file_that_is_no_image_gets_one_line(capsys, tmp_path):
    (tmp_path / "notes.png").write_text("hello")
    assert "cannot be read as an image" in fails(capsys, "invert", str(tmp_path / "notes.png"))


def test_an_output_folder_that_cannot_be_written_is_refused_before_the_work(capsys, tmp_path):
    (tmp_path / "out").write_text("a file")
    assert "--out" in fails(capsys, "run", "fig1", "--out", str(tmp_path / "out"))
    assert "--out" in fails(capsys, "invert", "sample", "--out", str(tmp_path / "out"))


def test_what_does_not_fit_into_memory_is_refused_with_its_size(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("cnninv.backend.memory.free_memory", lambda: 10**6)
    line = fails(capsys, "invert", "sample", "--out", str(tmp_path))
    assert "112,657,152 non-zeros" in line
    assert "GiB are free" in line
    assert list(tmp_path.iterdir()) == []


def test_invert_writes_its_figure_and_prints_the_errors(capsys, tmp_path):
    picture = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    )
    picture.save(tmp_path / "p.jpg")
    arguments = ["--crop", "24", "--count", "16", "--iterations", "5", "--out", str(tmp_path / "o")]
    assert main(["invert", str(tmp_path / "p.jpg"), *arguments]) == 0
    text = capsys.readouterr().out
    assert "its middle 24 × 24" in text
    assert "IHT, 5 iterations" in text
    assert (tmp_path / "o" / "invert.png").read_bytes().startswith(b"\x89PNG")


def test_invert_goes_into_a_network_and_prints_every_way_back(capsys, tmp_path):
    arguments = [*INSIDE, "--layer", "pool(3)", "--crop", "51", "--out", str(tmp_path)]
    assert main(["invert", "sample", *arguments]) == 0
    text = capsys.readouterr().out
    assert "its middle 48 × 48" in text  # a multiple of 8
    for way in (
        "original activation",
        "IHT, learned filters",
        "IHT, random filters",
        "random activ",
    ):
        assert way in text
    assert (tmp_path / "invert.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((tmp_path / "invert.json").read_text())
    assert (found["network"], found["layer"], found["crop"]) == (
        "vgg16-quarter",
        "pool3",
        [3, 48, 48],
    )
    assert found["ways"][0]["values"] == "original activation"
    assert {"activation_error", "error", "psnr", "ssim"} <= set(found["ways"][1])


def test_a_network_without_a_decoder_says_what_needs_none(capsys, tmp_path):
    random_network("vgg16", np.random.default_rng(0), last="conv1_2").save(tmp_path / "vgg16.npz")
    network = str(tmp_path / "vgg16.npz")
    line = fails(capsys, "invert", "sample", "--network", network, "--layer", "pool1")
    assert (
        "comes with no decoder for pool1; expected --decoder with a file, or 'transposed'" in line
    )


def test_the_command_is_installed_and_survives_a_closed_pipe():
    command = [
        sys.executable,
        "-c",
        "from cnninv.cli import main; raise SystemExit(main(['ledger']))",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0
