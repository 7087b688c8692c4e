"""Checks lenet on an NVIDIA GPU and times it beside PyTorch, in turn. Called by gpu-check.sh.

A part that fails is reported and does not keep the others from running; the exit status is 1 then. A part that needs a program which is not
there is reported as missing, once, and is no failure.
"""

import argparse
import datetime
import gzip
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import gpu_report

parser = argparse.ArgumentParser()
parser.add_argument("--pack", required=True, help="folder that `make gpu-check` made")
parser.add_argument("--results", required=True, help="folder to write to")
parser.add_argument("--rounds", type=int, default=3)
args = parser.parse_args()

LENET = os.path.join(args.pack, "bin", "lenet")
FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
# The first epochs of a run run steps as they are before one is captured, and wake the GPU up.
WARM_UP_EPOCHS = 3


def run(command, timeout=240):
    """Returns a command's exit status and what it printed."""
    print("gpu-check:", " ".join(map(str, command)), file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as e:
        output = e.stdout or ""
        return 124, output if isinstance(output, str) else output.decode(errors="replace")
    except OSError as e:
        return 127, str(e)
    return done.returncode, done.stdout


def data(folder, images=None):
    """Writes MNIST's files to a folder, decompressed; or the first images of each."""
    for name in FILES:
        with gzip.open(os.path.join(args.pack, "cache", "lenet", "datasets", "mnist", name + ".gz")) as f:
            content = f.read()
        if images:
            header = 4 + 4 * content[3]
            size = (len(content) - header) // struct.unpack(">I", content[4:8])[0]
            content = content[:4] + struct.pack(">I", images) + content[8:header] + content[header : header + images * size]
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
    return folder


def lenet(folder, options, epochs):
    with tempfile.TemporaryDirectory() as out:
        start = time.monotonic()
        status, output = run([LENET, "train", "--device", "cuda", "--data", folder, "--epochs", str(epochs), "--profile", "--out", out, *options])
        wall = time.monotonic() - start
        if status:
            raise RuntimeError(output[-2000:])
        with open(os.path.join(out, "metrics.jsonl")) as f:
            lines = [json.loads(line) for line in f]
    first = next(line for line in output.splitlines() if line.startswith("first step"))
    return {
        "train_seconds": [m["train_seconds"] for m in lines],
        "eval_seconds": [m["eval_seconds"] for m in lines],
        "test_acc": lines[-1]["test_acc"],
        "all_epochs_seconds": sum(m["train_seconds"] + m["eval_seconds"] for m in lines),
        "wall_seconds": wall,
        "first_step_seconds": float(first.split()[-2]),
        "profile": output[output.index("first step") :],
    }


def pytorch(folder, form, epochs):
    command = [sys.executable, os.path.join(args.pack, "pytorch.py"), "--device", "cuda", "--form", form, "--data", folder, "--epochs", str(epochs)]
    start = time.monotonic()
    status, output = run(command)
    if status:
        raise RuntimeError(output[-2000:])
    r = json.loads(output.splitlines()[-1])
    r.update(test_acc=r["test_acc"][-1], wall_seconds=time.monotonic() - start, all_epochs_seconds=sum(r["train_seconds"] + r["eval_seconds"]))
    return r


def checks(small, larger):
    """(name, command) of each check whose exit status says whether it passed."""
    test = lambda name, which: [os.path.join(args.pack, "bin", name + ".test"), "-test.v", "-test.run", which]
    return [
        ("a step against float64, and against itself", test("torchx", "AStep|ASpan|FirstOfEquals|Activations|Losses|Evaluate|ALoss|Memory|Accumulator|Augmented")),
        ("a step, CPU and GPU, reference and fused; eager and graph; streamed and on the device; memory over 50 epochs", test("train", "GPU")),
    ] + sanitized(small, larger)


# What compute-sanitizer runs: (what, tools, whether two epochs of 1,024 images or one of 512, flags of train). With a graph, which is of libtorch's own
# kernels, the first steps run without, and the second epoch replays what was captured.
SANITIZED = [
    ("two epochs of four steps", ["memcheck", "racecheck"], True, ["--data-on-device"]),
    ("two streamed steps", ["memcheck"], False, ["--no-data-on-device"]),
    ("six steps, one image a block, augmented", ["memcheck", "racecheck"], False, ["--data-on-device", "--batch-size", "100", "--augment", "shift,rotate,scale", "--optimizer", "adamw", "--ema", "0.9"]),
    ("two epochs of four steps, libtorch's own kernels, as graphs", ["memcheck"], True, ["--graph", "on", "--data-on-device", "--kernels", "reference"]),
]
# Libraries ask the driver for what it may lack, and deal with its errors: those calls are no faults.
TOOL_OPTIONS = {"memcheck": ["--report-api-errors", "no"], "racecheck": []}


def sanitizer():
    """Returns the path of compute-sanitizer, or None."""
    return shutil.which("compute-sanitizer") or shutil.which("/usr/local/cuda/bin/compute-sanitizer")


def sanitized(small, larger):
    program = sanitizer()
    if not program:
        return []
    commands = []
    for what, tools, more, flags in SANITIZED:
        folder, epochs = (larger, "2") if more else (small, "1")
        train = [LENET, "train", "--device", "cuda", "--data", folder, "--epochs", epochs, "--no-progress", "--force", "--out", os.path.join(folder, "run"), *flags]
        for tool in tools:
            commands.append((f"compute-sanitizer {tool}, {what}", [program, "--tool", tool, *TOOL_OPTIONS[tool], "--error-exitcode", "1", *train]))
    return commands


def missing():
    """Returns the parts that cannot be run here, and why."""
    parts = {}
    if not sanitizer():
        parts["compute-sanitizer"] = "it is neither in PATH nor in /usr/local/cuda/bin; NVIDIA's CUDA toolkit has it"
    if not compiler():
        parts["PyTorch, torch.compile"] = "Triton needs a C compiler; install gcc, or name one in CC"
    return parts


def compiler():
    return os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")


def summary(runs):
    epochs = [1e3 * s for r in runs for s in r["train_seconds"][min(WARM_UP_EPOCHS, len(r["train_seconds"]) - 1) :]]
    evaluations = [1e3 * s for r in runs for s in r["eval_seconds"][1:]]
    spread = lambda values: {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}
    return {
        "epoch_ms": spread(epochs),
        "evaluation_ms": spread(evaluations),
        "first_step_seconds": spread([r["first_step_seconds"] for r in runs]),
        "all_epochs_seconds": spread([r["all_epochs_seconds"] for r in runs]),
        "epochs": len(runs[0]["train_seconds"]),
        "test_acc": [r["test_acc"] for r in runs],
    }


def environment():
    import torch

    gpu = run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])[1].strip()
    return {
        "date": datetime.date.today().isoformat(),
        "gpu": gpu,
        "cpus": os.cpu_count(),
        "pytorch": torch.__version__,
        "lenet": run([LENET, "--version"])[1].strip(),
    }


