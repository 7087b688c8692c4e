"""What every benchmark records: where it ran, and the files that it leaves."""

import datetime
import json
import os
import platform
import subprocess


def environment(lenet):
    """Returns the date, the processor and the version of the program at a path."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "lenet": subprocess.run([lenet, "--version"], capture_output=True, text=True).stdout.strip(),
    }


def processor():
    """Returns the processor's name, its vector instructions and the number of CPUs."""
    try:
        with open("/proc/cpuinfo") as f:
            info = dict(line.split(":", 1) for line in f if ":" in line)
        flags = next(v for k, v in info.items() if k.strip() == "flags").split()
        name = next(v for k, v in info.items() if k.strip() == "model name").strip()
        return f"{name}, {'AVX-512' if 'avx512f' in flags else 'AVX2' if 'avx2' in flags else 'no AVX2'}, {os.cpu_count()} CPUs"
    except (OSError, StopIteration):
        return f"{platform.machine()}, {os.cpu_count()} CPUs"


def write(folder, name, values, lines):
    """Writes values to a JSON file and lines to a Markdown file of that name, and prints the lines."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path + ".json", "w") as f:
        json.dump(values, f, indent=1)
        f.write("\n")
    text = "\n".join(lines).rstrip()
    with open(path + ".md", "w") as f:
        f.write(text + "\n")
    print(text)
