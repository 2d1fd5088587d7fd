"""Checkpoints of a training run: one `.npz` file without pickles, written whole, read with suspicion."""

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.backend import to_host
from cnninv.files import write_whole

VERSION = 1


def checkpoint_path(folder: Path, label: str, resume: bool) -> Path:
    """Where the checkpoint of a run is kept, unless it is not what the run expects to find there.

    Parameters
    ----------
    folder : Path
        What the run writes into.
    label : str
        Of what it writes.
    resume : bool
        Whether it goes on from the checkpoint.

    Raises
    ------
    FileNotFoundError
        If there is none to resume from.
    FileExistsError
        If there is one, of a run that a new one would overwrite.
    """
    path = folder / f"{label}.checkpoint.npz"
    if resume and not path.is_file():
        raise FileNotFoundError(f"{path}: no checkpoint to resume from; leave out --resume")
    if path.is_file() and not resume:
        raise FileExistsError(
            f"{path} is there already; --resume goes on from it, another --out starts anew"
        )
    return path


def write_checkpoint(path: Path, arrays: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write arrays and, as JSON, facts; the file before stays until this one is complete.

    Parameters
    ----------
    path : Path
    arrays : dict of arrays
        NumPy or CuPy; their names must not begin with "facts".
    facts : dict
        Settings, epoch, history: whatever JSON can hold.
    """
    content = io.BytesIO()
    arrays = {name: to_host(array) for name, array in arrays.items()}
    text = json.dumps({"version": VERSION} | facts, ensure_ascii=False)
    np.savez(content, facts=np.frombuffer(text.encode(), np.uint8), **arrays)
    write_whole(path, content.getvalue())


def read_checkpoint(
    path: Path, shapes: dict[str, tuple[int, ...]] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and facts of a checkpoint.

    Parameters
    ----------
    path : Path
    shapes : dict, optional
        The arrays that must be there, and no others, with their shapes.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged, or is no checkpoint of this network.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    limit = sum(int(np.prod(shape)) * 8 for shape in (shapes or {}).values()) + 2**24
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if shapes is not None and size > limit:
                raise ValueError(f"unpacks to {size} bytes; at most {limit} belong to this network")
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        facts = json.loads(bytes(arrays.pop("facts")).decode())
        if not isinstance(facts, dict) or facts.get("version") != VERSION:
            raise ValueError("was written by another version")
        for name, shape in (shapes or arrays).items():
            if shapes is not None and (name not in arrays or arrays[name].shape != shape):
                found = f"has shape {arrays[name].shape}" if name in arrays else "is missing"
                raise ValueError(f"{name} {found}; expected shape {shape}")
            if arrays[name].dtype.kind != "f" or not np.isfinite(arrays[name]).all():
                raise ValueError(f"{name} has entries that are no finite numbers")
        if shapes is not None and set(arrays) - set(shapes):
            raise ValueError(f"{min(set(arrays) - set(shapes))} belongs to no layer")
    except (
        ValueError,
        TypeError,
        KeyError,
        EOFError,
        OSError,
        NotImplementedError,
        MemoryError,
        SyntaxError,
        zlib.error,
        zipfile.BadZipFile,
    ) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} is no checkpoint of this network, or damaged: {reason}") from None
    return arrays, facts
