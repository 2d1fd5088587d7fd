"""The blocks of a code, of which each has one non-zero entry at most in the model M_k (Gilbert 2017, §2.3)."""

from typing import Any

import numpy as np

from cnninv.backend import array_namespace
from cnninv.validation import whole_number


def check_blocks(blocks: Any, size: int) -> Any:
    """`blocks` as an integer label for each of `size` entries, none negative."""
    xp = array_namespace(blocks)
    try:
        labels = xp.asarray(blocks)
    except ValueError:
        raise TypeError(f"blocks = {blocks!r} must be a sequence of integer labels") from None
    if labels.dtype.kind not in "iu":
        raise TypeError(f"blocks has dtype {labels.dtype}; expected integer labels")
    if labels.shape != (size,):
        raise ValueError(
            f"blocks has shape {labels.shape}; expected a label for each of {size} entries"
        )
    if int(labels.min()) < 0:
        raise ValueError(f"blocks has the label {int(labels.min())}; expected labels from 0")
    if int(labels.max()) >= size:
        # what is counted label by label stays as small as the code
        return xp.unique(labels, return_inverse=True)[1]
    return labels.astype(np.intp, copy=False)


def block_labels(size: int, K: int, blocks: Any = None, xp: Any = np) -> Any:
    """The block of each entry: `blocks`, or the K contiguous ones of size/K entries each (in `xp`)."""
    K = whole_number(K, "K", low=1)
    if blocks is not None:
        return check_blocks(blocks, size)
    if size % K:
        raise ValueError(f"K = {K} must divide the length {size} of the code")
    return xp.repeat(xp.arange(K), size // K)
