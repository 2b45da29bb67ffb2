"""Made-up results, for tests: one row per label, condition and seed."""

import pandas as pd

BASE = [0.70, 0.75, 0.80, 0.72, 0.78]


def runs(column="test.accuracy", where=("emoji",), **labels):
    return pd.DataFrame(
        [
            {"label": label, "condition": condition, "seed": seed, column: value}
            for condition in where
            for label, values in labels.items()
            for seed, value in enumerate(values)
        ]
    )


def shifted(*by):
    return [base + change for base, change in zip(BASE, by, strict=False)]


NOISY = shifted(0.01, -0.01, 0.02, 0.0, -0.015)
CLEAR = shifted(0.10, 0.11, 0.10, 0.12, 0.11)
