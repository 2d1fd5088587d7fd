"""Record results: `python data/record.py NAME...` runs at paper scale, and hashes all that `data/` ships."""

import argparse
import shutil
import sys
from concurrent.futures import Executor
from pathlib import Path

from PIL import Image

from cnninv.backend import DEVICES
from cnninv.experiments import EXPERIMENTS
from cnninv.experiments.runner import run_experiment
from cnninv.files import output_folder, sha256, write_json
from cnninv.workers import workers

DATA = Path(__file__).parent
WORK = DATA.parent / "build" / "record"
"""Keeps what is finished of a run that is interrupted."""
LARGEST_PNG, LARGEST_JPEG = 300_000, 200_000
ORIGINS = {
    "paper.json": "the numbers that Gilbert et al. 2017 print",
    "bench.json": "measured by `make bench RECORD=1`",
    "vgg16-quarter.safetensors": "trained by `cnninv train vgg16-quarter` (vgg16-quarter.md)",
    "vgg16-quarter.md": "the card of vgg16-quarter.safetensors",
    "vgg16-quarter.json": "what `cnninv train vgg16-quarter` wrote",
    "vgg16-quarter-decoders.md": "the card of vgg16-quarter-pool?-decoder.safetensors",
    "recorded": "measured by `python data/record.py {name}`",
}
for layer in ("pool1", "pool2", "pool3", "pool4", "pool5"):
    command = f"cnninv train decoder --network vgg16-quarter --layer {layer}"
    ORIGINS[f"vgg16-quarter-{layer}-decoder.safetensors"] = (
        f"trained by `{command}` (vgg16-quarter-decoders.md)"
    )
    ORIGINS[f"vgg16-quarter-{layer}-decoder.json"] = f"what `{command}` wrote"


def main() -> int:
    """Run what is asked for, then rewrite the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*EXPERIMENTS, []], help="experiments to run")
    parser.add_argument("--data", help="folder of weights and photographs, for those that need it")
    parser.add_argument("--device", default="cpu", choices=DEVICES, help="default cpu")
    parser.add_argument(
        "--workers", default="1", help="processes on this machine, or a Dask scheduler's address"
    )
    options = parser.parse_args()
    try:
        folder = output_folder(WORK)
        with workers(options.workers, "--workers") as executor:
            for name in options.names:
                record(name, folder, options.device, options.data, executor)
    except (ValueError, TypeError, OSError, MemoryError, ModuleNotFoundError) as error:
        print(f"record: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("record: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    write_json(DATA / "manifest.json", manifest())
    return 0


def record(
    name: str, folder: Path, device: str, data: str | None, executor: Executor | None
) -> None:
    """Run at paper scale and store the result."""
    run_experiment(EXPERIMENTS[name], folder, "paper", 0, device, data, executor)
    shutil.move(folder / f"{name}.json", DATA / "recorded" / f"{name}.json")
    store_picture(folder / f"{name}.png")
    print(f"recorded {name}")


def store_picture(png: Path) -> None:
    """Keep a figure as it is, one with photographs as JPEG."""
    if png.stat().st_size <= LARGEST_PNG:
        shutil.move(png, DATA / "recorded" / png.name)
        return
    jpeg = DATA / "recorded" / f"{png.stem}.jpg"
    with Image.open(png) as picture:
        for quality in (85, 75, 65):
            picture.convert("RGB").save(jpeg, quality=quality, optimize=True)
            if jpeg.stat().st_size <= LARGEST_JPEG:
                break


def manifest() -> list[dict[str, str]]:
    """File, origin and SHA-256 of everything that the book ships."""
    shipped = sorted(path for path in DATA.iterdir() if path.name in ORIGINS and path.is_file())
    files = [*shipped, *sorted((DATA / "recorded").iterdir())]
    return [
        {
            "file": path.relative_to(DATA).as_posix(),
            "origin": ORIGINS.get(path.name, ORIGINS["recorded"]).format(name=path.stem),
            "sha256": sha256(path),
        }
        for path in files
    ]


if __name__ == "__main__":
    sys.exit(main())
