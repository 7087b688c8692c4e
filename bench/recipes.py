"""Trains each recipe with several seeds, and a sweep one and two trials at a time. Writes recipes.md and recipes.json. See `make bench-recipes`.

How the settings were chosen is in docs/experiments.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import record

RECIPES = {  # by name, the number of seeds and what `lenet train` is given
    "report": (10, "--recipe report"),
    "fast": (30, "--recipe fast"),
    "accurate": (10, "--recipe accurate"),
    "report, Fashion-MNIST": (10, "--dataset fashion-mnist --recipe report"),
    "accurate, Fashion-MNIST": (10, "--dataset fashion-mnist --recipe accurate --augment shift=1"),
}
SWEEP = ["--lr", "0.15:1.5:0.15", "--epochs", "3", "--threads", "1"]

parser = argparse.ArgumentParser()
parser.add_argument("--lenet", required=True)
parser.add_argument("--results", required=True, help="folder to write to")
parser.add_argument("--seeds", type=int, default=max(seeds for seeds, _ in RECIPES.values()), help="at most so many a recipe, two or more, for a short run")
parser.add_argument("--rounds", type=int, default=3, help="of the sweep")
args = parser.parse_args()


def lenet(command, flags, out):
    subprocess.run([args.lenet, command, "--device", "cpu", "--no-progress", "--out", out, *flags], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def train(flags, seed):
    """Returns the last epoch's test accuracy, and the seconds of training of all epochs, without testing."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "run")
        lenet("train", ["--seed", str(seed), *flags.split()], out)
        with open(os.path.join(out, "metrics.jsonl")) as f:
            epochs = [json.loads(line) for line in f]
    return {"seed": seed, "epochs": len(epochs), "test_acc": epochs[-1]["test_acc"], "train_seconds": sum(m["train_seconds"] for m in epochs)}


def sweep(jobs):
    """Returns the seconds of a whole process."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        lenet("tune", [*SWEEP, "--jobs", str(jobs)], os.path.join(folder, "sweep"))
        return time.perf_counter() - start


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


for name in ("mnist", "fashion-mnist"):
    subprocess.run([args.lenet, "fetch", name], check=True, stdout=subprocess.DEVNULL)
environment = record.environment(args.lenet)
runs = {name: [] for name in RECIPES}
for seed in range(1, args.seeds + 1):
    for name, (seeds, flags) in RECIPES.items():
        if seed <= seeds:
            print(f"bench: {name}, seed {seed} of {seeds}", file=sys.stderr, flush=True)
            runs[name].append(train(flags, seed))

text = ["# Recipes", "", f"{environment['date']}, {environment['processor']}; lenet {environment['lenet']}; two threads.", ""]
text += ["Test accuracy after the last epoch, mean and standard deviation over the seeds, and its range; the seconds that all epochs' training took together, without testing, median (range). Seeds count from 1; the recipes ran in turn.", ""]
text += ["| recipe | seeds | epochs | test accuracy | range | seconds of training |", "| --- " * 6 + "|"]
for name, rs in runs.items():
    accuracies = [r["test_acc"] for r in rs]
    seconds = [r["train_seconds"] for r in rs]
    text.append(f"| {name} | {len(rs)} | {rs[0]['epochs']} | {statistics.mean(accuracies):.4f} ± {statistics.stdev(accuracies):.4f} | {min(accuracies):.4f}–{max(accuracies):.4f} | {spread(seconds, 2)} |")
text += ["", "Each is `lenet train --seed N` with", ""]
text += [f"- {name}: `{flags}`" for name, (_, flags) in RECIPES.items()]
text += ["", "Test accuracy by seed:", "", "| seed | " + " | ".join(runs) + " |", "| --- " * (1 + len(runs)) + "|"]
for seed in range(1, max(map(len, runs.values())) + 1):
    text.append(f"| {seed} | " + " | ".join(f"{rs[seed - 1]['test_acc']:.4f}" if seed <= len(rs) else "" for rs in runs.values()) + " |")

seconds = {1: [], 2: []}
for i in range(args.rounds):
    for jobs in seconds:
        print(f"bench: sweep, round {i + 1} of {args.rounds}: {jobs} at a time", file=sys.stderr, flush=True)
        seconds[jobs].append(sweep(jobs))
ratio = statistics.median(seconds[2]) / statistics.median(seconds[1])
text += ["", "# A sweep's trials side by side", ""]
text += [f"`lenet tune {' '.join(SWEEP)}`, ten trials, the whole process, {args.rounds} times each in turn, median (range):", ""]
text += [f"`--jobs 1` {spread(seconds[1], 1)} s, `--jobs 2` {spread(seconds[2], 1)} s: {ratio:.2f} of the time."]

record.write(args.results, "recipes", {"environment": environment, "runs": runs, "sweep_seconds_by_jobs": seconds}, text)
