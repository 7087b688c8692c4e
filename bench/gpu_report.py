"""Writes what gpu_check.py found, gpu.json, as text for people, gpu.md: `python3 gpu_report.py gpu.json` prints it."""

import json
import sys

STEPS = 235  # in an epoch of every program: 60,000 images in batches of 256


def cell(s):
    return f"{s['median']:.3g} ({s['min']:.3g}–{s['max']:.3g})"


def checks(result):
    lines = []
    for c in result["checks"]:
        lines += [f"- {'passed' if c['passed'] else 'FAILED'}: {c['name']}"] + [f"  - {figure}" for figure in c["figures"]]
    return lines + [f"- not run: {part}: {why}" for part, why in result.get("missing", {}).items()]


def times(timings):
    """Returns a table of lenet and PyTorch in all their forms; the ratios are to the fastest of lenet's."""
    lines = ["| | training, ms an epoch | ms a step | ratio | evaluation, ms | all epochs, s | first step after, s | test accuracy at the end |"]
    lines.append("| --- " * 8 + "|")
    best = min((t["epoch_ms"]["median"] for name, t in timings.items() if name.startswith("lenet")), default=None)
    for name, t in timings.items():
        epoch = t["epoch_ms"]["median"]
        ratio = f"{epoch / best:.2f}" if best else ""
        cells = [name, cell(t["epoch_ms"]), f"{epoch / STEPS:.3f}", ratio, cell(t["evaluation_ms"])]
        cells += [f"{t['all_epochs_seconds']['median']:.3g} for {t['epochs']}", cell(t["first_step_seconds"])]
        lines.append("| " + " | ".join(cells + [", ".join(f"{a:.4f}" for a in t["test_acc"])]) + " |")
    return lines


def text(result):
    """Returns gpu.md's text. A result of an older gpu_check.py may lack "missing"."""
    e = result["environment"]
    lines = ["# lenet on a GPU", ""]
    lines += [f"{e['date']}; {e['gpu']}; {e['cpus']} CPUs; lenet {e['lenet']}, PyTorch {e['pytorch']}. By `bench/gpu-check.sh`.", ""]
    lines += ["## Checks", "", *checks(result), "", "## Time", ""]
    lines += ["Median (smallest–largest) of the epochs after each process's first three; the programs ran in turn.", "", *times(result["timings"])]
    if result["failures"]:
        lines += ["", "## Failures", ""]
        for name, output in result["failures"].items():
            lines += [f"### {name}", "", "```", output.strip(), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        sys.stdout.write(text(json.load(f)))
