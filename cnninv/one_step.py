"""An activation through the layer above and back, one step of IHT: f̂ = WᵀM(Wf) (Gilbert 2017, §4.5).

f is what pool(i) gives, W the layer conv(i+1,1) or Gaussian filters of its size; f̂ is scaled to the norm of f.
Table 4 has ‖f̂ − f‖/‖f‖. The paper leaves open which entries M keeps, whether they go back to where they were,
and where there is a ReLU: a `Convention` says it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.operator import ConvOperator
from cnninv.pooling import max_pool, unpool
from cnninv.projection import sparse_project
from cnninv.validation import generator, one_of, real_array, whole_number

WINDOW = 2
HIDDEN = ("Wf", "ReLU(Wf)", "ReLU(Wf + b)")
KEPT = ("regions", "largest", "all", "filters")
RANDOM = ("Gaussian", "|Gaussian|", "ReLU(Gaussian)")


@dataclass(frozen=True)
class Convention:
    """One reading of f̂ = WᵀM(Wf).

    Attributes
    ----------
    hidden : "Wf", "ReLU(Wf)" or "ReLU(Wf + b)"
        What M sees; the last is the network's own layer, and without a bias it is the second.
    kept : "regions", "largest", "all" or "filters"
        One entry per channel and 2 × 2 region, and of those the k largest; the k largest wherever they are;
        every entry; one per filter, as the theory has it.
    by : "abs" or "value"
        Of regions and filters, the entry with the largest |h| or with the largest h.
    how : "switches" or "naive"
        Back to where it was, or to the first place of its region.
    positive : bool
        Whether f̂ goes through a ReLU in the end, as f did.
    """

    hidden: str = "Wf"
    kept: str = "regions"
    by: str = "abs"
    how: str = "switches"
    positive: bool = False

    def __post_init__(self) -> None:
        one_of(self.hidden, "hidden", HIDDEN)
        one_of(self.kept, "kept", KEPT)
        one_of(self.by, "by", ("abs", "value"))
        one_of(self.how, "how", ("switches", "naive"))

    def __str__(self) -> str:
        size = {"abs": "max |h|", "value": "max h"}[self.by]
        kept = {
            "regions": f"{size} of 2 × 2 regions, {self.how}",
            "largest": "k largest |h|",
            "all": "all entries",
            "filters": f"{size} of filters, {self.how}",
        }[self.kept]
        return f"{self.hidden}, {kept}" + (", then ReLU" if self.positive else "")


NEAREST = Convention(by="value")
"""Nearest to what Table 4 prints, over all cells at once (`cnninv run table4`, chapter 10)."""
LITERAL = Convention(how="naive")
"""As §4 says it: no ReLU, the model's projection, naive upsampling."""


def conventions(bias: bool = True) -> list[Convention]:
    """Every reading, each once: after a ReLU the largest h is the largest |h|.

    Parameters
    ----------
    bias : bool
        Whether the layer has one; Gaussian filters have none.

    Examples
    --------
    >>> len(conventions()), len(conventions(bias=False))
    (34, 24)
    >>> print(conventions()[0])
    Wf, max |h| of 2 × 2 regions, switches
    """
    regions = [("regions", by, how) for by in ("abs", "value") for how in ("switches", "naive")]
    others = [
        ("largest", "abs", "switches"),
        ("all", "abs", "switches"),
        ("filters", "abs", "switches"),
    ]
    return [
        Convention(hidden, kept, by, how, positive)
        for hidden in HIDDEN[: 3 if bias else 2]
        for kept, by, how in regions + others
        if by == "abs" or hidden == "Wf"
        for positive in (False, True)
    ]


def one_step(
    f: Any,
    filters: Any,
    convention: Convention = NEAREST,
    k: int | None = None,
    bias: Any = None,
) -> Any:
    """f̂ = WᵀM(Wf), scaled to ‖f̂‖ = ‖f‖.

    Parameters
    ----------
    f : array, shape (M, n1, n2)
        An activation behind a pooling.
    filters : array, shape (K, M, l1, l2)
        Odd sizes; zero-padded, so that the layer has a position for each of f. Where f is.
    convention : Convention
    k : int, optional
        Entries that M keeps, for "largest" and "regions"; all regions if not given or if there are fewer.
    bias : array, shape (K,), optional
        For "ReLU(Wf + b)".

    Returns
    -------
    f_hat : array, shape (M, n1, n2)
        Zero if nothing is kept.

    Raises
    ------
    TypeError, ValueError
        If shapes do not match, or "largest" has no k.

    Examples
    --------
    >>> f = np.array([[[1.0, 2.0], [0.0, 4.0]]])
    >>> one_step(f, np.ones((1, 1, 1, 1)))  # of the only region, the largest entry stays
    array([[[0.        , 0.        ],
            [0.        , 4.58257569]]])
    """
    ((_, f_hat),) = one_steps(f, filters, [convention], k, bias)
    return f_hat


