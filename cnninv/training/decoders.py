"""Training of decoders: random crops of photographs through the encoder and back."""

import time
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnninv.backend import require_memory
from cnninv.decoder_files import fingerprint
from cnninv.encoding import input_planes
from cnninv.networks import Network
from cnninv.training.adam import Adam
from cnninv.training.augment import batches
from cnninv.training.epochs import through_epochs
from cnninv.training.memory import decoder_memory
from cnninv.training.mirror import Mirror
from cnninv.training.parts import Parts
from cnninv.training.photographs import Photographs, random_crops
from cnninv.training.quality import quality
from cnninv.training.run import Run
from cnninv.training.settings import DecoderSettings
from cnninv.training.sgd import one_cycle


@dataclass
class TrainedDecoder:
    """A trained decoder and how it came about.

    Attributes
    ----------
    model : Mirror
    history : list of dict
        For each epoch: loss on the crops, PSNR on the validation photographs.
    seconds : float
        Spent in training, interruptions not counted.
    """

    model: Mirror
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it; by reference."""
        return self.model.state


def train_decoder(
    network: Network,
    layer: str,
    photographs: Photographs,
    settings: DecoderSettings,
    checkpoint: Path | None = None,
    resume: bool = False,
    xp: Any = np,
    progress: bool = True,
) -> TrainedDecoder:
    """Train a decoder for the codes behind a pooling: the mean squared error on the image, by Adam.

    The filters start as the encoder's, exchanged and flipped (Wᵀ), each layer scaled; see `Mirror`.

    Parameters
    ----------
    network : Network
        The encoder, in memory.
    layer : str
        A pooling.
    photographs : Photographs
    settings : DecoderSettings
    checkpoint, resume, xp, progress
        As in `cnninv.training.train`.

    Raises
    ------
    ValueError
        If the checkpoint is damaged or of other settings, the crops are too small, or there are too few.
    MemoryError
        Before anything is allocated, if a step does not fit into memory.
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint is written.
    """
    images, steps = photographs.training, len(photographs.training) // settings.batch
    if not steps:
        raise ValueError(f"batch = {settings.batch} needs more than {len(images)} photographs")
    planes = input_planes(network.architecture, (settings.crop,) * 2, layer)
    if min(min(plane) for plane in planes.values()) < 2:
        raise ValueError(
            f"crop = {settings.crop} is too small for {layer}: nothing is left to be pooled"
        )
    require_memory(
        decoder_memory(network, layer, settings),
        f"a decoder of {layer} on {settings.batch} crops of {settings.crop} × {settings.crop} needs memory",
        "Take smaller batches.",
        xp,
    )
    there = network if xp is np else network.on("cuda")
    model = Mirror(there, layer, xp)
    first = random_crops(images[: settings.batch], settings.crop, _rng(settings, settings.epochs))
    model.start(_inputs(model, first))
    trained = TrainedDecoder(model)
    parts, optimiser = Parts(model, settings.parts), Adam(model.parameters)
    facts = {"encoder": fingerprint(network), "layer": layer, "photographs": len(images)}
    facts |= asdict(settings) | {"checksum of the photographs": zlib.crc32(images)}
    run = Run(trained, optimiser, facts, checkpoint, sums=("loss",))
    if resume:
        run.load()

    def order(epoch: int) -> list[np.ndarray]:
        return batches(len(images), settings.batch, _rng(settings, epoch, steps))

    def step(batch: np.ndarray) -> None:
        _step(run, parts, images[batch], settings, steps)

    def finish() -> dict[str, float]:
        told = {"loss": run.sums["loss"] / steps}
        middle = slice((settings.side - settings.crop) // 2, (settings.side + settings.crop) // 2)
        kept = photographs.validation[:, :, middle, middle]
        return told | {"validation": quality(model.decoder(), there, kept)["psnr"]}

    through_epochs(run, settings.epochs, order, step, finish, progress)
    return trained


def _step(
    run: Run, parts: Parts, images: np.ndarray, settings: DecoderSettings, steps: int
) -> None:
    started, model = time.perf_counter(), run.trained.model
    rng = _rng(settings, run.epoch, run.step)
    x = _inputs(model, random_crops(images, settings.crop, rng))

    def learn(twin: Mirror, part: slice, rng: np.random.Generator) -> tuple[float, ...]:
        return (twin.learn(model.xp.ascontiguousarray(x[..., part])),)

    losses = parts.step(x.shape[-1], learn, rng)
    loss = sum(loss for (loss,) in losses) / len(losses)
    if not np.isfinite(loss):
        raise ValueError(
            f"the loss is {loss} in epoch {run.epoch + 1}; expected a smaller rate than {settings.rate}"
        )
    done, all_steps = run.epoch * steps + run.step, settings.epochs * steps
    run.optimiser.step(parts.gradients, one_cycle(done, all_steps, settings.rate, warm=0.1))
    run.sums["loss"] += loss
    run.trained.seconds += time.perf_counter() - started


def _inputs(model: Mirror, crops: np.ndarray) -> Any:
    """Preprocessed crops where the model is, the images last."""
    x = model.network.preprocessing.whole(crops.astype(np.float32) / 255)
    return model.xp.asarray(np.ascontiguousarray(np.moveaxis(x, 0, -1)))


def _rng(settings: DecoderSettings, epoch: int, step: int = 0) -> np.random.Generator:
    """A stream of its own for every batch, so that a run can go on anywhere."""
    return np.random.default_rng((settings.seed, 3, epoch, step))
