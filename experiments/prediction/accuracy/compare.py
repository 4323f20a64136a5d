"""How well p99s are predicted on episodes held out: Berth's predictors, scikit-learn's forest and Python's xgboost, on the same
splits, in the same unit (the logarithm of the p99).

    compare.py [--config train.yaml] [--splits 10] [--berth .build/release/berth] [--out FILE.csv]
               [--ignored FEATURE ...] [--models NAME ...]

Each split is drawn by `berth predict train` (splitSeed 0, 1, ...); the rows that it held out are held out from the others
too. Prints the table of README.md: means over the splits, and the mean paired difference of the logarithmic error from the
first model, Berth's boosting unless --models leaves it out, with its 95 % interval over splits (Student's t; splits overlap, so
that it is too narrow rather than too wide). With --out a line for each model and split goes to a file.
"""

import argparse
import collections
import csv
import json
import math
import pathlib
import subprocess
import tempfile

import h5py
import numpy
import xgboost
import yaml
from scipy import stats
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import roc_auc_score

HERE = pathlib.Path(__file__).parent
# Trees of a forest are not pruned by what the others know: they are deep.
FOREST_DEPTH = 16
# Berth's models by name, and their settings.
OURS = {
    "Berth, boosting": ["kind=boosting"],
    "Berth, forest": ["kind=forest", f"depth={FOREST_DEPTH}"],
    "Berth, boosting, trees alone": ["kind=boosting", "linearShare=0"],
}


def scores(predicted, measured, objectives):
    over = measured > objectives
    error = numpy.abs(predicted / measured - 1)
    return {
        "median": float(numpy.median(error)),
        "mean": float(error.mean()),
        "logarithmic": float(numpy.sqrt(numpy.mean(numpy.log(predicted / measured) ** 2))),
        "rank": float(stats.spearmanr(predicted, measured).statistic),
        "auc": float(roc_auc_score(over, predicted / objectives)) if 0 < over.sum() < len(over) else math.nan,
    }


def berth(program, config, options, seed, folder):
    """Predictions for the rows held out, by (episode, window, node, service), and the report."""
    out = folder / "held-out.csv"
    subprocess.run(
        [program, "predict", "train", "--config", config, "--set", f"splitSeed={seed}",
         *(text for option in options for text in ("--set", f"predictor.{option}")),
         "--out", folder / "predictor.h5", "--predictions", out, "--json", folder / "report.json"],
        check=True, stdout=subprocess.DEVNULL)
    with open(out) as file:
        rows = list(csv.DictReader(file))
    report = json.loads((folder / "report.json").read_text())
    return {(int(row["episode"]), int(row["window"]), row["node"], row["service"]): row for row in rows}, report


def ratio(numbers, wholes):
    return numpy.divide(numbers, wholes, out=numpy.full_like(numbers, math.nan), where=wholes > 0)


def read(path, first):
    """A data set's features, labels and objectives, the rows' keys, with episodes numbered from `first`, and their seeds."""
    with h5py.File(path) as file:
        data = file["dataset"]
        names = data["features"].asstr()[()].split("\n")
        values, p99, objectives = data["values"][:], data["p99"][:], data["objective"][:]
        nodes, services = data["node_names"].asstr()[()].split("\n"), data["service_names"].asstr()[()].split("\n")
        requests, seconds, seeds = data["requests"][:], data["window_seconds"][()], data["seed"][:]
        keys = [
            (int(e) + first, int(w), nodes[n], services[s])
            for e, w, n, s in zip(data["episode"][:], data["window"][:], data["node"][:], data["service"][:])]
    # Recorded before there were these features; Berth completes such files in the same way.
    if "p99_before" not in names:
        before = dict(zip(keys, p99))
        latencies = numpy.array([before.get((e, w - 1, n, s), math.nan) for e, w, n, s in keys], dtype=values.dtype)
        per_request = ratio(values[:, names.index("replica_cpu")], values[:, names.index("replica_rate")])
        values, names = numpy.column_stack([values, per_request, latencies]), names + ["cpu_per_request", "p99_before"]
    if "backlog" not in names:
        sent = seconds * values[:, names.index("replicas")] * values[:, names.index("replica_rate")]
        values, names = numpy.column_stack([values, (ratio(requests, sent) - 1).astype(values.dtype)]), names + ["backlog"]
    if "p99_elsewhere" not in names:
        elsewhere, risk = others(keys, requests, p99, objectives)
        values = numpy.column_stack([values, elsewhere.astype(values.dtype), risk.astype(values.dtype)])
        names = names + ["p99_elsewhere", "neighbour_risk"]
    return names, values, p99, objectives, keys, seeds


