"""Time and peak memory of an epoch of quantization-aware training, ours beside PyTorch's, interleaved.

    pip install -r tests/goldens/requirements.txt torch==2.5.1
    cargo build --release
    python bench/training.py [ROUNDS] [--page]

`assignment`, 8,000 of the bundled training frames, batches of 64, Adam, one thread each, every
process alone in its turn. PyTorch is FX graph mode's `prepare_qat_fx` with the default mapping of
its `x86` engine, once as written and once with channels last. All get the same frames decoded; ours
checks 889 held-out frames at the end of the epoch, too. An epoch is what a run of
two epochs takes longer than a run of one. On a shared machine the processor's seconds are the ones to
trust.

With `--page` the built page takes turns, too, in Chromium with one worker and with two (see page.py for
what that needs): the second of three epochs on the same frames, without the check, which is told apart.

Prints each round, then Markdown: medians of processor seconds and of wall seconds, the median over the
rounds of ours over PyTorch's (its faster layout; processor seconds, for the page wall seconds), and the
peaks of resident memory.
"""

import argparse
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


def prepare(data, count):
    parts = [pixels(f"training-{i}") for i in range(2)]
    x, y = (np.concatenate([part[i] for part in parts]) for i in range(2))
    chosen = np.random.default_rng(0).permutation(len(y))[:count]
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


def epoch_in_page(frames, workers):
    from page import Page

    with Page(f"workers={workers}") as page:
        stages, epochs = page.train(frames, 3)
        peak = page.peak()
    # Of the second epoch: from the end of the first to the check of its own.
    start = epochs["1"]
    check = next(began for stage, began in stages if stage == "evaluate" and began > start)
    print(f"  with its check {epochs['2'] - start:.2f} s", flush=True)
    return None, check - start, peak


def middle(values):
    values = list(values)
    return None if None in values else median(values)


def table(results):
    """Markdown of `name: [(processor, wall, peak), ...]`, round by round."""
    theirs = [runs for name, runs in results.items() if name.startswith("PyTorch")]
    shown = lambda value, form: "" if value is None else format(value, form)  # noqa: E731
    print("\n| | processor s | wall s | ours over PyTorch's | peak MB |\n|---|---|---|---|---|")
    for name, runs in results.items():
        processor, wall, peak = (middle(column) for column in zip(*runs))
        ratio = None
        if runs not in theirs:
            which = 1 if processor is None else 0
            best = (min(run[which] for run in turn) for turn in zip(*theirs))
            ratio = median(run[which] / other for run, other in zip(runs, best))
        cells = [name, shown(processor, ".2f"), shown(wall, ".2f"), shown(ratio, ".2f"), f"{peak / 1e6:.0f}"]
        print(f"| {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    parser.add_argument("--page", action="store_true")
    args = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    held = round(FRAMES / 9)
    with tempfile.TemporaryDirectory() as folder:
        data, own, out = (Path(folder) / name for name in ("frames.npz", "own.npz", "out.onnx"))
        # In a process of its own: what this one holds would count as its children's peak.
        script = "import sys, training; training.prepare(sys.argv[1], int(sys.argv[2]))"
        for file, count in ((data, FRAMES), (own, FRAMES + held)):
            command = [sys.executable, "-c", script, file, count]
            subprocess.run(list(map(str, command)), check=True, cwd=Path(__file__).parent)
        native = [STEER8, "train", NETWORK, "-o", out, "-q", "--threads", 1]
        native += ["--training", own]
        sides = {
            "Steer8": lambda: epoch(lambda epochs: [*native, "--epochs", epochs]),
            "PyTorch": lambda: epoch(lambda n: [sys.executable, "-c", THEIRS, data, n, "contiguous"]),
            "PyTorch, channels last": lambda: epoch(
                lambda n: [sys.executable, "-c", THEIRS, data, n, "channels-last"]
            ),
        }
        if args.page:
            sides["page, one worker"] = lambda: epoch_in_page(own, 1)
            sides["page, two workers"] = lambda: epoch_in_page(own, 2)
        results = {name: [] for name in sides}
        for _ in range(args.rounds):
            for name, measure in sides.items():
                results[name].append(measure())
                processor, wall, peak = results[name][-1]
                spent = "" if processor is None else f"{processor:.2f} s, "
                print(f"{name}: {spent}wall {wall:.2f} s, {peak / 1e6:.0f} MB", flush=True)
    table(results)


if __name__ == "__main__":
    main()
