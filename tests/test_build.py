"""What the chapters' renderer makes of mathematics."""

import importlib.util
from pathlib import Path

import pytest

BUILD = Path(__file__).parent.parent / "chapters" / "build.py"


@pytest.fixture(scope="module")
def build():
    specification = importlib.util.spec_from_file_location("build", BUILD)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("tex", "letter"),
    [(r"\mathcal M_k", "ℳ"), (r"\mathcal A", "𝒜"), (r"\mathbb E", "𝔼"), (r"\mathbb R^n", "ℝ")],
)
def test_script_and_double_struck_letters_are_letters(build, tex, letter):
    markup = build.with_mathml(f"a ${tex}$ b")
    assert f"<mi>{letter}</mi>" in markup
    assert "mathvariant" not in markup


def test_code_is_left_alone(build):
    assert build.with_mathml("`$x$` and ```$y$``` and 5 $") == "`$x$` and ```$y$``` and 5 $"


def test_tex_without_mathml_is_an_error(build):
    with pytest.raises(ValueError, match="write it otherwise"):
        build.with_mathml(r"$\nosuchcommand x$")
