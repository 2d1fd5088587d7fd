"""Record results: `python data/record.py NAME...` runs at paper scale, and hashes all that `data/` ships."""

import argparse
import shutil
import tempfile
from pathlib import Path

from cnninv.experiments import EXPERIMENTS
from cnninv.experiments.runner import run_experiment
from cnninv.files import sha256, write_json

DATA = Path(__file__).parent
ORIGINS = {
    "paper.json": "the numbers that Gilbert et al. 2017 print",
    "recorded": "measured by `python data/record.py {name}`",
}


def main() -> None:
    """Run what is asked for, then rewrite the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*EXPERIMENTS, []], help="experiments to run")
    for name in parser.parse_args().names:
        with tempfile.TemporaryDirectory() as folder:
            run_experiment(EXPERIMENTS[name], Path(folder), scale="paper")
            for suffix in ("json", "png"):
                shutil.move(f"{folder}/{name}.{suffix}", DATA / "recorded" / f"{name}.{suffix}")
        print(f"recorded {name}")
    write_json(DATA / "manifest.json", manifest())


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
