"""What a site was built from, so that its tests can tell when it is older than its sources."""

import hashlib
from pathlib import Path

SOURCES = ("chapters/[0-9]*.ipynb", "cnninv/**/*.py", "data/**/*.json", "book/**/*.*")


def fingerprint(root: Path) -> str:
    """A hash of all files that the pages show."""
    total = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                total.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return total.hexdigest()
