"""PyTorch with a run's safetensors, and the reverse: pytorch_check.py CASES.json

Of each case PyTorch loads the weights by name into a plain network, and compares its logits with lenet's. Then it gives the network other weights, and saves
them and their logits for lenet, under the names "saved" and "logits" of the case.
"""
import json
import sys
from collections import OrderedDict

import numpy
import torch
from safetensors.torch import load_file, save_file
from torch import nn

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}


def network(case):
    f = ACTIVATIONS[case["activation"]]
    rows, cols = (((n - 4) // 2 - 4) // 2 for n in (case["rows"], case["cols"]))
    return nn.Sequential(OrderedDict(
        conv1=nn.Conv2d(1, 6, 5), f1=f(), pool1=nn.MaxPool2d(2), conv2=nn.Conv2d(6, 16, 5), f2=f(), pool2=nn.MaxPool2d(2), flat=nn.Flatten(),
        fc1=nn.Linear(16 * rows * cols, 120), f3=f(), fc2=nn.Linear(120, 84), f4=f(), fc3=nn.Linear(84, 10)))


@torch.inference_mode()
def check(case):
    images = numpy.fromfile(case["images"], numpy.uint8).reshape(-1, 1, case["rows"], case["cols"])
    images = torch.from_numpy(images).float() / 255
    want = torch.from_numpy(numpy.fromfile(case["want"], numpy.float32)).reshape(len(images), -1)
    net = network(case)
    net.load_state_dict(load_file(case["weights"]))
    difference = (net(images) - want).abs().max().item()
    other = network(case)
    save_file(other.state_dict(), case["saved"])
    other(images).numpy().tofile(case["logits"])
    return {"difference": difference, "largest": want.abs().max().item()}


with open(sys.argv[1]) as file:
    cases = json.load(file)
torch.manual_seed(1)
json.dump([check(case) for case in cases], sys.stdout)
