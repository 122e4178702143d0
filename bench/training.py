"""Time and peak memory of an epoch of quantization-aware training, ours beside PyTorch's, interleaved.

    pip install -r tests/goldens/requirements.txt torch==2.5.1
    cargo build --release
    python bench/training.py [ROUNDS]

`assignment`, 8,000 of the bundled training frames, batches of 64, Adam, one thread each, every
process alone in its turn. PyTorch is FX graph mode's `prepare_qat_fx` with the default mapping of
its `x86` engine, once as written and once with channels last, on frames decoded beforehand; ours
mirrors frames and checks 889 held-out frames at the end of the epoch, too. An epoch is what a run of
two epochs takes longer than a run of one. Prints processor seconds and wall seconds of each round,
their medians, the ratio of the medians of processor seconds (ours over theirs), and the peaks of
resident memory. On a shared machine the processor's seconds are the ones to trust.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from quantizers import ROOT, STEER8, frames

FRAMES = 8000
NETWORK = ROOT / "models/networks/assignment.onnx"

THEIRS = """
import sys
import warnings
import numpy as np
import torch
from torch import nn
from torch.ao.quantization import get_default_qat_qconfig_mapping
from torch.ao.quantization.quantize_fx import prepare_qat_fx

warnings.simplefilter("ignore")
torch.set_num_threads(1)
data, epochs, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
arrays = np.load(data)
x, y = torch.from_numpy(arrays["x"]).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(arrays["y"])
network = nn.Sequential(
    nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
    nn.Conv2d(32, 48, 3, stride=2, padding=1), nn.ReLU(),
    nn.Conv2d(48, 64, 3, stride=2, padding=1), nn.ReLU(),
    nn.Flatten(), nn.Linear(2304, 128), nn.ReLU(), nn.Linear(128, 5),
)
mapping = get_default_qat_qconfig_mapping("x86")
network = prepare_qat_fx(network.train(), mapping, (torch.zeros(1, 3, 96, 96),))
form = torch.channels_last if layout == "channels-last" else torch.contiguous_format
network = network.to(memory_format=form)
optimizer = torch.optim.Adam(network.parameters(), 1e-3)
loss = nn.CrossEntropyLoss(label_smoothing=0.05)
for _ in range(epochs):
    for chosen in torch.randperm(len(y)).split(64):
        batch = (x[chosen].float() / 255).contiguous(memory_format=form)
        optimizer.zero_grad()
        loss(network(batch), y[chosen]).backward()
        optimizer.step()
"""


def pixels(name):
    x, y = frames(name)
    return np.round(x * 255).astype(np.uint8).transpose(0, 2, 3, 1), y


def prepare(data):
    parts = [pixels(f"training-{i}") for i in range(2)]
    x, y = (np.concatenate([part[i] for part in parts]) for i in range(2))
    chosen = np.random.default_rng(0).permutation(len(y))[:FRAMES]
    np.savez(data, x=x[chosen], y=y[chosen].astype(np.int64))


def run(command):
    """Processor seconds, wall seconds, and peak resident bytes of a process."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    seconds = time.monotonic() - started
    return usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss * 1024


def epoch(command):
    one, two = (run([*map(str, command(epochs))]) for epochs in [1, 2])
    return two[0] - one[0], two[1] - one[1], two[2]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "frames.npz", Path(folder) / "out.onnx"
        # In a process of its own: what this one holds would count as its children's peak.
        arguments = [sys.executable, "-c", "import sys, training; training.prepare(sys.argv[1])", data]
        subprocess.run(list(map(str, arguments)), check=True, cwd=Path(__file__).parent)
        held = round(FRAMES / 9)
        sides = {
            "Steer8": lambda epochs: [STEER8, "train", NETWORK, "-o", out, "-q", "--batch", 64, "--threads", 1]
            + ["--epochs", epochs, "--frames", FRAMES + held],
            "PyTorch": lambda epochs: [sys.executable, "-c", THEIRS, data, epochs, "contiguous"],
            "PyTorch, channels last": lambda epochs: [sys.executable, "-c", THEIRS, data, epochs]
            + ["channels-last"],
        }
        results = {name: [] for name in sides}
        for _ in range(rounds):
            for name, command in sides.items():
                results[name].append(epoch(command))
                processor, wall, peak = results[name][-1]
                print(f"{name}: {processor:.2f} s, wall {wall:.2f} s, {peak / 1e6:.0f} MB", flush=True)
    own = median(processor for processor, *_ in results["Steer8"])
    for name, measured in results.items():
        processor, wall, peak = (median(values) for values in zip(*measured))
        ratio = own / processor
        print(f"{name}: {processor:.2f} s, wall {wall:.2f} s, {peak / 1e6:.0f} MB, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
