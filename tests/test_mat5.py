"""MATLAB's files: what SciPy writes is read as SciPy reads it, and a damaged file is an error, no crash."""

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cnninv.mat5 import read_mat5

DTYPES = ["f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


@given(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays.arrays(
            dtype,
            arrays.array_shapes(min_dims=2, max_dims=4, max_side=5),
            elements={"allow_nan": False} if dtype[0] == "f" else None,
        )
    ),
    st.booleans(),
)
def test_numbers(tmp_path_factory, array, compress):
    path = tmp_path_factory.mktemp("mat") / "x.mat"
    scipy.io.savemat(path, {"x": array}, do_compression=compress)
    found = read_mat5(path, ("x",))["x"].numbers()
    expected = scipy.io.loadmat(path)["x"]
    assert found.dtype == expected.dtype == array.dtype
    assert np.array_equal(found, array)


@pytest.mark.parametrize("compress", [False, True])
def test_cells_structs_and_text(tmp_path, compress):
    cell = np.empty((1, 3), object)
    cell[0] = [np.eye(2), "conv1_1", {"inner": "grün ×", "empty": np.zeros((0, 0))}]
    content = {"c": cell, "s": {"a": 1.0, "a_rather_long_name_of_a_field": cell}, "other": 3.0}
    scipy.io.savemat(tmp_path / "x.mat", content, do_compression=compress)
    found = read_mat5(tmp_path / "x.mat", ("c", "s"))
    assert set(found) == {"c", "s"}
    eye, text, struct = found["c"].cells()
    assert np.array_equal(eye.numbers(), np.eye(2))
    assert text.text() == "conv1_1"
    assert struct.fields()["inner"].text() == "grün ×"
    assert struct.fields()["empty"].numbers().shape == (0, 0)
    inside = found["s"].fields()["a_rather_long_name_of_a_field"].cells()
    assert inside[1].text() == "conv1_1"
    assert str(found["s"]) == "a struct of size 1 × 1"


def by_hand(path, order, code, stored, data, shape):
    """A file with one variable x, of a class and a storage type that SciPy does not write."""
    text = {"<": b"\x00\x01IM", ">": b"\x01\x00MI"}
    flags = np.array([6, 8, code, 0], f"{order}u4").tobytes()
    axes = np.array([5, 8, *shape], f"{order}i4").tobytes()
    name = np.array([1, 1], f"{order}u4").tobytes() + b"x".ljust(8, b"\0")
    tag = np.array([stored, len(data)], f"{order}u4").tobytes()
    body = flags + axes + name + tag + data + bytes(-len(data) % 8)
    tag = np.array([14, len(body)], f"{order}u4").tobytes()
    path.write_bytes(b"MATLAB 5.0".ljust(124) + text[order] + tag + body)
    return read_mat5(path, ("x",))["x"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_matlab_writes_and_scipy_does_not(tmp_path, order):
    path = tmp_path / "x.mat"
    numbers = np.array([1.5, -2.0], f"{order}f8").tobytes()
    found = by_hand(path, order, 6, 9, numbers, (2, 1)).numbers()
    assert np.array_equal(found, [[1.5], [-2.0]])
    # small integers are stored in few bytes whatever their class
    found = by_hand(path, order, 7, 2, bytes([1, 2, 3, 250]), (2, 2)).numbers()
    assert found.dtype == np.float32
    assert np.array_equal(found, [[1, 3], [2, 250]])
    assert np.array_equal(scipy.io.loadmat(path)["x"], found)
    # text in 16 bits
    letters = "conv1_1 ×".encode("utf-16-le" if order == "<" else "utf-16-be")
    assert by_hand(path, order, 4, 4, letters, (1, 9)).text() == "conv1_1 ×"


def test_a_value_of_another_kind_is_named(tmp_path):
    cell = np.empty((1, 1), object)
    cell[0, 0] = 1.0
    scipy.io.savemat(
        tmp_path / "x.mat", {"t": "ab", "n": np.eye(2), "c": cell, "z": np.eye(2) + 1j}
    )
    found = read_mat5(tmp_path / "x.mat", ("t", "n", "c", "z"))
    for name, method, words in (
        ("t", "numbers", "a text of size 1 × 2; expected numbers"),
        ("z", "numbers", "a complex of size 2 × 2; expected numbers"),
        ("c", "numbers", "a cell of size 1 × 1; expected numbers"),
        ("n", "text", "a float64 of size 2 × 2; expected a line of text"),
        ("n", "cells", "a float64 of size 2 × 2; expected a cell array"),
        ("t", "fields", "a text of size 1 × 2; expected a single struct"),
    ):
        with pytest.raises(ValueError, match=words):
            getattr(found[name], method)()


@pytest.mark.parametrize(
    ("code", "kind"),
    [(3, "object"), (5, "sparse"), (16, "function"), (17, "opaque"), (99, "opaque")],
)
def test_objects_and_function_handles_are_not_read(tmp_path, code, kind):
    scipy.io.savemat(tmp_path / "x.mat", {"f": np.eye(3)})
    content = bytearray((tmp_path / "x.mat").read_bytes())
    content[128 + 16] = code  # after the header, the tag of the matrix, and that of its flags
    (tmp_path / "x.mat").write_bytes(content)
    found = read_mat5(tmp_path / "x.mat", ("f", ""))
    for value in found.values():
        assert value.kind == kind
        for method in (value.numbers, value.text, value.cells, value.fields):
            with pytest.raises(ValueError, match=f"a {kind} of size"):
                method()


def test_a_file_of_another_version_says_so(tmp_path):
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "new.mat").write_bytes(header + b"\x89HDF\r\n\x1a\n" + bytes(500))
    with pytest.raises(ValueError, match=r"is of version 7\.3; expected version 5 to 7"):
        read_mat5(tmp_path / "new.mat", ("x",))
    scipy.io.savemat(tmp_path / "old.mat", {"x": 1.0}, format="4")
    with pytest.raises(ValueError, match="does not begin like a file of version 5 to 7"):
        read_mat5(tmp_path / "old.mat", ("x",))


