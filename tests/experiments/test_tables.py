import numpy as np
import pytest

from cnninv import coherence, random_filters
from cnninv.architectures import ALEXNET, VGG16
from cnninv.experiments import EXPERIMENTS, Context, coherences
from cnninv.files import data_folder, read_json
from cnninv.ledger import ledger


@pytest.fixture
def small(monkeypatch):
    """VGG-16 and AlexNet cut off, as experiments of their own."""

    def run(table, architecture, last, context):
        return coherences.run(context, table, architecture.upto(last))

    return run


def test_labels_are_those_of_the_printed_numbers():
    printed = {line.quantity for line in ledger()}
    for table, architecture in (("Table 3", VGG16), ("Table 6", ALEXNET)):
        for conv in architecture.convolutions:
            for kind in ("learned", "random"):
                quantity = f"{coherences.label(table, conv.name)} {kind}"
                assert any(q.startswith(quantity) for q in printed), quantity
                assert quantity in coherences.printed(table)


def test_groups_are_compared_apart(rng):
    filters = random_filters(4, 2, (3, 3), rng)
    filters[2] = filters[0]  # in the other group: disjoint rows of W
    assert coherence(filters) == pytest.approx(1)
    parts = [coherence(filters[:2]), coherence(filters[2:])]
    assert coherences.layer_coherence(filters, groups=2) == pytest.approx(max(parts))


def test_random_filters_are_those_of_the_layers_sizes(rng):
    found = coherences.random(VGG16.upto("conv1_2"), np.random.default_rng(0))
    filters = random_filters(64, 3, (3, 3), rng)
    assert list(found) == list(coherences.CONVENTIONS)
    for name, convention in coherences.CONVENTIONS.items():
        assert list(found[name]) == ["conv1_1", "conv1_2"]
        assert found[name]["conv1_1"] == pytest.approx(coherence(filters, **convention))


def test_without_weights_the_learned_rows_are_not_run(small):
    rows = small("Table 3", VGG16, "conv1_2", Context("quick", 0)).rows
    learned = [row for row in rows if "learned" in row.quantity]
    assert [row.verdict for row in learned] == ["not run"] * 2
    assert "--data DIR" in learned[0].reason
    random = [row for row in rows if "random" in row.quantity]
    assert len(random) == 4
    assert all(row.spread[0] < row.ours < row.spread[1] for row in random)
    absolute = next(row for row in random if "absolute" in row.convention)
    assert (absolute.quantity, absolute.verdict) == ("Table 3 (1,1) random", "reproduced")


def test_at_paper_scale_random_filters_are_compared_under_each_convention(small):
    rows = small("Table 3", VGG16, "conv1_1", Context("paper", 0)).rows
    random = [row for row in rows if row.quantity == "Table 3 (1,1) random"]
    signed, absolute, shifts = random
    assert [row.convention.partition(";")[0] for row in random] == list(coherences.CONVENTIONS)
    assert signed.ours <= absolute.ours <= shifts.ours
    assert "100 seeds" in absolute.convention
    assert "20 seeds" in shifts.convention


def test_all_printed_random_values_lie_within_the_spread_of_the_signed_convention():
    rows = [
        row
        for table in ("table3", "table6")
        for row in read_json(data_folder() / "recorded" / f"{table}.json")["rows"]
        if row["quantity"].endswith("random") and row["convention"].startswith("filters, signed")
    ]
    assert len(rows) == 18
    assert {row["verdict"] for row in rows} == {"reproduced"}


@pytest.mark.shared
def test_the_printed_row_is_that_of_the_next_layer_signed(small, shared_data):
    context = Context("quick", 0, data=str(shared_data))
    rows = small("Table 3", VGG16, "conv3_3", context).rows
    following = [row for row in rows if row.convention == coherences.NEXT]
    assert len(following) == 6
    assert all(abs(row.ours - row.paper) < 1e-3 for row in following)
    own = [row for row in rows if row.convention == "filters, absolute"]
    assert [round(row.ours, 3) for row in own] == [0.994, 0.943, 0.897, 0.8, 0.752, 0.584, 0.537]
    assert all(row.verdict == "differs" for row in own)


@pytest.mark.shared
def test_alexnets_rows_have_three_conventions_a_layer(small, shared_data):
    rows = small("Table 6", ALEXNET, "conv2", Context("quick", 0, data=str(shared_data))).rows
    learned = [row for row in rows if row.quantity == "Table 6 layer 2 learned"]
    assert [row.convention for row in learned] == list(coherences.CONVENTIONS)
    assert learned[0].ours <= learned[1].ours <= learned[2].ours


def test_the_command_line_knows_the_tables():
    assert {"table3", "table6"} <= set(EXPERIMENTS)
