"""The command line: `cnninv list | run | invert | train | ledger | data`."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from cnninv.backend import explain
from cnninv.files import data_folder, output_folder, read_json, sha256


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print one line and leave."""
        self.exit(2, f"cnninv: {message} (see {self.prog} --help)\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; errors become one line on stderr and status 1, wrong usage status 2."""
    options = _parser().parse_args(arguments)
    try:
        status = options.command(options) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # the reader of a pipe (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError as error:
        print(f"cnninv: {explain(error)}", file=sys.stderr)
        return 1
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:
        print(f"cnninv: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cnninv: interrupted; what was finished before is kept", file=sys.stderr)
        return 130


def _parser() -> Parser:
    parser = Parser(prog="cnninv", description="The executable textbook's command line.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    listing = commands.add_parser("list", help="what can be run, and which item of the paper it is")
    listing.epilog = (
        "cpu or cuda: `cnninv run NAME --device cuda` computes on a GPU; the others cannot"
    )
    listing.set_defaults(command=_list)

    run = commands.add_parser("run", help="run experiments; writes OUT/NAME.json and OUT/NAME.png")
    run.add_argument("names", nargs="+", metavar="NAME", help="from `cnninv list`, or `all`")
    run.add_argument("--scale", default="quick", choices=("quick", "paper"))
    run.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    run.add_argument(
        "--workers",
        default="1",
        help="processes on this machine (default 1), or the address of a Dask scheduler; same numbers",
    )
    run.add_argument("--seed", type=int, default=0, help="same seed, same numbers (default 0)")
    run.add_argument("--data", help="folder of weights and images that the book does not ship")
    run.add_argument("--out", default="out", help="folder for the results (default out)")
    run.set_defaults(command=_run)

    invert = commands.add_parser(
        "invert", help="a photograph through one layer, or a network, and back"
    )
    invert.add_argument("image", metavar="IMAGE", help="an image file, or `sample`")
    invert.add_argument("--network", help="into this network: vgg16-quarter, vgg16 or a file")
    invert.add_argument(
        "--decoder", default="trained", help="of the network: `trained`, `transposed` or a file"
    )
    invert.add_argument("--filters", default="random", help="`random`, a file, vgg16 or alexnet")
    invert.add_argument(
        "--layer", help="pooling of --network; else array of a .npz file, or convolution"
    )
    invert.add_argument("--count", type=int, default=64, help="random filters (default 64)")
    invert.add_argument("--size", type=int, default=3, help="of random filters (default 3)")
    invert.add_argument("--crop", type=int, default=256, help="middle pixels used (default 256)")
    invert.add_argument("--window", type=int, default=2, help="pooling region (default 2)")
    invert.add_argument("--k", type=int, help="entries to keep (default: one in each region)")
    invert.add_argument("--iterations", type=int, default=30, help="of IHT (default 30)")
    invert.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    invert.add_argument("--seed", type=int, default=0)
    invert.add_argument("--out", default="out", help="folder for the figure (default out)")
    invert.set_defaults(command=_invert)

    train = commands.add_parser("train", help="train a network on CIFAR-10, or a decoder")
    train.add_argument(
        "name", metavar="NAME", help="vgg16-quarter, paper-1, paper-2, paper-3, or decoder"
    )
    train.add_argument("--network", help="of a decoder: its encoder, as vgg16-quarter, or a file")
    train.add_argument("--layer", help="of a decoder: the pooling it goes back from, as pool3")
    train.add_argument("--photographs", help="of a decoder: folder of photographs to learn from")
    train.add_argument("--filters", default="learned", choices=("random", "learned"))
    train.add_argument("--width", type=int, help="channels of the paper's networks (Table 5's)")
    train.add_argument("--size", type=int, help="of their filters: 3, 5 or 7")
    train.add_argument("--epochs", type=int, help="of the first cycle of the learning rate")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in OUT")
    train.add_argument("--data", help="folder with CIFAR-10, binary version")
    train.add_argument("--out", default="out", help="folder for checkpoint and result (out)")
    train.set_defaults(command=_train)

    ledger = commands.add_parser("ledger", help="every number of the paper beside ours")
    ledger.set_defaults(command=_ledger)

    data = commands.add_parser("data", help="what the book ships, and what it can fetch")
    data.add_argument("action", choices=("list", "fetch", "verify"))
    data.add_argument("names", nargs="*", metavar="NAME", help="of networks and data to fetch")
    data.add_argument("--data", help="folder of what is fetched (default $CNNINV_DATA, ~/.cache)")
    data.add_argument("--url", help="another place to fetch the file from; its hash is the same")
    data.set_defaults(command=_data)
    return parser


def _list(options: argparse.Namespace) -> None:
    from cnninv.experiments import EXPERIMENTS

    width = max(map(len, EXPERIMENTS))
    for name, experiment in EXPERIMENTS.items():
        print(f"{name.ljust(width)}  {experiment.paper_item}: {experiment.title}")
        print(f"{' ' * width}  needs {experiment.needs}{'; cpu or cuda' if experiment.gpu else ''}")


def _run(options: argparse.Namespace) -> None:
    from cnninv.experiments import EXPERIMENTS
    from cnninv.experiments.runner import run_experiment
    from cnninv.ledger import number
    from cnninv.report import write_report
    from cnninv.workers import workers

    names = list(EXPERIMENTS) if options.names == ["all"] else options.names
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        raise ValueError(
            f"NAME = {unknown[0]!r} is no experiment; expected {', '.join(EXPERIMENTS)}"
        )
    out = output_folder(options.out)
    titles = {name: experiment.title for name, experiment in EXPERIMENTS.items()}
    scale, seed, data = options.scale, options.seed, options.data
    with workers(options.workers, "--workers") as executor:
        for name in names:
            result = run_experiment(
                EXPERIMENTS[name], out, scale, seed, options.device, data, executor
            )
            took = f"{scale} scale, {result['device']}, {result['seconds']:.1f} s"
            print(f"{name} ({result['paper_item']}), {took}")
            for row in result["rows"]:
                print(
                    f"  {row['quantity']} [{row['convention']}]: paper {number(row['paper'])}, "
                    f"ours {number(row['ours'])} ({number(row['spread'])}): {row['verdict']}"
                )
            report = write_report(out, titles)
    print(f"report: {report}")


def _invert(options: argparse.Namespace) -> None:
    from cnninv.invert_command import run

    run(options)


def _train(options: argparse.Namespace) -> None:
    if options.name == "decoder":
        from cnninv.training.decoder_command import run
    else:
        from cnninv.training.command import run
    run(options)


def _ledger(options: argparse.Namespace) -> None:
    from cnninv.ledger import format_ledger, ledger, recorded_runs

    print(format_ledger(ledger(), recorded_runs()))


def _data(options: argparse.Namespace) -> int:
    from cnninv.datasets import SOURCES, cache_folder, fetch, problems
    from cnninv.validation import one_of

    names = [one_of(name, "NAME", tuple(SOURCES)) for name in options.names]
    folder = cache_folder() if options.data is None else Path(options.data)
    if options.action == "fetch":
        if not names:
            raise ValueError(f"NAME is missing; expected {', '.join(SOURCES)}")
        if options.url and len(names) > 1:
            raise ValueError(f"--url = {options.url!r} is for one NAME; got {', '.join(names)}")
        for name in names:
            fetch(name, folder, options.url, say=print)
        return 0
    if options.action == "list":
        for entry in [] if names else read_json(data_folder() / "manifest.json"):
            print(f"{entry['file']}  {entry['origin']}")
        for source in [SOURCES[name] for name in names or SOURCES]:
            here = (folder / source.file).is_file()
            state = f"in {folder}" if here else f"{source.size}, not fetched"
            print(f"{source.name}  {source.title}: {state}")
        return 0
    present = [name for name in SOURCES if (folder / SOURCES[name].file).is_file()]
    failures = [] if names else _changed()
    failures += [line for name in names or present for line in problems(SOURCES[name], folder)]
    print("\n".join(failures) or f"all files are as {'published' if names else 'shipped'}")
    return 1 if failures else 0


def _changed() -> list[str]:
    """Files of the book that are not as shipped."""
    folder, lines = data_folder(), []
    for entry in read_json(folder / "manifest.json"):
        path = folder / entry["file"]
        if not path.is_file() or sha256(path) != entry["sha256"]:
            state = "differs from its hash" if path.is_file() else "missing"
            lines.append(f"{entry['file']}: {state}")
    return lines
