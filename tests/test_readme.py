import re
import subprocess
import sys

import write_readme

from cnninv.statement_table import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_readme_says():
    (program,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert done.stdout == printed


def test_links_of_the_readme_exist():
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_tables_of_the_readme_are_current():
    assert write_readme.with_tables(README) == README, "run `make readme`"
