from types import SimpleNamespace

import pytest
from PIL import Image

from cnninv import photographs
from cnninv.images import read_image


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stand-in for scikit-image, with one of its photographs."""
    (tmp_path / "data").mkdir()
    Image.new("RGB", (6, 4), (255, 0, 0)).save(tmp_path / "data" / "chelsea.png")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(photographs.importlib.util, "find_spec", lambda name: spec)


def test_matplotlibs_photograph_is_always_there(monkeypatch):
    monkeypatch.setattr(photographs.importlib.util, "find_spec", lambda name: None)
    assert list(photographs.installed_photographs()) == ["sample"]
    assert read_image("sample").shape == (3, 600, 512)


@pytest.mark.usefixtures("package")
def test_those_of_scikit_image_are_there_when_it_is_installed():
    assert list(photographs.installed_photographs()) == ["sample", "cat"]
    assert read_image("cat").shape == (3, 4, 6)
    assert read_image("cat")[0].min() == 1


def test_one_that_is_not_installed_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(photographs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"'cat': no such file \(it comes with scikit-im"):
        read_image("cat")