os.makedirs(args.results, exist_ok=True)
result = {"environment": environment(), "checks": [], "missing": missing(), "timings": {}, "failures": {}, "profiles": {}}
with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as larger:
    data(whole)
    for name, command in checks(data(small, 512), data(larger, 1024)):
        status, output = run(command)
        figures = [line.split(": ", 1)[1] for line in output.splitlines() if "_test.go:" in line and ": " in line]
        result["checks"].append({"name": name, "passed": status == 0, "figures": figures})
        if status:
            result["failures"][name] = output[-6000:]

    competitors = {
        "lenet, data on the device": lambda: lenet(whole, ["--data-on-device"], 25),
        "lenet, streamed": lambda: lenet(whole, ["--no-data-on-device"], 25),
        "lenet, augmented on the device": lambda: lenet(whole, ["--data-on-device", "--augment", "shift,rotate,scale"], 25),
        "lenet, libtorch's own kernels, CUDA graph": lambda: lenet(whole, ["--graph", "on", "--data-on-device", "--kernels", "reference"], 25),
        "PyTorch, eager": lambda: pytorch(whole, "slices", 6),
        "PyTorch, CUDA graph": lambda: pytorch(whole, "graph", 6),
    }
    if compiler():
        competitors["PyTorch, torch.compile"] = lambda: pytorch(whole, "compile", 6)
        competitors["PyTorch, torch.compile in a CUDA graph"] = lambda: pytorch(whole, "compiled_graph", 6)
    runs = {name: [] for name in competitors}
    for _ in range(args.rounds):
        for name, start in competitors.items():
            if name in result["failures"]:
                continue
            try:
                runs[name].append(start())
            except (RuntimeError, ValueError, StopIteration, OSError) as e:
                result["failures"][name] = str(e)
for name, of in runs.items():
    if of:
        result["timings"][name] = summary(of)
        result["profiles"][name] = of[-1].get("profile", "")

with open(os.path.join(args.results, "gpu.json"), "w") as f:
    json.dump(result, f, indent=1)
    f.write("\n")
with open(os.path.join(args.results, "gpu.md"), "w") as f:
    f.write(gpu_report.text(result))
print(gpu_report.text(result))
sys.exit(bool(result["failures"]))
