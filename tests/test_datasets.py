"""Fetching, against a server of our own on this machine: resumed, verified, and clear when it fails."""

import dataclasses
import hashlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from weightfiles import ALEXNET, arrays, save_mat, simple_nn

from cnninv import load_network
from cnninv.cli import main
from cnninv.datasets import SOURCES, cache_folder, fetch, fetched, problems
from cnninv.download import BLOCK
from cnninv.files import read_json, write_json

pytest.importorskip("pooch")


class Server(ThreadingHTTPServer):
    """Serves one file, and can be told to break off, to change it, or to know no ranges."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag, self.ranges = content, '"1"', True
        self.breaks = []  # bytes after which to break off, one for each request
        self.status, self.requests = 200, []
        self.url = f"http://127.0.0.1:{self.server_port}/file"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, content, start = self.server, self.server.content, 0
        asked = self.headers.get("Range")
        server.requests.append(asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        same = self.headers.get("If-Range") == server.etag
        if asked and server.ranges and same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        stop = start + server.breaks.pop(0) if server.breaks else len(content)
        self.wfile.write(content[start:stop])

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A small AlexNet in MatConvNet's form."""
    path = tmp_path_factory.mktemp("alexnet") / "alex.mat"
    named = arrays(ALEXNET, "conv2")
    save_mat(path, simple_nn(named, ALEXNET, "conv2"), mean=np.full((227, 227, 3), 120.0))
    return path.read_bytes()


@pytest.fixture
def server(archive, monkeypatch, tmp_path):
    server = Server(archive)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("CNNINV_DATA", str(tmp_path / "data"))
    source = dataclasses.replace(
        SOURCES["alexnet"], urls=(server.url,), md5=hashlib.md5(archive).hexdigest()
    )
    monkeypatch.setitem(SOURCES, "alexnet", source)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


KEPT = ["alexnet.npz", "imagenet-caffe-alex.mat", "pins.json"]


def test_what_is_fetched_is_verified_pinned_and_can_be_loaded(server, archive, tmp_path):
    said = []
    path = fetch("alexnet", say=said.append)
    assert path == tmp_path / "data" / "imagenet-caffe-alex.mat"
    assert path.read_bytes() == archive
    assert names(path.parent) == KEPT
    assert read_json(path.parent / "pins.json")[path.name] == hashlib.sha256(archive).hexdigest()
    assert "only an MD5 is published" in said[1]
    assert "is now pinned in" in said[1]
    assert "2 convolutions kept as" in said[2]
    network = load_network("alexnet")
    assert "the first 2 of 5 convolutions, to conv2, from alexnet.npz" in repr(network)
    assert np.array_equal(network.filters("conv2"), arrays(ALEXNET, "conv2")["conv2_W"])


def test_what_is_there_is_not_fetched_again(server):
    fetch("alexnet")
    said = []
    fetch("alexnet", say=said.append)
    assert len(server.requests) == 1
    assert len(said) == 1
    assert "is there, with the right hash" in said[0]


def test_a_connection_that_breaks_is_taken_up_again(server, archive):
    server.breaks = [6 * BLOCK + 5, 9 * BLOCK]
    assert fetch("alexnet").read_bytes() == archive
    assert server.requests == [None, f"bytes={6 * BLOCK}-", f"bytes={15 * BLOCK}-"]


def test_the_next_call_goes_on_where_the_last_one_stopped(server, archive, tmp_path):
    server.breaks = [6 * BLOCK + 5, 0, 0, 0, 0, 0]
    with pytest.raises(OSError, match=r"98,304 bytes arrived before the connection ended"):
        fetch("alexnet")
    assert names(tmp_path / "data") == [
        "imagenet-caffe-alex.mat.part",
        "imagenet-caffe-alex.mat.part.json",
    ]
    server.breaks, server.requests = [], []
    assert fetch("alexnet").read_bytes() == archive
    assert server.requests == [f"bytes={6 * BLOCK}-"]
    assert names(tmp_path / "data") == KEPT


@pytest.mark.parametrize("change", ["new version", "no ranges", "no version", "longer part"])
def test_what_cannot_be_taken_up_starts_over(server, archive, tmp_path, change):
    server.breaks = [6 * BLOCK + 5, 0, 0, 0, 0, 0]
    if change == "no version":
        server.etag = ""
    with pytest.raises(OSError, match="alexnet could not be fetched"):
        fetch("alexnet")
    server.breaks = []
    part = tmp_path / "data" / "imagenet-caffe-alex.mat.part"
    part.write_bytes(b"x" * 6 * BLOCK)  # what is there is of no use in any of these cases
    if change == "new version":
        server.etag = '"2"'
    elif change == "no ranges":
        server.ranges = False
    elif change == "longer part":
        part.write_bytes(b"x" * (len(archive) + 7))
    assert fetch("alexnet").read_bytes() == archive


def test_a_file_with_another_hash_is_deleted(server, tmp_path):
    server.content = b"another file"
    with pytest.raises(OSError, match="the file there has another hash, and was deleted"):
        fetch("alexnet")
    assert names(tmp_path / "data") == []


def test_a_mirror_is_asked_next(server, archive, monkeypatch):
    dead = Server(b"")
    url = dead.url
    dead.server_close()
    source = dataclasses.replace(SOURCES["alexnet"], urls=(url, server.url))
    monkeypatch.setitem(SOURCES, "alexnet", source)
    said = []
    assert fetch("alexnet", say=said.append).read_bytes() == archive
    assert url in said[0]
    assert server.url in said[1]


