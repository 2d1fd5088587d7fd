"""Where sweeps run: processes and Dask clusters, and one clear message for what is none."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import sweeptasks as tasks

from cnninv import cluster as module
from cnninv.cli import main
from cnninv.experiments import phase_diagram
from cnninv.processes import Processes
from cnninv.sweep import sweep
from cnninv.workers import workers

NOT_A_NUMBER = "must be a number of processes, or the address of a Dask scheduler such as tcp://"


@pytest.mark.parametrize(
    ("where", "kind", "words"),
    [
        (0, ValueError, "--workers = 0 must be between 1 and 1024"),
        ("0", ValueError, "--workers = 0 must be between 1 and 1024"),
        ("-3", ValueError, "--workers = -3 must be between 1 and 1024"),
        ("100000", ValueError, "--workers = 100000 must be between 1 and 1024"),
        ("many", ValueError, f"--workers = 'many' {NOT_A_NUMBER}"),
        ("", ValueError, f"--workers = '' {NOT_A_NUMBER}"),
        ("1.5", ValueError, f"--workers = '1.5' {NOT_A_NUMBER}"),
        ("host:8786", ValueError, f"--workers = 'host:8786' {NOT_A_NUMBER}"),
        ("tcp://", ValueError, f"--workers = 'tcp://' {NOT_A_NUMBER}"),
        (1.5, TypeError, "--workers = 1.5 must be an integer"),
        (True, TypeError, "--workers = True must be an integer"),
    ],
)
def test_what_is_neither_a_number_nor_an_address_is_refused(where, kind, words):
    with pytest.raises(kind) as caught:
        workers(where, "--workers")
    assert str(caught.value).startswith(words)


def test_no_number_is_this_process_and_no_process_is_begun_without_a_task():
    with workers(None) as executor:
        assert executor is None
    children = psutil.Process().children()
    with workers("3") as executor:
        assert executor.number == 3
        assert psutil.Process().children() == children


def test_the_command_line_says_it_in_one_line(capsys, tmp_path):
    for where in ("0", "many"):
        assert main(["run", "fig1", "--workers", where, "--out", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"cnninv: --workers = {where!r}" if where == "many" else "cnninv: ")
        assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_distributed_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs distributed: pip install 'cnninv\[dask"):
        workers("tcp://127.0.0.1:1")


# ---- interruption ------------------------------------------------------------------------------------

SCRIPT = """
import sys
from functools import partial
import sweeptasks
from cnninv.parts import Parts
from cnninv.sweep import sweep
from cnninv.workers import workers
from pathlib import Path

def task(number):
    if number < 2:
        return number
    Path(sys.argv[1], f"began {number}").touch()
    return sweeptasks.slow(number)

if __name__ == "__main__":
    try:
        with workers(2) as executor:
            sweep(task, range(9), executor, parts=Parts(Path(sys.argv[1], "parts"), {}))
    except KeyboardInterrupt:
        print("stopped")
"""


@pytest.fixture
def sweeping(tmp_path):
    """A program in the middle of a sweep of two processes."""
    (tmp_path / "program.py").write_text(SCRIPT)
    program = subprocess.Popen(
        [sys.executable, tmp_path / "program.py", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    end = time.monotonic() + 120
    while len(list(tmp_path.glob("began *"))) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    processes = psutil.Process(program.pid).children(recursive=True)
    assert len(processes) >= 2
    yield program, processes, tmp_path / "parts"
    if program.poll() is None:
        program.kill()
        program.wait()


@pytest.mark.skipif(os.name == "nt", reason="signals of a terminal")
def test_ctrl_c_stops_promptly_keeps_what_is_finished_and_leaves_no_process(sweeping):
    program, processes, parts = sweeping
    os.killpg(program.pid, signal.SIGINT)  # as a terminal sends it, to all of them
    output, error = program.communicate(timeout=30)
    assert (output, error) == ("stopped\n", "")
    assert sorted(path.name for path in parts.glob("*.npz")) == ["0.npz", "1.npz"]
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []


@pytest.mark.skipif(os.name == "nt", reason="signals of a terminal")
def test_a_program_that_is_killed_leaves_no_process(sweeping):
    program, processes, _ = sweeping
    program.kill()
    program.communicate()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []


# ---- Dask --------------------------------------------------------------------------------------------


@pytest.fixture
def distributed():
    return pytest.importorskip(
        "distributed", reason="needs distributed: pip install 'cnninv[dask]'"
    )


@pytest.fixture
def cluster(distributed):
    """A scheduler with two workers in this process."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address=None,
    ) as local:
        yield local