def test_what_unpacks_to_more_than_fits_is_refused_on_the_way(
    tmp_path, monkeypatch, tracemalloc_peak
):
    zeros = np.zeros((64, 2**19), np.float32)
    scipy.io.savemat(tmp_path / "bomb.mat", {"x": zeros}, do_compression=True)
    assert (tmp_path / "bomb.mat").stat().st_size < 2**18
    monkeypatch.setattr("cnninv.backend.memory.free_memory", lambda: 2**24)

    def read():
        with pytest.raises(MemoryError, match=r"bomb\.mat unpacks to .* bytes at least, 0\.0 GiB"):
            read_mat5(tmp_path / "bomb.mat", ("x",))

    assert tracemalloc_peak(read) < 2**26


def test_a_variable_that_is_not_wanted_is_not_unpacked(tmp_path, tracemalloc_peak):
    large = np.zeros((64, 2**19), np.float32)
    scipy.io.savemat(tmp_path / "x.mat", {"large": large, "x": 3.0}, do_compression=True)
    found = []
    peak = tracemalloc_peak(lambda: found.append(read_mat5(tmp_path / "x.mat", ("x",))))
    assert found[0]["x"].numbers() == 3
    assert peak < 2**26


def everything(value):
    """All that can be read of a value."""
    if value.kind == "cell":
        return [everything(part) for part in value.cells()]
    if value.kind == "struct" and value.size == 1:
        return {name: everything(part) for name, part in value.fields().items()}
    return value.text() if value.kind == "text" else value.numbers()


@pytest.mark.parametrize("compress", [False, True])
def test_a_damaged_file_is_an_error_or_other_numbers(tmp_path, rng, compress):
    cell = np.empty((1, 2), object)
    cell[0] = [{"name": "conv1_1", "weights": np.eye(4)}, "text"]
    scipy.io.savemat(tmp_path / "x.mat", {"layers": cell}, do_compression=compress)
    whole, path = (tmp_path / "x.mat").read_bytes(), tmp_path / "y.mat"
    errors = 0
    for _ in range(400):
        damaged = bytearray(whole)
        for place in rng.integers(120, len(whole), 2):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged[: rng.integers(100, 2 * len(whole))])
        try:
            for value in read_mat5(path, ("layers",)).values():
                everything(value)
        except ValueError:
            errors += 1
    assert errors > 200
