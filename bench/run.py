"""Times lenet beside PyTorch: the same data, batch size, threads and mathematics, in one run and in turn (A B C A B C ...).

Writes a JSON file with median, smallest and largest of every measurement, and tables in Markdown. See `make bench`.
"""

import argparse
import concurrent.futures
import json
import os
import statistics
import subprocess
import sys
import tempfile

import record

HERE = os.path.dirname(os.path.abspath(__file__))
# The strongest peer: of PyTorch's forms, the fastest that was found. glibc then keeps freed memory for the next step instead of giving it back.
STRONGEST = "channels_last"
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}


def lenet(binary, data, batch_size, threads, epochs):
    """One run of lenet train."""
    with tempfile.TemporaryDirectory() as out:
        command = [binary, "train", "--data", data, "--batch-size", str(batch_size), "--threads", str(threads), "--epochs", str(epochs)]
        command += ["--device", "cpu", "--profile", "--no-progress", "--out", out]
        output, peak = run(command)
        with open(os.path.join(out, "metrics.jsonl")) as f:
            lines = [json.loads(line) for line in f]
    first = next(line for line in output.splitlines() if line.startswith("first step"))
    return {
        "first_step_seconds": float(first.split()[-2]),
        "train_seconds": [m["train_seconds"] for m in lines],
        "eval_seconds": [m["eval_seconds"] for m in lines],
        "peak_bytes": peak,
    }


def pytorch(python, form, data, batch_size, threads, epochs):
    """One run of pytorch.py."""
    command = [python, os.path.join(HERE, "pytorch.py"), "--form", form, "--data", data]
    command += ["--batch-size", str(batch_size), "--threads", str(threads), "--epochs", str(epochs)]
    output, peak = run(command, KEEP_MEMORY if form == STRONGEST else {})
    return {**json.loads(output), "peak_bytes": peak}


def side_by_side(start):
    """Two runs at once. Their last epochs do not count, since one of the two may be alone in them."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        a, b = [run.result() for run in [pool.submit(start), pool.submit(start)]]
    # Case leaves out the first epoch; b's is left out here.
    return {k: a[k][:-1] + b[k][1:-1] for k in ("train_seconds", "eval_seconds")}


def run(command, variables={}):
    """Returns a command's output and its peak resident memory in bytes."""
    read, write = os.pipe()
    child = subprocess.Popen(command, stdout=write, stderr=subprocess.DEVNULL, env=os.environ | variables)
    os.close(write)
    with os.fdopen(read) as f:
        output = f.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} failed:\n{output}")
    return output, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


def digits(value):
    """Three significant digits, without an exponent."""
    return f"{float(f'{value:.3g}'):g}"


