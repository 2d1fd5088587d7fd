"""An executable textbook of Gilbert et al. 2017 on the invertibility of convolutional networks."""

from cnninv import filterbanks, plots, theorems
from cnninv.batchnorm import batch_norm_matrix
from cnninv.bracket import model_rip_bracket
from cnninv.coherence import coherence, filter_gram
from cnninv.conv import conv_matrix
from cnninv.crelu import crelu, psi_matrix, relu
from cnninv.decoder_files import load_decoder
from cnninv.decoders import transpose_decoder
from cnninv.encoding import Code, encode
from cnninv.filters import normalize_filters, normalize_rows, random_filters, row_norms
from cnninv.geometry import conv_shape
from cnninv.iht import iht, operator_norm
from cnninv.iterated import recover_image
from cnninv.lasso import lambda_max, lasso, lasso_path
from cnninv.least_squares import cgls
from cnninv.linearized import linearize
from cnninv.mirrored import Decoder
from cnninv.model import count_supports, in_model, sample_code, selection_matrix, support
from cnninv.network_files import load_network
from cnninv.networks import Network
from cnninv.operator import ConvOperator
from cnninv.pooling import (
    average_pool_matrix,
    max_pool,
    naive_upsample_matrix,
    pool_matrix,
    pooling_regions,
    unpool,
)
from cnninv.products import ThreadedMatrix
from cnninv.projection import model_project, model_support, sparse_project
from cnninv.random_networks import random_network
from cnninv.recovery import recover_code
from cnninv.rip import model_rip_exact, model_rip_sampled
from cnninv.row_blocks import RowBlocks
from cnninv.statement import Statement
from cnninv.theorems import reconstruction_bound
from cnninv.what_and_where import replace_switches, replace_values
from cnninv.winograd import winograd_factors

__version__ = "0.1.0"

__all__ = [
    "Code",
    "ConvOperator",
    "Decoder",
    "Network",
    "RowBlocks",
    "Statement",
    "ThreadedMatrix",
    "average_pool_matrix",
    "batch_norm_matrix",
    "cgls",
    "coherence",
    "conv_matrix",
    "conv_shape",
    "count_supports",
    "crelu",
    "encode",
    "filter_gram",
    "filterbanks",
    "iht",
    "in_model",
    "lambda_max",
    "lasso",
    "lasso_path",
    "linearize",
    "load_decoder",
    "load_network",
    "max_pool",
    "model_project",
    "model_rip_bracket",
    "model_rip_exact",
    "model_rip_sampled",
    "model_support",
    "naive_upsample_matrix",
    "normalize_filters",
    "normalize_rows",
    "operator_norm",
    "plots",
    "pool_matrix",
    "pooling_regions",
    "psi_matrix",
    "random_filters",
    "random_network",
    "reconstruction_bound",
    "recover_code",
    "recover_image",
    "relu",
    "replace_switches",
    "replace_values",
    "row_norms",
    "sample_code",
    "selection_matrix",
    "sparse_project",
    "support",
    "theorems",
    "transpose_decoder",
    "unpool",
    "winograd_factors",
]
