from cnninv.statement_table import statement_table


def test_every_statement_has_a_function_a_test_and_a_chapter():
    rows = statement_table()
    assert {row.label for row in rows} >= {
        "Proposition 1",
        "Lemma A.1",
        "Theorem A.2",
        "Inequality (3)",
        "Theorem 3.1",
        "Corollary 3.2",
        "Lemma B.1",
        "Lemma B.2",
        "Lemma B.3",
        "Lemma B.4",
        "Theorem 3.3",
        "Algorithm 1",
    }
    assert [row.label for row in rows if not row.tests] == []
    assert [row.label for row in rows if not row.chapters] == []
