"""What the book does not ship: networks and photographs from their official sources, verified.

Files go to `$CNNINV_DATA`, or else to `~/.cache/cnninv`. The hashes below are those that the sources
publish. Where that is an MD5 only, which protects against damage but not against malice, the SHA-256 of the
first download is written down in `pins.json` and every later one is compared with it.
"""

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cnninv.architectures import ARCHITECTURES
from cnninv.download import ResumingDownloader
from cnninv.files import output_folder, read_json, sha256, write_json
from cnninv.validation import one_of


@dataclass(frozen=True)
class Source:
    """A file, where it comes from, and the hashes that are known of it."""

    name: str
    title: str
    file: str
    urls: tuple[str, ...]
    """The official place first, then mirrors."""
    md5: str
    """As published with the file."""
    sha256: str | None
    size: str


SOURCES = {
    source.name: source
    for source in (
        Source(
            "vgg16",
            "VGG-16, the original weights in MatConvNet's form (Simonyan and Zisserman 2015; CC BY 4.0)",
            "imagenet-vgg-verydeep-16.mat",
            ("https://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-16.mat",),
            "f72d927587ca4c97fbd165ec9cb9997f",
            None,
            "0.5 GB",
        ),
        Source(
            "alexnet",
            "AlexNet as trained with Caffe, in MatConvNet's form (Krizhevsky 2012)",
            "imagenet-caffe-alex.mat",
            ("https://www.vlfeat.org/matconvnet/models/imagenet-caffe-alex.mat",),
            "b5152a54bf61100a8ed61827c76e7d08",
            None,
            "0.2 GB",
        ),
        Source(
            "cifar10",
            "CIFAR-10, binary version (Krizhevsky 2009)",
            "cifar-10-binary.tar.gz",
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
            ),
            "c32a1d4ab5d03f1284b67883e8d87530",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            "0.2 GB",
        ),
    )
}


