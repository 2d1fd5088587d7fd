import numpy as np
import pytest

from cnninv import max_pool, model_project, sample_code, unpool
from cnninv.experiments import EXPERIMENTS, Context, fig2


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(1)
    W = fig2.layer(rng)
    z = sample_code(fig2.K, fig2.SHIFTS, fig2.SPARSITY, rng, batch=30)
    return W, z, fig2.ratios(W, z)


def test_the_layer_has_the_sizes_of_section_4_2():
    W = fig2.layer(np.random.default_rng(0))
    assert W.shape == (96 * 28, 32 * 32)
    assert W.nnz == 96 * 28 * 32 * 5


def test_figure_2_ratios_are_those_of_a_single_code_by_hand(drawn):
    W, z, ratios = drawn
    W, code = W.toarray(), z[:, 7]
    x = W.T @ code
    h = W @ x
    norm = np.linalg.norm
    assert ratios["a"][7] == pytest.approx(norm(x) / norm(code))
    assert ratios["b"][7] == pytest.approx(norm(h) / norm(code))
    assert ratios["b on Π"][7] == pytest.approx(norm(h[code != 0]) / norm(code))
    z_hat = model_project(h, 96, 10)
    assert ratios["c"][7] == pytest.approx(norm(W.T @ z_hat - x) / norm(x))
    values, switches = max_pool(h, (96, 28), 28)
    pooled = unpool(values, switches, (96, 28), 28)
    assert ratios["c all"][7] == pytest.approx(norm(W.T @ pooled - x) / norm(x))
    kept = max_pool(z_hat, (96, 28), 28)[0]
    naive = unpool(kept, None, (96, 28), 28, how="naive")
    assert ratios["c naive"][7] == pytest.approx(norm(W.T @ naive - x) / norm(x))


def test_figure_2_readings_lie_where_they_were_measured_beforehand(drawn):
    ratios = drawn[2]
    for name, low, high in [
        ("a", 0.95, 1.05),
        ("b", 1.85, 2.1),
        ("b on Π", 0.95, 1.08),
        ("c", 0.25, 0.38),
        ("c naive", 1.3, 1.55),
        ("c all", 1.05, 1.3),
    ]:
        assert low < ratios[name].mean() < high, name


def test_figure_2_has_every_reading_as_a_row_of_its_own():
    outcome = EXPERIMENTS["fig2"].run(Context("quick", 0))
    verdicts = {row.quantity: row.verdict for row in outcome.rows}
    assert verdicts["2(a) ‖Wᵀz‖/‖z‖"] == "reproduced"
    assert verdicts["2(b) ‖WWᵀz‖/‖z‖"] == "differs"
    assert verdicts["2(c) ‖x̂−x‖/‖x‖, squared"] == "reproduced"
    assert verdicts["2 hypothesis δ_k < 1, certified lower end of δ_10"] == "differs"
    assert len(outcome.figure.axes) == 3
