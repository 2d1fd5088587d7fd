"""Settings of nbgrader for this folder: limits while grading, and the same instances for everyone."""

import os
from pathlib import Path

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    OverwriteCells,
    OverwriteKernelspec,
)

HERE = Path(__file__).parent
c = get_config()  # noqa: F821 (nbgrader defines it)

c.CourseDirectory.course_id = "cnninv"
c.CourseDirectory.root = str(HERE)
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}

# the checks draw from it, so that grading twice gives the same points
os.environ.setdefault("CNNINV_CHECK_SEED", "1")


class DropDuplicates(DeduplicateIds):
    """Of a cell that is there twice the last one counts; nbgrader 0.9 stops at what it leaves of the other."""

    def preprocess_cell(self, cell, resources, cell_index):
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.metadata.get("nbgrader") == {}:
            del cell.metadata["nbgrader"]
        return cell, resources


c.Autograde.sanitize_preprocessors = [
    ClearOutput,
    DropDuplicates,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]

# seconds for a cell; memory and output are limited inside the kernel
c.Execute.timeout = 20
c.Execute.extra_arguments = [
    "--log-level=ERROR",
    f"--IPKernelApp.exec_files={HERE / 'limits.py'}",
]
c.LimitOutput.max_lines = 200
