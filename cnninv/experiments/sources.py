"""What a reader gives the experiments with `--data`: networks and photographs."""

from pathlib import Path
from typing import Any


def load(data: str | None, name: str = "vgg16") -> Any:
    """The network of that name in the folder, or None if there is none."""
    files = [] if data is None else sorted(Path(data).glob(f"{name}*.*"))
    if not files:
        return None
    from cnninv.network_files import load_network

    return load_network(files[0])


def photographs(data: str | None) -> list[Path]:
    """The photographs in the folder and below, in the order of their names."""
    if data is None:
        return []
    return sorted(path for path in Path(data).rglob("*") if path.suffix in (".jpg", ".png"))
