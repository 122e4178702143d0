"""Lets ONNX networks, or the expert, drive ten tracks that no frame comes from.

    python drive.py expert ../networks/assignment.onnx
"""

import argparse

import numpy as np

import infer
from environment import Episode
from expert import Expert

TRACKS = range(20_000, 20_010)


def returns(driver):
    return np.array([drive(driver, track) for track in TRACKS])


def drive(driver, track):
    episode = Episode(track)
    decide = driver(episode)
    while not episode.over:
        episode.decide(decide())
    return episode.total_reward


def expert(episode):
    return Expert(episode.env).decide


def network(path):
    session = infer.session(path)

    def driver(episode):
        return lambda: int(infer.logits(session, episode.observe()[None])[0].argmax())

    return driver


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("drivers", nargs="+", help="'expert' or an ONNX file")
    for name in arguments.parse_args().drivers:
        scores = returns(expert if name == "expert" else network(name))
        each = " ".join(f"{score:.0f}" for score in scores)
        print(f"{name}: mean {scores.mean():.0f}, each {each}", flush=True)


if __name__ == "__main__":
    main()
