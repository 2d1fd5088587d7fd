"""Finished parts of a long computation, kept beside its result until that is written.

A part is a number, text, an array, or a list, tuple, dict or dataclass of this package made of such. It is
stored bit for bit, and without pickle, so that a folder from elsewhere can do no harm.
"""

import hashlib
import importlib
import io
import json
import re
import shutil
import zipfile
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.files import read_json, write_json, write_whole

SETTINGS = "settings.json"
OURS = "cnninv."
MISSING = object()
"""What `Parts.read` returns where there is none."""


@dataclass(frozen=True)
class Parts:
    """The parts of one computation, in a folder of their own.

    Parameters
    ----------
    folder : pathlib.Path
        Made when the first part is kept.
    settings : dict
        All that the result depends on; stored beside the parts.
    sweep : str
        Which of several sweeps the parts belong to.
    """

    folder: Path
    settings: dict[str, Any]
    sweep: str = ""
    _sweeps: set[str] = field(default_factory=set, compare=False)

    def of(self, sweep: str) -> "Parts":
        """The parts of one sweep of this computation.

        Raises
        ------
        ValueError
            If another sweep of this computation has the name.
        """
        name = re.sub(r"\W+", "-", sweep)
        if name in self._sweeps:
            raise ValueError(f"two sweeps are called {sweep!r}; their parts would be mixed up")
        self._sweeps.add(name)
        return replace(self, sweep=name)

    def keep(self, index: int, value: Any) -> None:
        """Write one part, whole or not at all."""
        content = pack(value)
        (self.folder / self.sweep).mkdir(parents=True, exist_ok=True)
        if not (self.folder / SETTINGS).is_file():
            write_json(self.folder / SETTINGS, self.settings)
        write_whole(self.folder / self.sweep / f"{index}.npz", content)

    def read(self, index: int) -> Any:
        """The part, or `MISSING` if it was not written or cannot be read."""
        try:
            return unpack((self.folder / self.sweep / f"{index}.npz").read_bytes())
        except (
            OSError,
            ValueError,
            TypeError,
            LookupError,
            ImportError,
            EOFError,
            zipfile.BadZipFile,
        ):
            return MISSING

    def drop(self) -> None:
        """Delete all parts: the result has been written."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()


def parts_beside(out: Path, name: str, settings: dict[str, Any]) -> Parts:
    """The parts of the result `out/name.json`: others for other settings or other code.

    Parts of other code than this are deleted, as they can never be used. Nothing is created.

    Parameters
    ----------
    out : pathlib.Path
    name : str
    settings : dict
        What the result depends on, as JSON stores it.
    """
    settings = {**settings, "code": code()}
    everything = out / f"{name}.parts"
    for other in sorted(everything.glob(f"*/{SETTINGS}")):
        if _code_of(other) != settings["code"]:
            shutil.rmtree(other.parent, ignore_errors=True)
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return Parts(everything / key[:16], settings)


def pack(value: Any) -> bytes:
    """`value` as the content of a .npz file: its arrays, and a text that says where they belong.

    Raises
    ------
    TypeError
        If it holds anything but numbers, text, None, arrays, lists, tuples, dicts, and dataclasses of cnninv.

    Examples
    --------
    >>> unpack(pack({"k": (1, 2.5), "rates": [np.float64(0.1)]}))
    {'k': (1, 2.5), 'rates': [np.float64(0.1)]}
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_plain(value, arrays))
    file = io.BytesIO()
    np.savez(file, text=np.array(text), **arrays)
    return file.getvalue()


def unpack(content: bytes) -> Any:
    """What `pack` stored."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return _value(json.loads(str(stored["text"])), stored)


def _plain(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        arrays[name := f"array{len(arrays)}"] = np.asarray(value)
        return ["scalar" if isinstance(value, np.generic) else "array", name]
    if type(value) in (list, tuple):
        return [type(value).__name__, [_plain(entry, arrays) for entry in value]]
    if type(value) is dict:
        return ["dict", [[_plain(k, arrays), _plain(v, arrays)] for k, v in value.items()]]
    if value is None or type(value) in (bool, int, float, str):
        return ["plain", value]
    kind = type(value)
    if is_dataclass(kind) and kind.__module__.startswith(OURS):
        entries = {field.name: getattr(value, field.name) for field in fields(kind)}
        return ["dataclass", [kind.__module__, kind.__qualname__, _plain(entries, arrays)]]
    raise TypeError(
        f"a task returned a {kind.__name__}; expected numbers, text, arrays, and lists, tuples and dicts of "
        f"them, or a dataclass of cnninv"
    )


def _value(plain: Any, arrays: Any) -> Any:
    kind, content = plain
    if kind in ("array", "scalar"):
        return arrays[content] if kind == "array" else arrays[content][()]
    if kind == "dict":
        return {_value(k, arrays): _value(v, arrays) for k, v in content}
    if kind == "dataclass":
        return _dataclass(content[0], content[1])(**_value(content[2], arrays))
    if kind in ("list", "tuple"):
        return (list if kind == "list" else tuple)(_value(entry, arrays) for entry in content)
    return content


def _dataclass(module: str, name: str) -> Any:
    found = getattr(importlib.import_module(module), name) if module.startswith(OURS) else None
    if not is_dataclass(found):
        raise ValueError(f"{module}.{name} is no dataclass of cnninv")
    return found


@cache
def code() -> str:
    """A hash of the package's source: a part is only as good as the code that made it."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _code_of(settings: Path) -> Any:
    try:
        return read_json(settings).get("code")
    except (OSError, ValueError, AttributeError):
        return None
