"""`make bench`: time beside a peer and a physical limit, in the same run; exponents of cost against size.

No number here is asserted by a test. Times are the least of several, taken in turn; the ratios are what to
quote. `make bench RECORD=1`, on a machine that does nothing else, stores the table in `data/`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import explicit  # beside this file, as the others
import factored
import numpy as np
import on_gpu
import scipy.sparse
import theory
import workers
from measure import THREADS, Measure, in_turn
from scaling import exponents
from training_step import PLANS, training

from cnninv.backend import device_versions, select
from cnninv.files import data_folder, write_json


def training_step(rng: np.random.Generator) -> Iterator[Measure]:
    """Steps of training beside PyTorch."""
    for title, what in PLANS.items():
        if (step := training(what, rng, in_turn)) is not None:
            threads, *(seconds, peer, limit) = step
            name = f"a step of training {title}, 128 images, {threads} threads"
            yield Measure(name, seconds, "PyTorch", peer, "the bare matrix products", limit)


BENCHMARKS: dict[str, Callable[[np.random.Generator], Iterator[Measure]]] = {
    "build": explicit.build,
    "products": explicit.products,
    "after_blas": explicit.after_blas,
    "row_blocks": explicit.row_blocks,
    "conv52": factored.conv52,
    "vgg16": factored.vgg16,
    "training_step": training_step,
    "projection": theory.projection,
    "bracket": theory.bracket,
    "sparse_coding": theory.sparse_coding,
    "iterations": theory.iterations,
    "workers": workers.phase_diagram,
    "gpu": on_gpu.gpu,
}
"""To register one: a function of a generator of random numbers that yields `Measure`s."""


def machine() -> str:
    """What the numbers depend on."""
    gpu = (f", {name} {version}" for name, version in device_versions(select("auto")).items())
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {THREADS} threads, Python "
        f"{platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}{''.join(gpu)}"
    )


def main() -> None:
    """Measure, print, and write `--out`; with `--record` into `data/`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", choices=[*BENCHMARKS, "exponents", []], help="default all"
    )
    parser.add_argument("--out", type=Path, default=Path("out/bench.json"))
    parser.add_argument("--record", action="store_true", help="store it as data/bench.json, too")
    options = parser.parse_args()
    if options.record and options.names:
        parser.error("--record stores the whole table: give no names")
    names, measures, rows, begin = options.names or [*BENCHMARKS, "exponents"], [], [], time.time()
    print(machine())
    for name in names:
        rng = np.random.default_rng(0)
        if name == "exponents":
            rows = exponents(rng)
            for row in rows:
                law = "cost of {operation} ∝ ({size})^{exponent:.2f}, off by {residual:.0%}; fixed "
                law += (
                    "{fixed seconds:.1e} s, {fixed share at the smallest size:.0%} of the smallest"
                )
                print(law.format(**row) + (f": {row['reason']}" if row["reason"] else ""))
            continue
        for measure in BENCHMARKS[name](rng):
            print(measure, flush=True)
            measures.append(measure)
    record = {
        "machine": machine(),
        "seconds": round(time.time() - begin),
        "measures": [asdict(m) | {"ratio": m.ratio, "share": m.share} for m in measures],
        "exponents": rows,
    }
    print(f"all in {record['seconds']} s")
    record = json.loads(json.dumps(record, default=float))  # NumPy's numbers as Python's
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, record)
    if options.record:
        write_json(data_folder() / "bench.json", record)
        # the manifest, with its hash
        subprocess.run([sys.executable, str(data_folder() / "record.py")], check=True)


if __name__ == "__main__":
    main()
