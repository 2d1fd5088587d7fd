"""What the book ships and what a run writes: where it is, and writing whole files or none."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def data_folder() -> Path:
    """The folder `data/` of the checkout, or the copy inside an installed package."""
    checkout = Path(__file__).parent.parent / "data"
    return checkout if checkout.is_dir() else Path(__file__).parent / "_data"


def output_folder(path: str | Path, name: str = "--out") -> Path:
    """`path`, created if need be, and refused before any work if nothing can be written there.

    Raises
    ------
    OSError
        If it is no folder or not writable.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"{name} = {str(path)!r} cannot be written to: {error.strerror}") from None
    return folder


def write_whole(path: Path, content: bytes | str) -> None:
    """Write beside, then rename: a reader finds the old file or the new one, never a part."""
    content = content.encode() if isinstance(content, str) else content
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def write_json(path: Path, content: Any) -> None:
    """Indented JSON in UTF-8, whole."""
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises
    ------
    ValueError
        If it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name} is no JSON file: {error}") from None


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
