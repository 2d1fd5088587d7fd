"""Training by products of matrices: random against learned filters, and the network that the book ships."""

from cnninv.training.checkpoint import read_checkpoint, write_checkpoint
from cnninv.training.convolution import Convolution
from cnninv.training.fold import classify, export, fold, read_classifier
from cnninv.training.loop import train
from cnninv.training.model import Model
from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.patches import patch_columns
from cnninv.training.plans import PLANS, Plan, Settings, paper_plan, plan
from cnninv.training.pooling import AveragePooling, Dropout, MaximumPooling, Rectifier
from cnninv.training.sgd import Nesterov, one_cycle
from cnninv.training.softmax import Linear, cross_entropy
from cnninv.training.trained import Trained

__all__ = [
    "PLANS",
    "AveragePooling",
    "BatchNormalisation",
    "Convolution",
    "Dropout",
    "Linear",
    "MaximumPooling",
    "Model",
    "Nesterov",
    "Plan",
    "Rectifier",
    "Settings",
    "Trained",
    "classify",
    "cross_entropy",
    "export",
    "fold",
    "one_cycle",
    "paper_plan",
    "patch_columns",
    "plan",
    "read_checkpoint",
    "read_classifier",
    "train",
    "write_checkpoint",
]
