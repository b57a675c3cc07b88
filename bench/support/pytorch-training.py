"""The limit of bench/train.ts: a plain, competent PyTorch loop over the rows of a file. Reads commands, answers with seconds.

pytorch-training.py FILE ROWS BATCH RATE WIDTH...
A line "STEPS THREADS" on stdin trains that many steps and writes the seconds they took.
"""

import sys
import time

import torch

file, rows, batch, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
widths = [int(width) for width in sys.argv[5:]]

# Reference BLAS would be no limit at all: it takes several times as long.
with open("/proc/self/maps") as maps:
    libraries = maps.read()
fast = torch.backends.mkl.is_available() or "openblas" in libraries or "blis" in libraries or "mkl_rt" in libraries
if not fast:
    print("no fast BLAS", flush=True)
    sys.exit(0)

torch.manual_seed(1)
data = torch.from_file(file, size=rows * widths[0]).reshape(rows, widths[0]).clone()
code = widths.index(min(widths))
layers = []
for i in range(len(widths) - 1):
    layers.append(torch.nn.Linear(widths[i], widths[i + 1]))
    if i + 1 not in (code, len(widths) - 1):
        layers.append(torch.nn.ReLU())
network = torch.nn.Sequential(*layers)
loss_of = torch.nn.MSELoss()
optimizer = torch.optim.Adam(network.parameters(), lr=rate)
print(torch.__version__, flush=True)


def train(steps):
    done = 0
    while done < steps:
        order = torch.randperm(rows)
        for first in range(0, rows - batch + 1, batch):
            chosen = data[order[first : first + batch]]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(network(chosen), chosen)
            loss.backward()
            optimizer.step()
            done += 1
            if done == steps:
                return


for line in sys.stdin:
    steps, threads = (int(word) for word in line.split())
    torch.set_num_threads(threads)
    began = time.perf_counter()
    train(steps)
    print(time.perf_counter() - began, flush=True)
