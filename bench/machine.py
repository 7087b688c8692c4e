"""The machine that a benchmark runs on."""

import os
import platform


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