def one_steps(
    f: Any,
    filters: Any,
    conventions: Iterable[Convention],
    k: int | None = None,
    bias: Any = None,
) -> Iterator[tuple[Convention, Any]]:
    """`one_step` under several conventions, which share what they have in common."""
    f = real_array(f, "f", ndim=3)
    W = ConvOperator(filters, f.shape[1:], padding="same")
    if len(f) != W.layer.M:
        raise ValueError(f"filters are for {W.layer.M} channels; f has shape {f.shape}")
    shape, x = (W.layer.K, *f.shape[1:]), f.reshape(-1)
    h, seen = W @ x, {}
    for convention in conventions:
        kept = (convention.hidden, convention.kept, convention.by, convention.how)
        if kept not in seen:
            seen = {
                kept: W.T
                @ project(_hidden(h, bias, convention.hidden, shape), shape, convention, k)
            }
        f_hat = seen[kept].reshape(f.shape)  # Wᵀ M(h)
        f_hat = f_hat.clip(0) if convention.positive else f_hat
        yield convention, scaled_to(f_hat, f)


def project(
    h: Any, shape: tuple[int, int, int], convention: Convention, k: int | None = None
) -> Any:
    """M(h), as the convention has it.

    Parameters
    ----------
    h : array, shape (K*n,)
    shape : (K, n1, n2)
    convention : Convention
    k : int, optional
        As in `one_step`.

    Returns
    -------
    z_hat : array, shape (K*n,)
    """
    if convention.kept == "all":
        return h
    if convention.kept == "largest":
        if k is None:
            raise ValueError("k is None; expected how many entries to keep, wherever they are")
        return sparse_project(h, whole_number(k, "k", 0, len(h)))
    window = WINDOW if convention.kept == "regions" else shape[1:]
    values, switches = max_pool(h, shape, window, convention.by)
    if k is not None and convention.kept == "regions" and k < len(values):
        values = sparse_project(values, whole_number(k, "k", low=0))
    return unpool(values, switches, shape, window, convention.how)


def random_activation(f: Any, rng: np.random.Generator, kind: str = "Gaussian") -> Any:
    """A random activation in the place of f, of its norm: Table 4's third column (footnote 9).

    Parameters
    ----------
    f : array
    rng : numpy.random.Generator
    kind : "Gaussian", "|Gaussian|" or "ReLU(Gaussian)"
        The paper's; the other two are not negative, as f is not.

    Examples
    --------
    >>> f = np.ones((4, 50, 50))
    >>> f_hat = random_activation(f, np.random.default_rng(0))
    >>> round(float(np.linalg.norm(f_hat - f) / np.linalg.norm(f)), 2)
    1.41
    """
    f, xp = real_array(f, "f"), array_namespace(f)
    drawn = generator(rng).standard_normal(f.shape)
    one_of(kind, "kind", RANDOM)
    if kind != "Gaussian":
        drawn = abs(drawn) if kind == "|Gaussian|" else drawn.clip(0)
    return scaled_to(xp.asarray(drawn, dtype=f.dtype), f)


def scaled_to(f_hat: Any, f: Any) -> Any:
    """f̂ with the norm of f, so that a decoder can be fed with it; zero stays zero."""
    xp = array_namespace(f_hat=f_hat, f=f)
    norm = float(xp.linalg.norm(f_hat))
    return f_hat if norm == 0 else f_hat * (float(xp.linalg.norm(f)) / norm)


def relative_error(f_hat: Any, f: Any) -> float:
    """‖f̂ − f‖/‖f‖; between equal norms √(2 − 2 cos θ), 0 where both are zero.

    Examples
    --------
    >>> relative_error(np.array([0.0, 5.0]), np.array([3.0, 4.0])) ** 2  # cos θ = 4/5
    0.4
    """
    xp = array_namespace(f_hat=f_hat, f=f)
    distance, norm = float(xp.linalg.norm(f_hat - f)), float(xp.linalg.norm(f))
    return distance / norm if norm else (0.0 if distance == 0 else float("inf"))


def _hidden(h: Any, bias: Any, name: str, shape: tuple[int, int, int]) -> Any:
    if name == "Wf":
        return h
    if name == "ReLU(Wf + b)" and bias is not None:
        h = (h.reshape(shape) + bias[:, None, None]).reshape(-1)
    return h.clip(0)
