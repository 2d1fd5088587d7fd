"""Record results: `python data/record.py NAME...` runs at paper scale, and hashes all that `data/` ships."""

import argparse
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from cnninv.experiments import EXPERIMENTS
from cnninv.experiments.runner import run_experiment
from cnninv.files import sha256, write_json

DATA = Path(__file__).parent
LARGEST_PNG = 300_000
ORIGINS = {
    "paper.json": "the numbers that Gilbert et al. 2017 print",
    "recorded": "measured by `python data/record.py {name}`",
}


def main() -> None:
    """Run what is asked for, then rewrite the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*EXPERIMENTS, []], help="experiments to run")
    parser.add_argument("--data", help="folder of weights and photographs, for those that need it")
    options = parser.parse_args()
    for name in options.names:
        with tempfile.TemporaryDirectory() as folder:
            run_experiment(EXPERIMENTS[name], Path(folder), scale="paper", data=options.data)
            shutil.move(f"{folder}/{name}.json", DATA / "recorded" / f"{name}.json")
            store_picture(Path(folder) / f"{name}.png")
        print(f"recorded {name}")
    write_json(DATA / "manifest.json", manifest())


def store_picture(png: Path) -> None:
    """Keep a figure as it is, one with photographs as JPEG."""
    if png.stat().st_size <= LARGEST_PNG:
        shutil.move(png, DATA / "recorded" / png.name)
        return
    with Image.open(png) as picture:
        picture.convert("RGB").save(
            DATA / "recorded" / f"{png.stem}.jpg", quality=85, optimize=True
        )


def manifest() -> list[dict[str, str]]:
    """File, origin and SHA-256 of everything that the book ships."""
    files = [DATA / "paper.json", *sorted((DATA / "recorded").iterdir())]
    return [
        {
            "file": path.relative_to(DATA).as_posix(),
            "origin": ORIGINS.get(path.name, ORIGINS["recorded"]).format(name=path.stem),
            "sha256": sha256(path),
        }
        for path in files
    ]


if __name__ == "__main__":
    main()