def others(keys, requests, p99, objectives):
    """Of each row, in its window: p99 of the service on other nodes, by requests, and the greatest risk of others on the node."""
    windows = collections.defaultdict(list)
    for row, (episode, window, _, _) in enumerate(keys):
        windows[(episode, window)].append(row)
    elsewhere, risk = numpy.full(len(keys), math.nan), numpy.full(len(keys), math.nan)
    for rows in windows.values():
        for row in rows:
            _, _, node, service = keys[row]
            same = [other for other in rows if keys[other][3] == service and keys[other][2] != node]
            beside = [other for other in rows if keys[other][2] == node and keys[other][3] != service]
            if same:
                elsewhere[row] = numpy.average(p99[same], weights=requests[same])
            if beside:
                risk[row] = max(p99[beside] / objectives[beside])
    return elsewhere, risk


def repetition(p99, objectives, keys, seeds):
    """How well a row's p99 is predicted by that of another episode with the same seed, and by how many rows; `None` for none.

    Both measurements are noisy: a predictor that knew the expectation would do better.
    """
    same = collections.defaultdict(list)
    for row, (key, seed) in enumerate(zip(keys, seeds)):
        same[(seed, *key[1:])].append(row)
    pairs = numpy.array([(one, other) for rows in same.values() for one in rows for other in rows if one != other])
    return None if len(pairs) == 0 else (len(pairs), scores(p99[pairs[:, 0]], p99[pairs[:, 1]], objectives[pairs[:, 1]]))


