import numpy as np
import pytest

from cnninv.experiments import EXPERIMENTS, Context, fig3
from cnninv.experiments.model_rip import Recovered, Seen, recover
from cnninv.filters import random_filters


def test_lambda_is_chosen_by_sparsity_not_by_the_ratio():
    def at(share, ratio):
        return Recovered(np.array([ratio]), *np.array([[0], [share], [0], [0]]))

    path = {0.1: at(0.1, 1.0), 0.03: at(0.2, 0.8), 0.01: at(0.25, 0.9)}
    assert fig3.choose(path) == 0.03


def test_figure_3_at_quick_scale_says_what_was_not_run():
    outcome = EXPERIMENTS["fig3"].run(Context("quick", 0))
    verdicts = {(row.quantity, row.convention): row.verdict for row in outcome.rows}
    assert all(verdict != "reproduced" for (q, c), verdict in verdicts.items() if "zero pad" in c)
    for panel in ("3(a)", "3(b)", "3(c)"):
        assert verdicts[f"{panel} ‖Wᵀz‖/‖z‖, learned filters", ""] == "not run"
        assert any(q.startswith(f"{panel} ‖Wᵀz‖/‖z‖, random filters") for q, _ in verdicts)
    assert all(q.startswith(EXPERIMENTS["fig3"].claims) for q, _ in verdicts)
    gaps = [row.ours for row in outcome.rows if "gap" in row.quantity]
    assert len(gaps) == 2
    assert max(gaps) <= 1e-2
    explicit = next(row for row in outcome.rows if "difference" in row.quantity)
    assert explicit.ours < 1e-6
    assert len(outcome.figure.axes) == 3


def test_the_rows_of_a_recovered_path_are_those_of_its_numbers():
    rng = np.random.default_rng(0)
    filters, x = random_filters(4, 4, (3, 3), rng), rng.standard_normal((4 * 49, 20))
    task = Seen(filters, x.astype(np.float32), (0.3, 0.1), 1e-3, 2000)
    path = {f: Recovered(**step) for f, step in zip(task.fractions, recover(task), strict=True)}
    rows = fig3._recovered_rows(fig3.Instance("3(b)", "random filters", "x", task), path)
    found = {row.quantity + row.convention: row.ours for row in rows}
    chosen = path[fig3.choose(path)]
    label = "3(b) ‖Wᵀz‖/‖z‖, random filters"
    assert rows[0].ours == pytest.approx(chosen.ratio.mean())
    assert rows[1].ours == pytest.approx(chosen.ratio.std())
    assert rows[2].ours == max(step.gap.max() for step in path.values()) <= 1e-3
    share = found[f"{label}: path over λ, non-zerosx, λ = 0.1 λ_max; spread over patches"]
    assert share == pytest.approx(path[0.1].share.mean())
