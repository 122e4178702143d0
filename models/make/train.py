"""Trains one network on the training frames; the best epoch on held-out tracks is kept.

    python train.py assignment --epochs 18 --output ../../target/models/assignment.pt
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

import archive
from environment import CONTROLS, DASHBOARD_ROWS, LEFT, NEEDLES, RIGHT
from networks import BUILDERS, CLASSIFIERS

BATCH = 128
WEIGHT_DECAY = 1e-3
LABEL_SMOOTHING = 0.05
# One training track in ten chooses the checkpoint; the validation set chooses nothing.
HELD_OUT = 10


def mirror(pixels):
    """Left becomes right. The dashboard stays, but its needles point the other way."""
    mirrored = pixels.flip(-1)
    mirrored[..., -DASHBOARD_ROWS:, :] = pixels[..., -DASHBOARD_ROWS:, :]
    for start, end in NEEDLES:
        needle = pixels[..., -DASHBOARD_ROWS:, start:end]
        mirrored[..., -DASHBOARD_ROWS:, start:end] = needle.flip(-1)
    return mirrored


class Classes:
    """Learns the expert's decisions."""

    peak_learning_rate = 2e-3
    longest_gradient = float("inf")

    def __init__(self, paths):
        self.pixels, labels, self.tracks, _ = load(paths)
        self.labels = torch.from_numpy(labels)

    def to_input(self, pixels):
        return (pixels.float() / 255).contiguous(memory_format=torch.channels_last)

    def mirror(self, labels):
        swapped = labels.clone()
        swapped[labels == LEFT] = RIGHT
        swapped[labels == RIGHT] = LEFT
        return swapped

    def loss(self, answers, labels):
        return functional.cross_entropy(answers, labels, label_smoothing=LABEL_SMOOTHING)

    def score(self, answers, labels):
        """The accuracy."""
        return (answers.argmax(1) == labels).float().mean().item()


class Values:
    """Learns what the expert would do with steering, gas and brake."""

    # Without Relu's zeros twice as much diverges.
    peak_learning_rate = 1e-3
    longest_gradient = 1.0

    def __init__(self, paths):
        self.pixels, _, self.tracks, entries = load(paths)
        table = Path(paths[0]).with_name("values.csv")
        with open(table, newline="") as file:
            rows = {row["image"]: [float(row[name]) for name in CONTROLS] for row in csv.DictReader(file)}
        self.labels = torch.tensor([rows[entry] for entry in entries])
        self.scale = self.labels.std(0)

    def to_input(self, pixels):
        return pixels.float().permute(0, 2, 3, 1)

    def mirror(self, labels):
        return labels * torch.tensor([-1.0 if name == "steering" else 1.0 for name in CONTROLS])

    def loss(self, answers, labels):
        return functional.huber_loss(torch.cat(answers, 1) / self.scale, labels / self.scale)

    def score(self, answers, labels):
        """Of the mean absolute error, each value's in its labels' standard deviation, what is left of 1."""
        return 1.0 - ((answers - labels).abs() / self.scale).mean().item()


def load(paths):
    pixels, labels, tracks, entries = archive.read(paths)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), labels, tracks, entries


@torch.no_grad()
def predict(network, task, pixels):
    network.eval()
    answers = [network(task.to_input(batch)) for batch in pixels.split(256)]
    return torch.cat([torch.cat(a, 1) if isinstance(a, tuple) else a for a in answers])


def augmented_batches(task, frames, generator):
    for chosen in frames[torch.randperm(len(frames), generator=generator)].split(BATCH):
        batch, labels = task.pixels[chosen], task.labels[chosen]
        flip = torch.rand(len(chosen), generator=generator) < 0.5
        batch[flip], labels[flip] = mirror(batch[flip]), task.mirror(labels[flip])
        yield task.to_input(batch), labels


def train(network, task, frames, held_out, epochs, stop_after, seed, checkpoint):
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        task.peak_learning_rate,
        epochs=epochs,
        steps_per_epoch=-(-len(frames) // BATCH),
        pct_start=0.2,
    )
    best = 0.0
    for epoch in range(1, stop_after + 1):
        started = time.monotonic()
        losses = []
        network.train()
        for batch, labels in augmented_batches(task, frames, generator):
            loss = task.loss(network(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), task.longest_gradient)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        answers = predict(network, task, task.pixels[held_out])
        score = task.score(answers, task.labels[held_out])
        if score > best:
            best = score
            torch.save(network.state_dict(), checkpoint)
        seconds = time.monotonic() - started
        print(f"epoch {epoch}: loss {np.mean(losses):.4f}, held out {score:.4f}, {seconds:.0f} s", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("network", choices=BUILDERS)
    arguments.add_argument("--frames", type=Path, default=Path("../frames"))
    arguments.add_argument("--output", type=Path, required=True)
    arguments.add_argument("--epochs", type=int, required=True)
    arguments.add_argument("--stop-after", type=int, help="end before the schedule does")
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(options.seed)

    task = Classes if options.network in CLASSIFIERS else Values
    task = task(sorted(options.frames.glob("training-*.zip")))
    held = torch.from_numpy(task.tracks % HELD_OUT == 0)
    network = BUILDERS[options.network]().to(memory_format=torch.channels_last)
    train(
        network,
        task,
        torch.nonzero(~held).flatten(),
        torch.nonzero(held).flatten(),
        options.epochs,
        options.stop_after or options.epochs,
        options.seed,
        options.output,
    )


if __name__ == "__main__":
    main()
