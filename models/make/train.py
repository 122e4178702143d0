"""Trains one network on the training frames; the best epoch on held-out tracks is kept.

    python train.py assignment --epochs 18 --output ../../target/models/assignment.pt
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

import archive
from environment import DASHBOARD_ROWS, LEFT, RIGHT
from networks import BUILDERS

BATCH = 128
PEAK_LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-3
LABEL_SMOOTHING = 0.05
# One training track in ten chooses the checkpoint; the validation set chooses nothing.
HELD_OUT = 10
# The dashboard's two needles that point to a side, as pixel columns.
NEEDLES = [slice(36, 60), slice(60, 84)]


def mirror(pixels, labels):
    """Left becomes right. The dashboard stays, but its needles point the other way."""
    mirrored = pixels.flip(-1)
    mirrored[..., -DASHBOARD_ROWS:, :] = pixels[..., -DASHBOARD_ROWS:, :]
    for columns in NEEDLES:
        needle = pixels[..., -DASHBOARD_ROWS:, columns]
        mirrored[..., -DASHBOARD_ROWS:, columns] = needle.flip(-1)
    swapped = labels.clone()
    swapped[labels == LEFT] = RIGHT
    swapped[labels == RIGHT] = LEFT
    return mirrored, swapped


def load(paths):
    pixels, labels, tracks = archive.read(paths)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels), tracks


def to_input(pixels):
    return (pixels.float() / 255).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def predict(network, pixels):
    network.eval()
    return torch.cat([network(to_input(batch)).argmax(1) for batch in pixels.split(256)])


def accuracy(network, pixels, labels):
    return (predict(network, pixels) == labels).float().mean().item()


def augmented_batches(pixels, labels, generator):
    for chosen in torch.randperm(len(labels), generator=generator).split(BATCH):
        batch, answers = pixels[chosen], labels[chosen]
        flip = torch.rand(len(chosen), generator=generator) < 0.5
        batch[flip], answers[flip] = mirror(batch[flip], answers[flip])
        yield to_input(batch), answers


def train(network, frames, held_out, epochs, stop_after, seed, checkpoint):
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        PEAK_LEARNING_RATE,
        epochs=epochs,
        steps_per_epoch=-(-len(frames[1]) // BATCH),
        pct_start=0.2,
    )
    best = 0.0
    for epoch in range(1, stop_after + 1):
        started = time.monotonic()
        losses = []
        network.train()
        for batch, answers in augmented_batches(*frames, generator):
            loss = functional.cross_entropy(network(batch), answers, label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        score = accuracy(network, *held_out)
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

    pixels, labels, tracks = load(sorted(options.frames.glob("training-*.zip")))
    held = torch.from_numpy(tracks % HELD_OUT == 0)
    network = BUILDERS[options.network]().to(memory_format=torch.channels_last)
    train(
        network,
        (pixels[~held], labels[~held]),
        (pixels[held], labels[held]),
        options.epochs,
        options.stop_after or options.epochs,
        options.seed,
        options.output,
    )


if __name__ == "__main__":
    main()