class Case:
    """Runs of several competitors in turn. The first epoch of a run warms up and is not counted, unless it is the only one."""

    def __init__(self, title, competitors, rounds):
        self.title = title
        self.runs = {name: [] for name in competitors}
        for i in range(rounds):
            for name, start in competitors.items():
                print(f"bench: {title}, round {i + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
                self.runs[name].append(start())

    def values(self, name, key):
        for r in self.runs[name]:
            v = r[key]
            yield from (v[1:] or v) if isinstance(v, list) else [v]

    def to_json(self):
        keys = ["train_seconds", "eval_seconds", "first_step_seconds", "peak_bytes"]
        return {"title": self.title, **{name: {k: summary(list(self.values(name, k))) for k in keys if k in runs[0]} for name, runs in self.runs.items()}}

    def table(self, rows, names=None):
        """Rows are (label, key, unit, factor). A ratio is of medians, a competitor's to the first one's."""
        names = names or list(self.runs)
        ours, *others = names
        lines = ["| | " + " | ".join(names) + " | " + " | ".join(f"{n} : {ours}" for n in others) + " |"]
        lines.append("| --- " * (1 + len(names) + len(others)) + "|")
        for label, key, unit, factor in rows:
            s = {n: summary([factor * v for v in self.values(n, key)]) for n in names}
            cells = [f"{digits(s[n]['median'])} {unit} ({digits(s[n]['min'])}–{digits(s[n]['max'])})" for n in names]
            cells += [f"{s[n]['median'] / s[ours]['median']:.1f}" for n in others]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


parser = argparse.ArgumentParser()
parser.add_argument("--lenet", required=True)
parser.add_argument("--python", required=True, help="a Python with torch and numpy")
parser.add_argument("--data", required=True, help="folder with MNIST's four files, decompressed")
parser.add_argument("--results", required=True, help="folder to write to")
parser.add_argument("--avx2", action="store_true", help="hold all programs to AVX2, on a processor that has more; writes cpu-avx2.md")
parser.add_argument("--rounds", type=int, default=3)
args = parser.parse_args()
if args.avx2:  # libtorch (and lenet), oneDNN, MKL
    os.environ.update(ATEN_CPU_CAPABILITY="avx2", ONEDNN_MAX_CPU_ISA="AVX2", MKL_ENABLE_INSTRUCTIONS="AVX2")

EPOCH = ("training, an epoch", "train_seconds", "s", 1)
REST = [
    ("evaluation, 10,000 images", "eval_seconds", "s", 1),
    ("process start to end of first step", "first_step_seconds", "s", 1),
    ("peak memory", "peak_bytes", "MB", 1e-6),
]


def ours(batch_size=256, threads=2, epochs=3):
    return lambda: lenet(args.lenet, args.data, batch_size, threads, epochs)


def theirs(form, batch_size=256, threads=2, epochs=3):
    return lambda: pytorch(args.python, form, args.data, batch_size, threads, epochs)


def competitors(batch_size=256, epochs=3):
    return {
        "lenet": ours(batch_size, epochs=epochs),
        "PyTorch, slices": theirs("slices", batch_size, epochs=epochs),
        "strongest peer": theirs(STRONGEST, batch_size, epochs=epochs),
    }


version = subprocess.run([args.python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True).stdout.strip()
environment = record.environment(args.lenet) | {"pytorch": version}
held = ", all programs held to AVX2" if args.avx2 else ""
text = ["# lenet beside PyTorch", "", f"{environment['date']}, {environment['processor']}{held}; lenet {environment['lenet']}, PyTorch {version}."]
text += ["Median (smallest–largest) of all epochs but each process's first; the programs ran in turn. A ratio is one of medians.", ""]
cases = []

main = Case("batch size 256, 2 threads", competitors() | {"PyTorch, DataLoader": theirs("loader")}, args.rounds)
cases.append(main)
text += [f"## {main.title}", "", main.table([EPOCH] + REST), ""]
text += [f"The strongest peer is PyTorch with slices, its network and images in the memory format `{STRONGEST}`, started with"]
text += [f"`{' '.join(f'{k}={v}' for k, v in KEEP_MEMORY.items())}`.", ""]

text += ["## Batch sizes, 2 threads", ""]
for size in (32, 64, 128, 256, 512):
    c = main
    if size != 256:
        c = Case(f"batch size {size}, 2 threads", competitors(size, epochs=2), 2)
        cases.append(c)
    table = c.table([(f"batch size {size}", *EPOCH[1:])], list(competitors())).splitlines()
    text += table if size == 32 else table[2:]  # one header

c = Case("threads", {"lenet": ours(), "lenet, 1 thread": ours(threads=1)}, args.rounds)
cases.append(c)
text += ["", "## One thread and two", "", c.table([EPOCH]), ""]

c = Case("two trainings", {"lenet": ours(), "lenet, two at once": lambda: side_by_side(ours())}, args.rounds)
cases.append(c)
text += ["## Two trainings at once on the same two cores, 2 threads each", "", c.table([EPOCH]), "", "Without the last epochs, in which one of the two may be alone."]

record.write(args.results, "cpu-avx2" if args.avx2 else "cpu", {"environment": environment, "cases": [c.to_json() for c in cases]}, text)
