"""The same training in PyTorch: the report's LeNet, plain SGD, batches shuffled every epoch, in PyTorch's usual forms.

  --form slices          the whole set is a tensor on the device; an epoch is randperm and slices of it
  --form channels_last   slices, with the network and the images in that memory format
  --form loader          a DataLoader over a TensorDataset, as in PyTorch's own MNIST example
  --form compile         slices, with forward and backward passes by torch.compile(mode="reduce-overhead")
  --form graph           slices, and a step, gather and update included, captured as one CUDA graph: needs --device cuda
  --form compiled_graph  graph, with forward and backward passes by torch.compile

Prints a JSON object: seconds from the process's start to the end of the first step, and, for each epoch, seconds of
training and of evaluation and the accuracy.
"""

import argparse
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True, help="folder with MNIST's four files, decompressed")
parser.add_argument("--form", choices=["slices", "channels_last", "loader", "compile", "graph", "compiled_graph"], required=True)
parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
parser.add_argument("--batch-size", type=int, default=256)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--lr", type=float, default=1.5)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
graphed = args.form in ("graph", "compiled_graph")
if graphed and args.device != "cuda":
    parser.error(f"--form {args.form} needs --device cuda")

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


def losses(x, y):
    logits = net(x)
    return logits, F.cross_entropy(logits, y)


def step(x, y):
    optimizer.zero_grad()
    logits, loss = forward(x, y)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        totals[0] += loss * len(y)
        totals[1] += (logits.argmax(1) == y).sum()


def step_at(i):
    step(train_images[i], train_labels[i])


class GraphedStep:
    """step_at for batches of one size as a CUDA graph, as PyTorch's notes on CUDA semantics have it; other sizes run as they are.

    Autograd's nodes that add to the parameters' .grad keep the stream on which they were made, for as long as anything refers to them. So nothing
    before the capture may record the parameters on another stream: the copies of their values are detached, and the stream of the first steps is
    the capture's.
    """

    def __init__(self, size):
        self.indices = torch.arange(size, device=args.device)
        values = [p.detach().clone() for p in net.parameters()]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step_at(self.indices)
            optimizer.zero_grad()  # the gradients of the graph are to be in its own memory
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=stream):
            step_at(self.indices)
        with torch.no_grad():
            for p, before in zip(net.parameters(), values):
                p.copy_(before)

    def __call__(self, i):
        if len(i) != len(self.indices):
            return step_at(i)
        self.indices.copy_(i)
        self.graph.replay()


def train_batches():
    """Yields, for each batch of an epoch, a function that makes a step with it."""
    if args.form == "loader":
        for x, y in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(train_images, train_labels), batch_size=args.batch_size, shuffle=True):
            yield lambda: step(x, y)
    else:
        for i in torch.randperm(len(train_labels), device=args.device).split(args.batch_size):
            yield lambda: train(i)


def test_batches(size=1000):
    if args.form == "loader":
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(test_images, test_labels), batch_size=size)
    return ((test_images[i], test_labels[i]) for i in torch.arange(len(test_labels), device=args.device).split(size))


train_images, train_labels = load("train")
test_images, test_labels = load("t10k")
net = LeNet().to(args.device, memory_format=layout)
optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, fused=graphed)
totals = torch.zeros(2, device=args.device)
forward = losses
if args.form.startswith("compile"):  # for each of the two sizes of batches, the last one's too
    forward = torch.compile(losses, dynamic=False, mode="reduce-overhead" if args.form == "compile" else None)
train = GraphedStep(args.batch_size) if graphed else step_at
result = {"first_step_seconds": None, "train_seconds": [], "eval_seconds": [], "test_acc": []}
for epoch in range(args.epochs):
    start = time.perf_counter()
    totals.zero_()
    for make_step in train_batches():
        make_step()
        if result["first_step_seconds"] is None:
            totals.tolist()  # waits for the device
            result["first_step_seconds"] = seconds_since_start()
    totals.tolist()  # the epoch's loss and right answers; waits for the device
    result["train_seconds"].append(time.perf_counter() - start)
    start, correct = time.perf_counter(), torch.zeros((), dtype=torch.long, device=args.device)
    with torch.inference_mode():
        for x, y in test_batches():
            correct += (net(x).argmax(1) == y).sum()
    result["test_acc"].append(correct.item() / len(test_labels))
    result["eval_seconds"].append(time.perf_counter() - start)
print(json.dumps(result))
