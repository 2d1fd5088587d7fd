"""Checks of the problem sets in `chapters/exercises`, one module per set and one call per problem.

A check asks a student's function for its answers on fresh random instances and tests a property of them, with
an oracle of its own: SciPy, dense linear algebra, or enumeration. It returns nothing if all hold, and raises
`Incorrect` with what was asked, what came, and what is wrong with it, but not with the answer.

Instances are drawn anew each time. With the environment variable CNNINV_CHECK_SEED set, as `make grade` does,
they are the same each time and for each student.
"""

from cnninv.checks import lemmas, matrix, networks, pairs, projection, random_filters
from cnninv.checks.asking import Incorrect

__all__ = ["Incorrect", "lemmas", "matrix", "networks", "pairs", "projection", "random_filters"]
