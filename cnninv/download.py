"""Downloads that go on where they stopped, for pooch."""

import json
import os
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cnninv.files import write_json

BLOCK = 2**14
"""Bytes at a time; of a connection that breaks, at most so many are lost."""
TIMEOUT = (15, 60)
"""Seconds to connect, and between two blocks."""


class ResumingDownloader:
    """Fetches a file over HTTP; what has arrived stays in `NAME.part`, and the next call asks for the rest.

    The rest is taken only if the server says that the file is still the same one (If-Range).

    Parameters
    ----------
    target : path
        Where the file will be; the part lies beside.
    attempts : int
        Broken connections in a row, without a new byte, after which to give up.
    """

    def __init__(self, target: Path, attempts: int = 3) -> None:
        self.part = target.with_name(target.name + ".part")
        self.state = target.with_name(target.name + ".part.json")
        self.attempts = attempts

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        import requests

        left, before = self.attempts, -1
        while True:
            try:
                self._go_on(url)
                break
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ):
                arrived = self._arrived()
                left = self.attempts if arrived > before >= 0 else left - 1
                before = arrived
                if not arrived:
                    raise
                if left <= 0:
                    raise requests.ConnectionError(
                        f"{arrived:,} bytes arrived before the connection ended"
                    ) from None
        os.replace(self.part, output_file)
        self.state.unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget what has arrived."""
        self.part.unlink(missing_ok=True)
        self.state.unlink(missing_ok=True)

    def _arrived(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _validator(self, url: str) -> str | None:
        """What the server called the version of which a part is here."""
        try:
            state = json.loads(self.state.read_text(encoding="utf-8"))
            return state["validator"] if state["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _go_on(self, url: str) -> None:
        import requests

        arrived, validator = self._arrived(), self._validator(url)
        headers = {"Accept-Encoding": "identity"}
        if arrived and validator:
            headers |= {"Range": f"bytes={arrived}-", "If-Range": validator}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            resumed = answer.headers.get("Content-Range", "").startswith(f"bytes {arrived}-")
            if "Range" in headers and answer.status_code in (206, 416) and not resumed:
                self.discard()  # the part is no beginning of what is there now
                return self._go_on(url)
            answer.raise_for_status()
            arrived = arrived if resumed else 0
            length = answer.headers.get("Content-Length")
            size = None if length is None else arrived + int(length)
            self._remember(url, answer.headers)
            self._write(answer, arrived, size)
        if size is not None and self._arrived() != size:
            raise requests.ConnectionError("the connection ended early")

    def _remember(self, url: str, headers: Any) -> None:
        tag = headers.get("ETag", "")
        validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")
        write_json(self.state, {"url": url, "validator": validator})

    def _write(self, answer: Any, arrived: int, size: int | None) -> None:
        bar = tqdm(
            total=size,
            initial=arrived,
            unit="B",
            unit_scale=True,
            desc=self.part.name.removesuffix(".part"),
            disable=None,  # off when stderr is no terminal
        )
        with self.part.open("ab" if arrived else "wb") as file, bar:
            for block in answer.iter_content(BLOCK):
                file.write(block)
                bar.update(len(block))
