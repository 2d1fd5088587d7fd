"""Training by products of matrices: random against learned filters, decoders, and what the book ships."""

from cnninv.training.adam import Adam
from cnninv.training.checkpoint import read_checkpoint, write_checkpoint
from cnninv.training.convolution import Convolution
from cnninv.training.decoders import train_decoder
from cnninv.training.fold import classify, export, fold, read_classifier
from cnninv.training.loop import train
from cnninv.training.mirror import Mirror
from cnninv.training.model import Model
from cnninv.training.normalisation import BatchNormalisation
from cnninv.training.patches import patch_columns
from cnninv.training.photographs import read_photographs
from cnninv.training.plans import PLANS, Plan, paper_plan, plan
from cnninv.training.pooled import PooledStage
from cnninv.training.pooling import AveragePooling, Dropout, MaximumPooling, Rectifier
from cnninv.training.settings import DecoderSettings, Settings
from cnninv.training.sgd import Nesterov, one_cycle
from cnninv.training.softmax import Linear, cross_entropy
from cnninv.training.trained import Trained

__all__ = [
    "PLANS",
    "Adam",
    "AveragePooling",
    "BatchNormalisation",
    "Convolution",
    "DecoderSettings",
    "Dropout",
    "Linear",
    "MaximumPooling",
    "Mirror",
    "Model",
    "Nesterov",
    "Plan",
    "PooledStage",
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
    "read_photographs",
    "train",
    "train_decoder",
    "write_checkpoint",
]
