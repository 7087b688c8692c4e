"""The same training in PyTorch: the report's LeNet, plain SGD, batches shuffled every epoch, in PyTorch's usual forms.

  --form slices          the whole set is a tensor on the device; an epoch is randperm and slices of it
  --form channels_last   slices, with the network and the images in that memory format
  --form loader          a DataLoader over a TensorDataset, as in PyTorch's own MNIST example
  --form graph           slices, and a step captured as a CUDA graph: needs --device cuda

Prints a JSON object: seconds from the process's start to the end of the first step, and, for each epoch, seconds of
training and of evaluation and the accuracy.
"""

import argparse
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True, help="folder with MNIST's four files, decompressed")
parser.add_argument("--form", choices=["slices", "channels_last", "loader", "graph"], required=True)
parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
parser.add_argument("--batch-size", type=int, default=256)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--lr", type=float, default=1.5)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)
torch.backends.cudnn.allow_tf32 = False  # float32, as lenet's
layout = torch.channels_last if args.form == "channels_last" else torch.contiguous_format


def seconds_since_start():
    with open("/proc/self/stat") as f:
        start = int(f.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start


def idx(name):
    data = np.fromfile(os.path.join(args.data, name), np.uint8)
    dims = data[4 : 4 + 4 * data[3]].view(">u4")
    return torch.from_numpy(data[4 + 4 * data[3] :].reshape(*dims))


def load(part):
    images = idx(f"{part}-images-idx3-ubyte").unsqueeze(1).float().div_(255)
    return images.to(args.device, memory_format=layout), idx(f"{part}-labels-idx1-ubyte").long().to(args.device)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, 10)
        for p in self.parameters():
            nn.init.zeros_(p) if p.dim() == 1 else nn.init.xavier_uniform_(p)

    def forward(self, x):
        x = F.max_pool2d(torch.sigmoid(self.conv1(x)), 2)
        x = F.max_pool2d(torch.sigmoid(self.conv2(x)), 2)
        x = torch.sigmoid(self.fc1(torch.flatten(x, 1)))
        return self.fc3(torch.sigmoid(self.fc2(x)))


def batches(images, labels, size, shuffle):
    if args.form == "loader":
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=size, shuffle=shuffle)
    order = (torch.randperm if shuffle else torch.arange)(len(labels), device=args.device)
    return ((images[i], labels[i]) for i in order.split(size))


def step(x, y):
    optimizer.zero_grad()
    logits = net(x)
    loss = F.cross_entropy(logits, y)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        totals[0] += loss * len(y)
        totals[1] += (logits.argmax(1) == y).sum()


class GraphedStep:
    """step for batches of one size as a CUDA graph, as PyTorch's notes on CUDA semantics have it; other sizes run as they are."""

    def __init__(self, size):
        self.x, self.y = torch.zeros_like(train_images[:size]), torch.zeros_like(train_labels[:size])
        state = [t.clone() for t in net.parameters()]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step(self.x, self.y)
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            step(self.x, self.y)
        with torch.no_grad():
            for t, before in zip(net.parameters(), state):
                t.copy_(before)

    def __call__(self, x, y):
        if len(y) != len(self.y):
            return step(x, y)
        self.x.copy_(x)
        self.y.copy_(y)
        self.graph.replay()


train_images, train_labels = load("train")
test_images, test_labels = load("t10k")
net = LeNet().to(args.device, memory_format=layout)
optimizer = torch.optim.SGD(net.parameters(), lr=args.lr)
totals = torch.zeros(2, device=args.device)
train = GraphedStep(args.batch_size) if args.form == "graph" else step
result = {"first_step_seconds": None, "train_seconds": [], "eval_seconds": [], "test_acc": []}
for epoch in range(args.epochs):
    start = time.perf_counter()
    totals.zero_()
    for x, y in batches(train_images, train_labels, args.batch_size, True):
        train(x, y)
        if result["first_step_seconds"] is None:
            totals.tolist()  # waits for the device
            result["first_step_seconds"] = seconds_since_start()
    totals.tolist()  # the epoch's loss and right answers; waits for the device
    result["train_seconds"].append(time.perf_counter() - start)
    start, correct = time.perf_counter(), torch.zeros((), dtype=torch.long, device=args.device)
    with torch.inference_mode():
        for x, y in batches(test_images, test_labels, 1000, False):
            correct += (net(x).argmax(1) == y).sum()
    result["test_acc"].append(correct.item() / len(test_labels))
    result["eval_seconds"].append(time.perf_counter() - start)
print(json.dumps(result))
