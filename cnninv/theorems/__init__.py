"""Every statement of the paper, both of its sides computed (Gilbert 2017, §3, Appendices A, B)."""

from cnninv.theorems.best_constant import (
    GOLDEN,
    golden_filters,
    reconstruction_bound_golden,
    theorem_3_3_golden,
)
from cnninv.theorems.bounds import (
    largest_useful_delta,
    reconstruction_bound,
    reconstruction_bound_sharp,
    reconstruction_bound_unrounded,
)
from cnninv.theorems.certificate import error_certificate
from cnninv.theorems.composition import composed_bound, layers_isometry, several_layers
from cnninv.theorems.compressible import iht_contraction_noisy, peel, theorem_3_3_noisy
from cnninv.theorems.concentration import (
    exponent_3,
    fit_constant,
    inequality_3,
    tail_bound,
    theorem_a2,
)
from cnninv.theorems.energy import reconstruction_bound_energy, theorem_3_3_energy
from cnninv.theorems.instance import layer_instance
from cnninv.theorems.iteration import iht_contraction
from cnninv.theorems.layer import layer_is_iht_iteration
from cnninv.theorems.lemmas import lemma_b1, lemma_b2, lemma_b3, lemma_b4
from cnninv.theorems.measured import several_layers_measured
from cnninv.theorems.output_law import lemma_a1, output_covariance, squared_ratios
from cnninv.theorems.pairs import proposition_1
from cnninv.theorems.pooled_layer import PooledLayer
from cnninv.theorems.random_filters import (
    corollary_3_2,
    guaranteed_delta,
    sufficient_size,
    theorem_3_1,
    theorem_3_1_repaired,
)
from cnninv.theorems.reconstruction import theorem_3_3, theorem_3_3_sharp

__all__ = [
    "GOLDEN",
    "PooledLayer",
    "composed_bound",
    "corollary_3_2",
    "error_certificate",
    "exponent_3",
    "fit_constant",
    "golden_filters",
    "guaranteed_delta",
    "iht_contraction",
    "iht_contraction_noisy",
    "inequality_3",
    "largest_useful_delta",
    "layer_instance",
    "layer_is_iht_iteration",
    "layers_isometry",
    "lemma_a1",
    "lemma_b1",
    "lemma_b2",
    "lemma_b3",
    "lemma_b4",
    "output_covariance",
    "peel",
    "proposition_1",
    "reconstruction_bound",
    "reconstruction_bound_energy",
    "reconstruction_bound_golden",
    "reconstruction_bound_sharp",
    "reconstruction_bound_unrounded",
    "several_layers",
    "several_layers_measured",
    "squared_ratios",
    "sufficient_size",
    "tail_bound",
    "theorem_3_1",
    "theorem_3_1_repaired",
    "theorem_3_3",
    "theorem_3_3_energy",
    "theorem_3_3_golden",
    "theorem_3_3_noisy",
    "theorem_3_3_sharp",
    "theorem_a2",
]