def test_a_dask_cluster_gives_the_same_results(cluster):
    diagram = partial(phase_diagram, [1, 4], [2, 8], K=8, D=12, layers=2, codes=2)
    alone = diagram(np.random.default_rng(0))
    with workers(cluster.scheduler_address) as executor:
        assert executor.number == 2
        found = diagram(np.random.default_rng(0), executor=executor)
        np.testing.assert_array_equal(found, alone)
        with pytest.raises(ValueError, match="invalid literal"):
            sweep(int, ["1", "x"], executor)
        assert sweep(int, ["1", "2"], executor) == [1, 2]


def test_distributeds_own_executor_will_do(cluster):
    with cluster.get_client() as client:
        executor = client.get_executor()
        assert sweep(tasks.square, range(4), executor) == [0, 1, 4, 9]


def test_a_cluster_that_dies_is_told_in_one_line(cluster, monkeypatch):
    monkeypatch.setattr(module, "WORKERS_PATIENCE", 1)
    monkeypatch.setattr("cnninv.sweep.MOMENT", 0.2)
    with workers(cluster.scheduler_address, "--workers") as executor:
        monkeypatch.setattr(executor._client, "_timeout", 1)
        cluster.close()
        with pytest.raises(ConnectionError):
            sweep(tasks.square, range(4), executor)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:1", "no Dask scheduler answers there"),
        ("tcp://127.0.0.1", "no Dask scheduler answers there (missing port number"),
        ("tls://127.0.0.1:1", "no Dask scheduler answers there"),
    ],
)
def test_an_address_without_a_scheduler_is_told_in_one_line(
    distributed, monkeypatch, capsys, tmp_path, address, words
):
    monkeypatch.setattr(module, "PATIENCE", 1)
    assert main(["run", "fig1", "--workers", address, "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"cnninv: --workers = {address!r}: {words}")
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_without_workers_and_a_worker_are_told_apart(distributed, monkeypatch):
    monkeypatch.setattr(module, "WORKERS_PATIENCE", 1)
    with distributed.LocalCluster(
        n_workers=0, processes=False, protocol="tcp://", host="127.0.0.1", dashboard_address=None
    ) as local:
        with pytest.raises(ConnectionError, match="the scheduler has no workers"):
            workers(local.scheduler_address)
        local.scale(1)
        local.wait_for_workers(1)
        (worker,) = local.workers.values()
        with pytest.raises(ConnectionError, match="a Dask Worker answers there"):
            workers(worker.address)


def test_workers_with_other_code_are_refused(cluster, monkeypatch):
    monkeypatch.setattr(module, "installed", tasks.ever_newer)
    with pytest.raises(ConnectionError, match=r"has cnninv with source .*; expected .*, as here"):
        workers(cluster.scheduler_address)


def test_a_task_that_kills_its_dask_worker_is_named(distributed):
    import dask

    quiet = {"distributed.scheduler.allowed-failures": 0, "logging.distributed": "critical"}
    with (
        dask.config.set(quiet),
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as local,
        workers(local.scheduler_address) as executor,
        pytest.raises(ChildProcessError, match="fig2: task 1 of 1 has lost its worker"),
    ):
        sweep(os._exit, [1], executor, "fig2")


def test_processes_end_with_their_executor():
    with Processes(1) as executor:
        assert sweep(tasks.square, [3], executor) == [9]
        children = psutil.Process().children()
        assert children
    _, alive = psutil.wait_procs(
        [child for child in children if "spawn_main" in " ".join(_command(child))], timeout=30
    )
    assert alive == []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