def peers(settings):
    """Models by name: made with the same settings as ours where they have them, and with their own defaults."""
    trees, depth, share = settings.get("trees", 300), settings.get("depth", 4), settings.get("featureShare", 0.6)
    leaf, rows = settings.get("leafRows", 3), settings.get("rowShare", 0.8)
    return {
        "scikit-learn forest, its defaults": lambda: RandomForestRegressor(n_jobs=2, random_state=0),
        f"scikit-learn forest, {trees} trees, our settings": lambda: RandomForestRegressor(
            trees, max_depth=FOREST_DEPTH, max_features=share, min_samples_leaf=int(leaf), max_samples=rows, n_jobs=2,
            random_state=0),
        "xgboost, its defaults": lambda: xgboost.XGBRegressor(n_jobs=2, random_state=0),
        f"xgboost, {trees} trees, our settings": lambda: xgboost.XGBRegressor(
            n_estimators=trees, max_depth=depth, learning_rate=settings.get("learningRate", 0.05), subsample=rows,
            colsample_bynode=share, min_child_weight=leaf, reg_lambda=settings.get("regularization", 1),
            n_jobs=2, random_state=0),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default=HERE / "train.yaml")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--berth", default=".build/release/berth")
    parser.add_argument("--out")
    parser.add_argument("--ignored", nargs="*", default=[], help="features that no model sees")
    parser.add_argument("--models", nargs="*", default=[], help="only models whose names begin so, one of Berth's among them")
    options = parser.parse_args()
    with open(options.config) as file:
        config = yaml.safe_load(file)
    # Joined as Berth joins them.
    sets = []
    for path in config["datasets"]:
        sets.append(read(path, 1 + max((key[0] for each in sets for key in each[4]), default=-1)))
    # Completed files have the same features in another order.
    names = sets[0][0]
    assert all(sorted(each[0]) == sorted(names) for each in sets), "the data sets have different features"
    values = numpy.concatenate([each[1][:, [each[0].index(name) for name in names]] for each in sets])
    p99, data_objectives = (numpy.concatenate([each[part] for each in sets]) for part in (2, 3))
    keys = [key for each in sets for key in each[4]]
    unseen = options.ignored or config.get("predictor", {}).get("ignoredFeatures", [])
    seen = [column for column, name in enumerate(names) if name not in unseen]
    ignored = [f"ignoredFeatures=[{', '.join(unseen)}]"]

    def wanted(name):
        return not options.models or any(name.startswith(prefix) for prefix in options.models)

    if not any(wanted(name) for name in OURS):
        parser.error(f"--models: name one of {', '.join(OURS)}: splits are drawn by it")
    repeated = repetition(p99, data_objectives, keys, [seed for each in sets for seed in each[5]])
    lines = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for seed in range(options.splits):
            predicted = {}
            for name, settings in OURS.items():
                if wanted(name):
                    predicted[name], report = berth(options.berth, options.config, settings + ignored, seed, folder)
            held = next(iter(predicted.values()))
            test = numpy.array([key in held for key in keys])
            order = [key for key in keys if key in held]
            measured = numpy.array([float(held[key]["measured"]) for key in order])
            objectives = numpy.array([float(held[key]["objective"]) for key in order])
            assert numpy.allclose(measured, p99[test])
            results = {
                name: numpy.array([float(rows[key]["predicted"]) for key in order]) for name, rows in predicted.items()}
            for name, make in peers(config.get("predictor", {})).items():
                if wanted(name):
                    model = make().fit(values[~test][:, seen], numpy.log(p99[~test]))
                    results[name] = numpy.exp(model.predict(values[test][:, seen]))
            lines += [{"split": seed, "model": name, "rows": int(test.sum()), **scores(result, measured, objectives)}
                      for name, result in results.items()]
            # The baselines of Berth's own report.
            for line in report["lines"]:
                if line["model"] in ("linear", "mean"):
                    figures = line["scores"]
                    lines.append({
                        "split": seed, "model": line["model"], "rows": int(test.sum()), "median": figures["medianError"],
                        "mean": figures["meanError"], "logarithmic": figures["logarithmicError"],
                        "rank": figures.get("rankCorrelation", math.nan),
                        "auc": figures.get("areaUnderCurve", math.nan)})
    if options.out:
        with open(options.out, "w", newline="") as file:
            writer = csv.DictWriter(file, lines[0].keys())
            writer.writeheader()
            writer.writerows(lines)
    models = list(dict.fromkeys(line["model"] for line in lines))
    ours = numpy.array([line["logarithmic"] for line in lines if line["model"] == models[0]])
    print(f"{len(p99)} rows, {len(set(key[0] for key in keys))} episodes; repeat error "
          f"{100 * report.get('repeatError', math.nan):.1f} %; over the objective {100 * numpy.mean(p99 > data_objectives):.0f} %")
    if repeated is not None:
        count, told = repeated
        print(f"an episode played again tells the first one ({count} rows) with a median error of {100 * told['median']:.1f} %, a "
              f"logarithmic error of {told['logarithmic']:.4f}, a rank correlation of {told['rank']:.3f} and an AUC of "
              f"{told['auc']:.3f}")
    print()
    print("| model | median error | mean error | logarithmic error | rank correlation | AUC | difference of the logarithmic error |")
    print("|---|---|---|---|---|---|---|")
    for model in models:
        mine = [line for line in lines if line["model"] == model]
        mean = {
            key: numpy.nanmean(numbers) if not numpy.isnan(numbers := [line[key] for line in mine]).all() else math.nan
            for key in ("median", "mean", "logarithmic", "rank", "auc")}
        difference = numpy.array([line["logarithmic"] for line in mine]) - ours
        text = ""
        if model != models[0]:
            half = stats.t.ppf(0.975, len(ours) - 1) * difference.std(ddof=1) / math.sqrt(len(ours))
            text = f"{difference.mean():+.4f} [{difference.mean() - half:+.4f}, {difference.mean() + half:+.4f}]"
        print(f"| {model} | {100 * mean['median']:.1f} % | {100 * mean['mean']:.1f} % | {mean['logarithmic']:.4f} | "
              f"{mean['rank']:.3f} | {mean['auc']:.3f} | {text} |")


if __name__ == "__main__":
    main()
