"""Tests of what reports on a GPU, on machines without one: the recorded results of the runs in results/."""

import copy
import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import gpu_report

HERE = os.path.dirname(os.path.abspath(__file__))


def recorded():
    with open(os.path.join(HERE, "results", "gpu-h200.json")) as f:
        return json.load(f)


class Report(unittest.TestCase):
    def test_recorded_results_read_as_their_pages(self):
        for path in glob.glob(os.path.join(HERE, "results", "gpu-*.json")):
            with open(path) as f, open(path.replace(".json", ".md")) as page:
                self.assertEqual(gpu_report.text(json.load(f)), page.read(), path)

    def test_a_missing_program_is_one_line_and_no_failure(self):
        result = recorded()
        result["failures"] = {}
        result["checks"] = [c for c in result["checks"] if "sanitizer" not in c["name"]]
        result["missing"] = {"compute-sanitizer": "it is not there"}
        text = gpu_report.text(result)
        self.assertEqual([line for line in text.splitlines() if "sanitizer" in line], ["- not run: compute-sanitizer: it is not there"])
        self.assertNotIn("Failures", text)

    def test_a_check_that_fails_is_marked_and_its_output_shown(self):
        result = recorded()
        result["checks"][0]["passed"] = False
        result["failures"] = {result["checks"][0]["name"]: "gradients 2e-2 apart\n"}
        text = gpu_report.text(result)
        self.assertIn("- FAILED: a step against float64, and against itself\n", text)
        self.assertTrue(text.endswith("### a step against float64, and against itself\n\n```\ngradients 2e-2 apart\n```\n"))

    def test_ratios_are_to_lenets_fastest_form(self):
        timing = recorded()["timings"]["PyTorch, eager"]
        timings = {}
        for name, median in [("lenet, graph", 23.5), ("lenet, eager", 47.0), ("PyTorch, CUDA graph", 235.0)]:
            timings[name] = copy.deepcopy(timing)
            timings[name]["epoch_ms"]["median"] = median
        rows = [[c.strip() for c in line.split("|")[1:5]] for line in gpu_report.times(timings)[2:]]
        self.assertEqual([(row[0], row[2], row[3]) for row in rows], [("lenet, graph", "0.100", "1.00"), ("lenet, eager", "0.200", "2.00"), ("PyTorch, CUDA graph", "1.000", "10.00")])

    def test_nothing_timed_leaves_an_empty_table(self):
        result = recorded()
        result["timings"] = {}
        self.assertIn("## Time", gpu_report.text(result))


class Versions(unittest.TestCase):
    """gpu-check.sh, with a Python package torch that has a version and nothing else."""

    def check(self, torch):
        with tempfile.TemporaryDirectory() as pack:
            shutil.copy(os.path.join(HERE, "gpu-check.sh"), pack)
            with open(os.path.join(pack, "libtorch-version"), "w") as f:
                f.write("2.11.0\n")
            with open(os.path.join(pack, "gpu_check.py"), "w") as f:
                f.write('print("checks began")\n')
            os.mkdir(os.path.join(pack, "torch"))
            with open(os.path.join(pack, "torch", "__init__.py"), "w") as f:
                f.write(torch)
            run = subprocess.run(["sh", os.path.join(pack, "gpu-check.sh")], env=os.environ | {"PYTHONPATH": pack}, capture_output=True, text=True)
            return run.returncode, run.stdout + run.stderr

    def test_another_torch_is_refused_by_its_version(self):
        version = lambda v, cuda: f"class version: cuda = {cuda!r}\n__version__ = {v!r}\n"
        self.assertEqual(self.check(version("2.11.0+cu130", "13.0")), (0, "checks began\n"))
        for v, cuda, found in [("2.10.0+cu130", "13.0", "2.10.0 for CUDA 13.0"), ("2.11.0+cpu", None, "2.11.0 for CUDA None"), ("2.11.0", "12.8", "2.11.0 for CUDA 12.8")]:
            message = f"gpu-check: python3 has PyTorch {found}, and lenet is built for 2.11.0; install PyTorch 2.11.0 for CUDA 13\n"
            self.assertEqual(self.check(version(v, cuda)), (1, message))

    def test_no_torch_is_named(self):
        status, said = self.check("raise ImportError('none')")
        self.assertEqual(status, 1)
        self.assertIn("gpu-check: python3 has no torch; install PyTorch 2.11.0 for CUDA 13", said)


if __name__ == "__main__":
    unittest.main()
