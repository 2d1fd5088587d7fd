"""Plausible wrong answers, at least two for each problem: problem → {mistake: body of the function}."""

ENUMERATION = """
    n, gram, worst = len(W) // K, W @ W.T, 0.0
    for blocks in itertools.combinations(range(K), k):
        for places in itertools.product(range(n), repeat=k):
            rows = [b * n + p for b, p in zip(blocks, places)]
            values = np.linalg.eigvalsh(gram[np.ix_(rows, rows)])
            worst = max(worst, {})
    return worst"""
EXTREME = """
    n, gram, worst, code = len(W) // K, W @ W.T, -np.inf, None
    for blocks in itertools.combinations(range(K), k):
        for places in itertools.product(range(n), repeat=k):
            rows = [b * n + p for b, p in zip(blocks, places)]
            values, vectors = np.linalg.eigh(gram[np.ix_(rows, rows)])
            for value, vector in zip(values, vectors.T):
                if {0} > worst:
                    worst, code = {0}, np.zeros(len(W))
                    code[rows] = vector
    return code"""

WRONG: dict[str, dict[str, str]] = {
    "output_length": {
        "off by one": "return (D + 2 * padding - l) // stride",
        "rounds down": "return (D + 2 * padding - l) // stride + 1",
        "padding once": """
            if (D + padding - l) % stride:
                raise ValueError
            return (D + padding - l) // stride + 1""",
    },
    "correlation_matrix": {
        "convolution": "return book(filters[:, :, ::-1], D, stride)",
        "rows in the order j·K + i": """
            K = len(filters)
            W = book(filters, D, stride)
            return W.reshape(K, -1, W.shape[1]).swapaxes(0, 1).reshape(W.shape)""",
        "no stride": """
            W = book(filters, D, 1).reshape(len(filters), -1, filters.shape[1] * D)
            n = (D - filters.shape[2]) // stride + 1
            return W[:, :n].reshape(len(filters) * n, -1)""",
        "one shift too few": """
            W = book(filters, D, stride)
            return W[: len(W) - len(filters)]""",
    },
    "back_project": {
        "flipped filters": "return book(filters[:, :, ::-1], D, stride).T @ z",
        "no stride": """
            x = np.zeros((filters.shape[1], D))
            for j, entries in enumerate(z.reshape(len(filters), -1).T):
                x[:, j : j + filters.shape[2]] += np.tensordot(entries, filters, 1)
            return x.ravel()""",
        "channels summed": """
            x = (book(filters, D, stride).T @ z).reshape(filters.shape[1], D)
            return np.tile(x.sum(axis=0), len(x))""",
        "overwrites": """
            x = np.zeros((filters.shape[1], D))
            for j, entries in enumerate(z.reshape(len(filters), -1).T):
                x[:, j * stride : j * stride + filters.shape[2]] = np.tensordot(entries, filters, 1)
            return x.ravel()""",
    },
    "unseen_entries": {
        "there are none": "return []",
        "off by one": "return [p for p in range(D) if p % stride > l]",
        "the end only": "return list(range(D - D % stride, D))",
    },
    "faintest_signal": {
        "the loudest": "return np.linalg.svd(W)[2][0]",
        "an impulse at the end": "return np.eye(W.shape[1])[0]",
        "a constant": "return np.full(W.shape[1], W.shape[1] ** -0.5)",
        "not of unit norm": "return 1e-3 * np.linalg.svd(W)[2][-1]",
    },
    "fewest_filters": {
        "rounds down": "return M * D // ((D - l) // stride + 1)",
        "as many as channels": "return M",
        "forgets the stride": "return -(-M * D // (D - l + 1))",
    },
    "crelu": {
        "negative part with its sign": "return np.r_[np.maximum(h, 0), np.minimum(h, 0)]",
        "interleaved": "return np.c_[np.maximum(h, 0), np.maximum(-h, 0)].ravel()",
        "both signs in one": "return np.r_[h, -h]",
        "absolute values": "return np.r_[abs(h), abs(h) - h]",
    },
    "paired_filters": {
        "interleaved": "return np.stack([filters, -filters], 1).reshape(-1, *filters.shape[1:])",
        "flipped in space": "return np.concatenate([filters, filters[:, :, ::-1]])",
        "the same twice": "return np.concatenate([filters, filters])",
    },
    "decode_pairs": {
        "not divided by r": "p, q = np.split(units, 2); return W.T @ (p - q)",
        "sum of the halves": "p, q = np.split(units, 2); return W.T @ (p + q) / r",
        "divided by √r": "p, q = np.split(units, 2); return W.T @ (p - q) / np.sqrt(r)",
        "positive half only": "return 2 * W.T @ units[: len(W)] / r",
    },
    "decode_leaky": {
        "ignores the leak": "return W.T @ units / r",
        "divides all": "return W.T @ units / (a * r)",
        "clips": "return W.T @ np.maximum(units, 0) / r",
    },
    "vanishing_code": {
        "opposite signs": "z = np.zeros(2 * K * n); z[0], z[K * n] = 1, -1; return z",
        "zero": "return np.zeros(2 * K * n)",
        "two in one block": "z = np.zeros(2 * K * n); z[0] = z[1] = 1; return z",
        "neighbouring blocks": "z = np.zeros(2 * K * n); z[0] = z[n] = 1; return z",
    },
    "pooling_agrees": {
        "always": "return True",
        "never": "return False",
        "one sign overall": "return bool((h >= 0).all() or (h <= 0).all())",
        "no negative entry": "return bool((h >= 0).all())",
    },
    "agreement_probability": {
        "all positive": "return 0.5 ** (n * K)",
        "one block": "return 2 * 0.5**n",
        "factor 2 once": "return 2 * 0.5 ** (n * K)",
        "hard-coded": "return 0.125",
    },
    "project": {
        "by value": """
            blocks = h.reshape(K, -1)
            values, places = blocks.max(axis=1), blocks.argmax(axis=1)
            z = np.zeros_like(blocks)
            kept = np.argsort(values)[-k:]
            z[kept, places[kept]] = values[kept]
            return z.ravel()""",
        "largest entries, blocks ignored": "return np.where(abs(h) >= np.sort(abs(h))[-k], h, 0)",
        "absolute values": "return abs(cnninv.model_project(h, K, k))",
        "all blocks": "return cnninv.model_project(h, K, K)",
        "one too few": "return cnninv.model_project(h, K, k - 1)",
    },
    "iteration": {
        "wrong sign": "return cnninv.model_project(z - step * (W @ (x - W.T @ z)), K, k)",
        "no projection": "return z + step * (W @ (x - W.T @ z))",
        "unit step": "return cnninv.model_project(z + W @ (x - W.T @ z), K, k)",
        "forgets the old code": "return cnninv.model_project(step * (W @ (x - W.T @ z)), K, k)",
        "first iteration always": "return cnninv.model_project(step * (W @ x), K, k)",
    },
    "safe_step": {
        "unit step": "return 1.0",
        "norm not squared": "return 1 / np.linalg.norm(W, 2)",
        "Frobenius norm": "return 1 / np.linalg.norm(W) ** 2",
        "twice as long": "return 2 / np.linalg.norm(W, 2) ** 2",
    },
    "wrong_order": {
        "largest in different blocks": """
            h = np.linspace(1, 2, K * n)
            h[::n] = np.linspace(5, 6, K)
            return h""",
        "ties": "return np.ones(K * n)",
        "zero but one": "h = np.linspace(1e-3, 1e-2, K * n); h[::n] += np.arange(1, K + 1); return h",
    },
    "needed_k": {
        "all blocks": "return K",
        "hard-coded": "return 3",
        "counts large entries": "h = W @ x; return int((abs(h) > abs(h).max() / 2).sum())",
    },
    "draw_filters": {
        "divided by Mℓ": "return rng.standard_normal((K, M, l)) / (M * l)",
        "divided by √M": "return rng.standard_normal((K, M, l)) / np.sqrt(M)",
        "not scaled": "return rng.standard_normal((K, M, l))",
        "uniform": "return rng.uniform(-1, 1, (K, M, l)) * np.sqrt(3 / (M * l))",
        "one filter for all": "return np.tile(rng.standard_normal(l), (K, M, 1)) / np.sqrt(M * l) * 0 + 1",
    },
    "delta": {
        "upper end only": ENUMERATION.format("values[-1] - 1"),
        "lower end only": ENUMERATION.format("1 - values[0]"),
        "norms not squared": ENUMERATION.format(
            "abs(np.sqrt(values[-1]) - 1), abs(np.sqrt(values[0]) - 1)"
        ),
        "all supports": """
            gram, worst = W @ W.T, 0.0
            for rows in itertools.combinations(range(len(W)), k):
                values = np.linalg.eigvalsh(gram[np.ix_(rows, rows)])
                worst = max(worst, values[-1] - 1, 1 - values[0])
            return worst""",
        "random codes": """
            z = cnninv.sample_code(K, len(W) // K, k, np.random.default_rng(0), batch=200)
            return abs(np.sum((W.T @ z) ** 2, axis=0) / np.sum(z**2, axis=0) - 1).max()""",
    },
    "one_sparse_variance": {
        "standard deviation": "return np.sqrt(2 / (M * l))",
        "one factor": "return 1 / (M * l)",
        "no channels": "return 2 / l",
        "hard-coded": "return 0.0125",
    },
    "dependent_code": {
        "two blocks": "z = np.zeros(K * n); z[0] = z[n] = np.sqrt(0.5); return z",
        "one entry": "z = np.zeros(K * n); z[0] = 1; return z",
        "not of unit norm": "z = np.zeros(K * n); z[:2] = 1; return z",
        "three in a block": "z = np.zeros(K * n); z[:3] = 3**-0.5; return z",
    },
    "exponent": {
        "without logarithms": "return np.polyfit(M, delta, 1)[0]",
        "end points": "return np.log(delta[-1] / delta[0]) / np.log(M[-1] / M[0])",
        "hard-coded": "return -0.5",
        "axes swapped": "return np.polyfit(np.log(delta), np.log(M), 1)[0]",
    },
    "missed_share": {
        "outside of Π": """
            z_hat = cnninv.model_project(W @ (W.T @ z), K, k)
            return np.linalg.norm(z_hat[z == 0]) / np.linalg.norm(z)""",
        "squared": """
            z_hat = cnninv.model_project(W @ (W.T @ z), K, k)
            return np.sum(z[z_hat == 0] ** 2) / np.sum(z**2)""",
        "the whole error": """
            z_hat = cnninv.model_project(W @ (W.T @ z), K, k)
            return np.linalg.norm(z - z_hat) / np.linalg.norm(z)""",
        "not divided": """
            z_hat = cnninv.model_project(W @ (W.T @ z), K, k)
            return np.linalg.norm(z[z_hat == 0])""",
    },
    "factor": {
        "no root": "return 5 * delta_2k / (1 - delta_k) * (1 + delta_2k) / (1 - delta_2k)",
        "Lemma B.4 only": "return 5 * delta_2k / (1 - delta_k)",
        "δ_k for δ_2k": "return 5 * delta_k / (1 - delta_k) * np.sqrt((1 + delta_k) / (1 - delta_k))",
        "constants swapped": """
            return 5 * delta_k / (1 - delta_2k) * np.sqrt((1 + delta_2k) / (1 - delta_2k))""",
    },
    "largest_useful": {
        "hard-coded": "return 0.147",
        "coarse grid": "grid = np.linspace(0, 1, 1000)[1:]; return max(d for d in grid if bound(d) < 1)",
        "straight line": "return 0.01 / bound(0.01)",
    },
    "worst_code": {
        "a random code": """
            return (lambda z: z / np.linalg.norm(z))(
                cnninv.sample_code(K, len(W) // K, k, np.random.default_rng(0)))""",
        "largest eigenvalue": EXTREME.format("value"),
        "smallest eigenvalue": EXTREME.format("-value"),
        "rows of the matrix of vectors": """
            rows = [0, len(W) // K]
            code = np.zeros(len(W))
            code[rows] = np.linalg.eigh((W @ W.T)[np.ix_(rows, rows)])[1][0]
            return code""",
    },
    "misled_code": {
        "first entry": "z = np.zeros(K * n); z[0] = 1; return z",
        "zero": "return np.zeros(K * n)",
        "two entries": "z = np.zeros(K * n); z[1] = z[n + 1] = 1; return z",
    },
    "coherence": {
        "no absolute value": """
            unit = filters.reshape(len(filters), -1)
            unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
            return (unit @ unit.T - 2 * np.eye(len(unit))).max()""",
        "not normalised": """
            flat = filters.reshape(len(filters), -1)
            return abs(flat @ flat.T - np.diag(np.sum(flat**2, axis=1))).max()""",
        "a filter with itself": "return 1.0",
        "mean": """
            unit = filters.reshape(len(filters), -1)
            unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
            return abs(unit @ unit.T)[~np.eye(len(unit), dtype=bool)].mean()""",
    },
    "negative_partners": {
        "absolute value": """
            unit = filters.reshape(len(filters), -1)
            unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
            gram = abs(unit @ unit.T)
            np.fill_diagonal(gram, 0)
            return gram.max(axis=1).mean()""",
        "best pair only": """
            unit = filters.reshape(len(filters), -1)
            unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
            return -(unit @ unit.T).min()""",
        "not normalised": """
            flat = filters.reshape(len(filters), -1)
            return -(flat @ flat.T).min(axis=1).mean()""",
    },
    "nonzero_percentage": {
        "before ReLU": "return 100 * np.mean(h != 0)",
        "zeros": "return 100 * np.mean(h <= 0)",
        "a share": "return np.mean(h > 0)",
    },
    "reconstruct": {
        "by value": """
            values, switches = cnninv.max_pool(W @ x, shape, window, by="value")
            return W.T @ cnninv.unpool(values, switches, shape, window)""",
        "naive upsampling": """
            values, switches = cnninv.max_pool(W @ x, shape, window)
            return W.T @ cnninv.unpool(values, switches, shape, window, how="naive")""",
        "no pooling": "return W.T @ (W @ x)",
        "ReLU first": """
            values, switches = cnninv.max_pool(np.maximum(W @ x, 0), shape, window)
            return W.T @ cnninv.unpool(values, switches, shape, window)""",
    },
    "scaled_error": {
        "not scaled": "return np.linalg.norm(x_hat - x) / np.linalg.norm(x)",
        "best scale": """
            best = (x @ x_hat) / (x_hat @ x_hat)
            return np.linalg.norm(best * x_hat - x) / np.linalg.norm(x)""",
        "squared": """
            scaled = x_hat * np.linalg.norm(x) / np.linalg.norm(x_hat)
            return np.sum((scaled - x) ** 2) / np.sum(x**2)""",
    },
    "layer_errors": {
        "filters normalised": "return right(cnninv.normalize_filters(filters), h, rng)",
        "the same filters twice": "error = right(filters, h, rng)[0]; return error, error",
        "random first": "return right(filters, h, rng)[::-1]",
        "padding 0": """
            W = cnninv.conv_matrix(filters, h.shape[1:])
            x_hat = W.T @ (W @ h.ravel())
            cosine = x_hat @ h.ravel() / np.linalg.norm(x_hat) / np.linalg.norm(h)
            return np.sqrt(2 - 2 * cosine), right(filters, h, rng)[1]""",
    },
}
