"""Stores what numpy and scikit-learn say of made-up values and their labels.

    pip install -r requirements.txt scikit-learn==1.9.1
    python tests/goldens/values.py

Writes `values.json` beside this file: for each set the labels, what a network says (exact in float32), and its
mean absolute error, root mean squared error, largest error, 99th percentile of the errors, mean error and R2.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

HERE = Path(__file__).parent


def case(labels, values):
    labels, values = np.asarray(labels, np.float64), np.float64(np.float32(values))
    errors = values - labels
    return {
        "labels": labels.tolist(),
        "values": values.tolist(),
        "mae": mean_absolute_error(labels, values),
        "rmse": root_mean_squared_error(labels, values),
        "max_abs": np.abs(errors).max(),
        "p99_abs": np.percentile(np.abs(errors), 99),
        "bias": errors.mean(),
        "r2": r2_score(labels, values) if len(labels) > 1 else None,
    }


def main():
    random = np.random.default_rng(17)
    sets = [case([0.5, -1, 2, 0, 1.5], [0.75, -1.5, 2, 1, 1.25]), case([3.0], [2.0]), case([1, 1, 1], [1, 1, 1])]
    sets.append(case([1, 1, 1], [1, 2, 1]))
    for count, unit in [(50, 1), (333, 90), (400, 1e-4)]:
        drive = np.cumsum(random.normal(size=count)) * unit
        sets.append(case(np.round(drive, 6), drive + random.standard_t(3, size=count) * 0.2 * unit))
    # A network that says the same of every frame.
    sets.append(case(random.uniform(-1, 1, 40), np.full(40, 0.1)))
    (HERE / "values.json").write_text(json.dumps(sets))


if __name__ == "__main__":
    main()