def cache_folder() -> Path:
    """Where fetched files are: `$CNNINV_DATA`, or else `~/.cache/cnninv`."""
    if chosen := os.environ.get("CNNINV_DATA"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cnninv"


def fetch(
    name: str,
    folder: str | Path | None = None,
    url: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Fetch a network or data set, verify it, and, of a network, keep the convolutions as `.npz`.

    A download that was interrupted goes on where it stopped. What is there already is verified only.

    Parameters
    ----------
    name : "vgg16", "alexnet" or "cifar10"
    folder : path, optional
        `cache_folder()` if not given.
    url : str, optional
        Another place to fetch the same file from; its hash must be the same.
    say : callable
        Told what happens, line by line.

    Returns
    -------
    Path
        Of the file that was fetched.

    Raises
    ------
    OSError
        If no source has the file with the right hash; says what to do without a network.
    ModuleNotFoundError
        Without the package pooch.
    """
    source = SOURCES[one_of(name, "NAME", tuple(SOURCES))]
    folder = output_folder(cache_folder() if folder is None else folder, "--data")
    path = folder / source.file
    wrong = problems(source, folder)
    if not wrong:
        say(f"{name}: {path} is there, with the right hash")
    else:
        if path.is_file():
            say(f"{name}: {'; '.join(wrong)}")
        _download(source, path, (url,) if url else source.urls, say)
    _pin(source, path, say)
    if wrong := problems(source, folder):
        raise ValueError("; ".join(wrong))
    if name in ARCHITECTURES:
        _convert(source, folder, say)
    return path


def problems(source: Source, folder: Path) -> list[str]:
    """What is wrong with the files of a source: missing, or other hashes than published or pinned."""
    path = folder / source.file
    if not path.is_file():
        return [f"{path} is missing"]
    wrong = []
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if md5 != source.md5:
        wrong.append(f"{path} has MD5 {md5}; published is {source.md5}")
    for part, expected in _known(source, folder).items():
        found = sha256(folder / part) if (folder / part).is_file() else None
        if found not in (None, expected):
            wrong.append(f"{folder / part} has SHA-256 {found}; expected {expected}")
    return wrong


def fetched(name: str, folder: str | Path | None = None) -> Path:
    """The file of weights of a network that has been fetched, verified.

    Raises
    ------
    FileNotFoundError
        If it has not been fetched; says how to.
    ValueError
        If it has changed since.
    """
    source = SOURCES[one_of(name, "name", tuple(n for n in SOURCES if n in ARCHITECTURES))]
    folder = cache_folder() if folder is None else Path(folder)
    converted, known = folder / f"{name}.npz", _known(source, folder)
    if converted.is_file() and converted.name in known:
        if sha256(converted) != known[converted.name]:
            raise ValueError(
                f"{converted} has changed since it was made; delete it and fetch again"
            )
        return converted
    if not (folder / source.file).is_file():
        raise FileNotFoundError(
            f"{name!r} has not been fetched to {folder}; run `cnninv data fetch {name}`, or give a file"
        )
    if wrong := problems(source, folder):
        raise ValueError("; ".join(wrong))
    return folder / source.file


def _download(
    source: Source, path: Path, urls: tuple[str, ...], say: Callable[[str], None]
) -> None:
    """From the first place that has it with the right hash."""
    try:
        import pooch
        import requests
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"fetching needs the package {error.name}; install it with: pip install 'cnninv[networks]'"
        ) from None
    pooch.get_logger().setLevel(logging.ERROR)
    known = f"sha256:{source.sha256}" if source.sha256 else f"md5:{source.md5}"
    downloader, failures = ResumingDownloader(path), []
    for url in urls:
        say(f"{source.name}: fetching {url} ({source.size})")
        try:
            pooch.retrieve(url, known, path.name, path.parent, downloader=downloader)
            return
        except requests.RequestException as error:
            failures.append(f"{url}: {_reason(error)}")
        except ValueError:
            failures.append(f"{url}: the file there has another hash, and was deleted")
    raise OSError(
        f"{source.name} could not be fetched. {'; '.join(failures)}. What has arrived is kept, and the next "
        f"call goes on from there. Without a network here, put {source.file} (MD5 {source.md5}) into "
        f"{path.parent} and call again; --url names another place to fetch it from"
    )


def _reason(error: Exception) -> str:
    """An error of requests in a few words."""
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"the server answered {answer.status_code} {answer.reason}"
    text = str(error)
    return text if "arrived before" in text else "no connection"


def _known(source: Source, folder: Path) -> dict[str, str]:
    """SHA-256 by file: published, or pinned at the first download."""
    path = folder / "pins.json"
    pins = read_json(path) if path.is_file() else {}
    if not isinstance(pins, dict) or not all(isinstance(pin, str) for pin in pins.values()):
        raise ValueError(f"{path} does not hold SHA-256 by file name; delete it and fetch again")
    names = (source.file, f"{source.name}.npz")
    known = {name: pins[name] for name in names if name in pins}
    return known | ({source.file: source.sha256} if source.sha256 else {})


def _pin(source: Source, path: Path, say: Callable[[str], None]) -> None:
    """Write down the SHA-256 of a file of which none is published."""
    if path.name in _known(source, path.parent):
        return
    pinned = _add_pin(path)
    say(
        f"{source.name}: only an MD5 is published, which it has; its SHA-256 {pinned} is now pinned in "
        f"{path.parent / 'pins.json'}, and later files must have it"
    )


def _add_pin(path: Path) -> str:
    pins = path.parent / "pins.json"
    known = read_json(pins) if pins.is_file() else {}
    known[path.name] = sha256(path)
    write_json(pins, known)
    return known[path.name]


def _convert(source: Source, folder: Path, say: Callable[[str], None]) -> None:
    """Keep the convolutions as `.npz`: smaller, and read in a fraction of the time."""
    from cnninv.weights import read_weights, write_weights

    converted = folder / f"{source.name}.npz"
    if not converted.is_file() or converted.name not in _known(source, folder):
        weights = read_weights(folder / source.file, ARCHITECTURES[source.name])
        write_weights(converted, weights)
        _add_pin(converted)
        say(f"{source.name}: {len(weights.filters)} convolutions kept as {converted}")
