"""Photographs that are installed with a package and that anyone may pass on (public domain or CC0).

matplotlib, which this book needs, brings one. scikit-image, an extra, brings four more in its wheel; nothing is
fetched.
"""

import importlib.util
from pathlib import Path

SAMPLE = "sample"
"""Grace Hopper, US Navy; comes with matplotlib."""
EXTRA = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
}
"""Of scikit-image: Eileen Collins (NASA), a cat (S. van der Walt), a cup (R. Michetti), a launch (SpaceX)."""


def installed_photographs() -> dict[str, Path]:
    """The photographs that are here, by the names that `cnninv.images.read_image` takes.

    Examples
    --------
    >>> next(iter(installed_photographs()))
    'sample'
    """
    found = {SAMPLE: sample_path()}
    package = importlib.util.find_spec("skimage")
    for folder in () if package is None else package.submodule_search_locations or ():
        files = {name: Path(folder) / "data" / file for name, file in EXTRA.items()}
        found |= {name: path for name, path in files.items() if path.is_file()}
    return found


def sample_path() -> Path:
    """Where matplotlib has put its sample photograph."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
