#!/usr/bin/env python3
"""All figures of speed of this crate in one run: figures.py [SOLVER...], from the root of the project; it builds what it runs.

The hot path is the bench `score`, with a million live cards; scikit-learn scores single rows beside it. Then it trains the same rows with Newton's method and with scikit-learn's lbfgs (tolerance 1e-8), in turns, and compares their weights. Rows are
made by the example `training` and given to scikit-learn as raw doubles, so that both read the same bytes. Needs numpy and scikit-learn.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import numpy
from sklearn.linear_model import LogisticRegression

SIZES = [(67_240, 15), (1_000_000, 30)]
ROUNDS = 3


def ours(program, solver, size, directory):
    words = [program, solver, str(size[0]), str(size[1]), directory]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True, timeout=300).stdout)


def lbfgs(size, directory):
    rows = numpy.fromfile(os.path.join(directory, "rows.f64")).reshape(size)
    labels = numpy.fromfile(os.path.join(directory, "labels.u8"), dtype=numpy.uint8)
    model = LogisticRegression(C=1.0, solver="lbfgs", tol=1e-8, max_iter=10_000)
    began = time.perf_counter()
    model.fit(rows, labels)
    return {"ms": 1_000 * (time.perf_counter() - began), "weights": [*model.coef_[0], model.intercept_[0]]}


def single_row(columns=30, calls=2_000):
    """Microseconds that scikit-learn takes to score one row: what a call to it would cost on the way of a payment."""
    random = numpy.random.default_rng(1)
    rows = random.normal(size=(5_000, columns))
    model = LogisticRegression(max_iter=1_000).fit(rows, rows[:, 0] + random.normal(size=5_000) > 1)
    took = []
    for at in range(calls):
        row = rows[at : at + 1]
        began = time.perf_counter_ns()
        model.predict_proba(row)
        took.append((time.perf_counter_ns() - began) / 1_000)
    return numpy.mean(took), numpy.percentile(took, 99)


def main():
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    program, solvers = os.path.join(os.path.abspath(target), "release", "examples", "training"), sys.argv[1:] or ["newton"]
    subprocess.run(["cargo", "build", "-q", "--release", "-p", "risk", "--example", "training"], check=True)
    subprocess.run(["cargo", "bench", "-q", "-p", "risk", "--bench", "score"], check=True)
    print("scikit-learn, one row of 30: mean %.1f us, p99 %.1f us" % single_row(), flush=True)
    print("| rows x columns | solver | ms, best of %d | ratio to lbfgs | largest difference of a weight |\n|---|---|---|---|---|" % ROUNDS)
    for size in SIZES:
        best, weights = {}, {}
        with tempfile.TemporaryDirectory() as directory:
            for _round in range(ROUNDS):
                for solver in solvers:
                    done = ours(program, solver, size, directory)
                    best[solver] = min(best.get(solver, done["ms"]), done["ms"])
                    weights[solver] = numpy.array(done["weights"])
                done = lbfgs(size, directory)
                best["lbfgs"] = min(best.get("lbfgs", done["ms"]), done["ms"])
                weights["lbfgs"] = numpy.array(done["weights"])
        for solver, ms in best.items():
            apart = numpy.abs(weights[solver] - weights["lbfgs"]).max()
            print(f"| {size[0]} x {size[1]} | {solver} | {ms:.0f} | {ms / best['lbfgs']:.2f} | {apart:.1e} |", flush=True)


if __name__ == "__main__":
    main()
