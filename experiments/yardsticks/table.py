"""Sums the runs of run.sh up: writes results.csv (a row for each run) and a curve of each configuration as SVG, drawn by
gnuplot, and prints a table with a row for each configuration, beside the figure that others published.

    python3 table.py RUNS OUT NAME ...
"""
import csv
import json
import math
import pathlib
import statistics
import subprocess
import sys

# Two-sided 97.5 % quantiles of Student's t for n - 1 degrees of freedom.
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}

# What others published: whose, mean, standard deviation; of what was computed exactly, how near is near enough.
REFERENCES = {
    "cartpole-ppo": ("rl-zoo3", 500, 0),
    "cartpole-ppo-cleanrl": ("CleanRL", 490.04, 6.12),
    "cartpole-dqn": ("rl-zoo3", 500, 0),
    "cartpole-dqn-cleanrl": ("CleanRL", 488.69, 16.11),
    "mountaincar-ppo": ("rl-zoo3", -110.4, 19.5),
    "mountaincar-dqn": ("rl-zoo3", -100.8, 9.9),
    "acrobot-ppo": ("rl-zoo3", -73.5, 18.2),
    "acrobot-dqn": ("rl-zoo3", -76.6, 12.1),
    "frozenlake-qlearning": ("best stationary policy", 0.7402, 0.01),
    "frozenlake8x8-qlearning": ("best stationary policy", 0.8857, 0.01),
    "cliffwalking-qlearning": ("optimum", -13, 0),
    "cliffwalking-sarsa": ("safe path", -17, 0),
    "taxi-qlearning": ("optimum", 7.93, 2.6),
}


def interval(values):
    """Mean and half the width of its 95 % interval over the seeds."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, math.nan
    half = STUDENT.get(len(values) - 1, 1.96) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, half


def curve(folders, points=60):
    """(steps, mean, least, most) over seeds of the mean return in training, averaged over equal pieces of the run."""
    runs = []
    for folder in folders:
        with open(folder / "metrics.csv") as file:
            rows = [(int(row["step"]), float(row["mean_return"])) for row in csv.DictReader(file) if row["mean_return"]]
        runs.append(rows)
    last = max(rows[-1][0] for rows in runs)
    for point in range(points):
        low, high = last * point / points, last * (point + 1) / points
        means = [[value for step, value in rows if low < step <= high] for rows in runs]
        means = [statistics.fmean(values) for values in means if values]
        if means:
            yield high, statistics.fmean(means), min(means), max(means)


def draw(name, rows, reference, file):
    """A curve of the mean over the seeds within a band from the worst seed to the best."""
    data = "\n".join(" ".join(f"{value:.6g}" for value in row) for row in rows)
    whose, mean, _ = reference
    program = f"""
set terminal svg size 640,360 font "Helvetica,12" background rgb "white"
set output "{file}"
set title "{name}: mean return in training, over seeds"
set xlabel "steps"
set format x "%.0s%c"
set key bottom right
set grid
$curve << EOD
{data}
EOD
plot $curve using 1:3:4 with filledcurves lc rgb "#c6dbef" title "worst to best seed", \
     $curve using 1:2 with lines lw 2 lc rgb "#2171b5" title "mean", \
     {mean} with lines dashtype 2 lc rgb "#666666" title "{whose}: {mean}"
"""
    subprocess.run(["gnuplot"], input=program, text=True, check=True)


runs, out, names = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]


def told(values):
    """Mean and interval as text, and the interval's upper end."""
    mean, half = interval(values)
    if math.isnan(half):
        return f"{mean:.4g}", mean
    return f"{mean:.4g} [{mean - half:.4g}, {mean + half:.4g}]", mean + half


results, table = [], [
    "| configuration | seeds | last policy: mean return [95 % interval] | each seed | best policy kept | reference | met |",
    "|---|---|---|---|---|---|---|"]
for name in names:
    folders = sorted(folder for folder in runs.glob(f"{name}-[0-9]*") if (folder / "evaluation.json").exists())
    if not folders:
        sys.exit(f"table.py: there is no finished run {runs}/{name}-SEED")
    lasts, bests = [], []
    for folder in folders:
        evaluation = json.loads((folder / "evaluation.json").read_text())
        # Exact where the environment has a table of transitions.
        lasts.append(evaluation.get("expected", evaluation["mean"]))
        best = evaluation.get("best", {})
        if best:
            bests.append(best.get("expected", best["mean"]))
        results.append([
            name, folder.name.rsplit("-", 1)[1], lasts[-1], evaluation.get("deviation"), bests[-1] if best else "",
            best.get("step", "")])
    last, upper = told(lasts)
    whose, value, deviation = REFERENCES[name]
    table.append(
        f"| {name} | {len(lasts)} | {last} | {', '.join(f'{value:.4g}' for value in lasts)} | "
        f"{told(bests)[0] if bests else ''} | {whose}: {value} ± {deviation} | "
        f"{'yes' if upper >= value - deviation else 'no'} |")
    draw(name, curve(folders), REFERENCES[name], out / f"{name}.svg")
with open(out / "results.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["configuration", "seed", "mean_return", "deviation", "best_mean_return", "best_step"])
    writer.writerows(results)
print("\n".join(table))
