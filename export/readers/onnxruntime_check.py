"""Runs exported networks with onnxruntime and compares what they yield: onnxruntime_check.py CASES.json

Prints, for each case, the largest difference to what lenet yields, and the largest value.
"""
import json
import sys

import numpy
import onnx
import onnxruntime


def check(case):
    model = onnx.load(case["model"])
    onnx.checker.check_model(model, full_check=True)
    images = numpy.fromfile(case["images"], numpy.uint8).reshape(-1, 1, case["rows"], case["cols"])
    if case["input"] == "float32":
        images = images.astype(numpy.float32) / numpy.float32(255)
    want = numpy.fromfile(case["want"], numpy.float32).reshape(len(images), -1)
    net = onnxruntime.InferenceSession(case["model"])

    def run(batch):
        (got,) = net.run([case["output"]], {"images": batch})
        return got

    everything = run(images)
    thousands = numpy.concatenate([run(images[i:i + 1000]) for i in range(0, len(images), 1000)])
    singles = numpy.concatenate([run(images[i:i + 1]) for i in range(100)])
    assert everything.shape == want.shape, everything.shape
    differences = [abs(everything - want).max(), abs(thousands - want).max(), abs(singles - want[:100]).max()]
    return {"difference": float(max(differences)), "largest": float(abs(want).max())}


with open(sys.argv[1]) as file:
    cases = json.load(file)
json.dump([check(case) for case in cases], sys.stdout)