def test_without_a_network_it_says_what_to_do(monkeypatch, tmp_path):
    dead = Server(b"")
    dead.server_close()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(OSError, match="cifar10 could not be fetched") as caught:
        fetch("cifar10", tmp_path, url=dead.url)
    message = str(caught.value)
    assert f"{dead.url}: no connection" in message
    assert f"put cifar-10-binary.tar.gz (MD5 {SOURCES['cifar10'].md5}) into {tmp_path}" in message
    assert "--url names another place" in message


def test_an_answer_of_the_server_is_told(server):
    server.status = 404
    with pytest.raises(OSError, match="the server answered 404 Not Found"):
        fetch("alexnet")


def test_a_file_put_there_by_hand_will_do(server, archive, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "imagenet-caffe-alex.mat").write_bytes(archive)
    assert fetched("alexnet").name == "imagenet-caffe-alex.mat"
    fetch("alexnet")
    assert server.requests == []
    assert fetched("alexnet").name == "alexnet.npz"


def test_a_file_that_has_changed_is_found_and_fetched_anew(server, archive, tmp_path):
    path = fetch("alexnet")
    path.write_bytes(archive[:-1] + b"x")
    found = problems(SOURCES["alexnet"], path.parent)
    assert len(found) == 2
    assert "has MD5" in found[0]
    assert "has SHA-256" in found[1]
    said = []
    assert fetch("alexnet", say=said.append).read_bytes() == archive
    assert "has MD5" in said[0]


def test_a_pin_is_kept(server, archive, tmp_path):
    path = fetch("alexnet")
    pins = read_json(path.parent / "pins.json")
    write_json(path.parent / "pins.json", pins | {path.name: "0" * 64})
    with pytest.raises(ValueError, match=rf"has SHA-256 .*; expected {'0' * 64}"):
        fetch("alexnet")
    write_json(path.parent / "pins.json", [])
    with pytest.raises(ValueError, match=r"pins.json does not hold SHA-256 by file name"):
        fetch("alexnet")


def test_a_network_that_was_not_fetched_says_how_to(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNINV_DATA", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"'vgg16' has not been .*; run `cnninv data fetch vgg16`"
    ):
        load_network("vgg16")
    (tmp_path / "imagenet-vgg-verydeep-16.mat").write_bytes(b"not it")
    with pytest.raises(
        ValueError, match=r"has MD5 .*; published is f72d927587ca4c97fbd165ec9cb9997f"
    ):
        load_network("vgg16")


def test_what_was_converted_and_changed_since_is_not_read(server, tmp_path):
    fetch("alexnet")
    (tmp_path / "data" / "alexnet.npz").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"alexnet\.npz has changed since it was made"):
        load_network("alexnet")


def test_where_files_go(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNINV_DATA", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("CNNINV_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cnninv"


def test_sources_are_official_first_and_hashed():
    for source in SOURCES.values():
        assert source.urls[0].startswith(("https://www.vlfeat.org/", "https://www.cs.toronto.edu/"))
        assert all(url.endswith("/" + source.file) for url in source.urls)
        assert len(source.md5) == 32
    assert len(SOURCES["cifar10"].sha256) == 64


def test_without_pooch_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"pooch; install it with: pip install 'cnninv\[net"
    ):
        fetch("cifar10", tmp_path)


# ---- the command ---------------------------------------------------------------------------------------


def test_the_command_fetches_lists_and_verifies(server, capsys, tmp_path):
    folder = ["--data", str(tmp_path / "d")]
    assert main(["data", "list", "alexnet", *folder]) == 0
    assert "0.2 GB, not fetched" in capsys.readouterr().out
    assert main(["data", "fetch", "alexnet", *folder]) == 0
    assert "2 convolutions kept as" in capsys.readouterr().out
    assert main(["data", "list", "alexnet", *folder]) == 0
    assert f"in {tmp_path / 'd'}" in capsys.readouterr().out
    assert main(["data", "verify", "alexnet", *folder]) == 0
    assert capsys.readouterr().out == "all files are as published\n"
    (tmp_path / "d" / "imagenet-caffe-alex.mat").write_bytes(b"x")
    assert main(["data", "verify", *folder]) == 1
    assert "published is" in capsys.readouterr().out


def test_the_command_takes_another_place(server, capsys, tmp_path, monkeypatch):
    source = dataclasses.replace(SOURCES["alexnet"], urls=("http://127.0.0.1:9/x",))
    monkeypatch.setitem(SOURCES, "alexnet", source)
    assert main(["data", "fetch", "alexnet", "--url", server.url]) == 0
    assert server.url in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fetch"], "NAME is missing; expected vgg16, alexnet, cifar10"),
        (["fetch", "vgg19"], "NAME = 'vgg19' must be one of 'vgg16', 'alexnet', 'cifar10'"),
        (["verify", "cifar10"], None),
        (["fetch", "vgg16", "cifar10", "--url", "http://x"], "--url = 'http://x' is for one NAME"),
        (["fetch", "cifar10", "--url", "nonsense"], "cifar10 could not be fetched. nonsense: "),
        (["fetch", "cifar10", "--data", "FILE"], "--data = "),
    ],
)
def test_a_wrong_command_gets_one_line(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.setenv("CNNINV_DATA", str(tmp_path))
    (tmp_path / "file").write_text("")
    arguments = [str(tmp_path / "file") if word == "FILE" else word for word in arguments]
    assert main(["data", *arguments]) == 1
    output = capsys.readouterr()
    if words is None:
        assert output.out.endswith("cifar-10-binary.tar.gz is missing\n")
    else:
        assert output.err.splitlines()[-1].startswith(f"cnninv: {words}")
        assert len(output.err.splitlines()) == 1
