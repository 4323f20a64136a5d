"""Isolation forests of Berth and scikit-learn on the same rows: areas under the curve over seeds.

    compare.py [FILE] [--seeds 30] [--berth .build/release/berth] [--out experiments/anomaly/results.csv]

FILE is a CSV file, .gz or not, whose column `anomaly` is 1 for anomalous rows; without it, shuttle.csv.gz of the folder
that BERTH_DATA names. Writes an area a row and prints the table of README.md.
"""

import argparse
import csv
import gzip
import os
import re
import statistics
import subprocess
import sys

import numpy
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

WINDOWS = [(512, 5), (2048, 10), (8192, 40)]


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        return file.read()


def scikit_learn(rows, labels, seed, first=0):
    """The area over the rows from `first` on, by a forest over all rows."""
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=seed).fit(rows)
    return roc_auc_score(labels[first:], -forest.score_samples(rows[first:]))


def berth(program, data, seed, *options):
    command = [program, "anomaly", "-", "--label", "anomaly", "--seed", str(seed), *options]
    output = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout.decode()
    return float(re.match(r"AUC ([0-9.]+) ", output).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--berth", default=".build/release/berth")
    parser.add_argument("--out", default="experiments/anomaly/results.csv")
    options = parser.parse_args()
    path = options.file
    if path is None:
        if "BERTH_DATA" not in os.environ:
            parser.error("name a FILE, or set BERTH_DATA to the folder of shuttle.csv.gz")
        path = os.path.join(os.environ["BERTH_DATA"], "shuttle.csv.gz")
    data = read(path)
    lines = data.decode().splitlines()
    label = lines[0].split(",").index("anomaly")
    table = numpy.array([line.split(",") for line in lines[1:]], dtype="f4")
    labels = table[:, label]
    rows = numpy.delete(table, label, axis=1)

    # scikit-learn has no stream: the areas of streams stand beside its batch over the same rows, all but the first 256.
    detectors = {
        "scikit-learn, batch": lambda seed: scikit_learn(rows, labels, seed),
        "Berth, batch": lambda seed: berth(options.berth, data, seed),
        "scikit-learn, batch, without the first 256 rows": lambda seed: scikit_learn(rows, labels, seed, first=256),
    }
    for window, interval in WINDOWS:
        arguments = ["--window", str(window), "--renewal-interval", str(interval)]
        detectors[f"Berth, last {window} rows, a tree every {interval}"] = (
            lambda seed, arguments=arguments: berth(options.berth, data, seed, *arguments))
    areas = {name: [] for name in detectors}
    with open(options.out, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["detector", "seed", "auc"])
        for name, detect in detectors.items():
            for seed in range(options.seeds):
                areas[name].append(detect(seed))
                writer.writerow([name, seed, f"{areas[name][-1]:.6f}"])
            print(f"{name} done", file=sys.stderr)

    print(f"{len(labels):,} rows, {rows.shape[1]} features, {int(labels.sum()):,} anomalous; {options.seeds} seeds\n")
    print("| detector | mean AUC | standard deviation | lowest | highest |\n|---|---|---|---|---|")
    for name, values in areas.items():
        print(f"| {name} | {statistics.mean(values):.5f} | {statistics.stdev(values):.5f} "
              f"| {min(values):.5f} | {max(values):.5f} |")


if __name__ == "__main__":
    main()
