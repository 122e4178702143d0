"""Lets ONNX networks, or the expert, drive ten tracks that no frame comes from.

    python drive.py expert control ../networks/assignment.onnx
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
    episode = Episode(track, getattr(driver, "continuous", False))
    decide = driver(episode)
    while not episode.over:
        episode.decide(decide())
    return episode.total_reward


def expert(episode):
    return Expert(episode.env).decide


def control(episode):
    return Expert(episode.env).control


control.continuous = True


def network(path):
    session = infer.session(path)

    def values(episode):
        return lambda: infer.values(session, episode.observe()[None])[0].clip([-1, 0, 0], 1)

    def classes(episode):
        return lambda: int(infer.logits(session, episode.observe()[None])[0].argmax())

    values.continuous = True
    return values if infer.says_values(session) else classes


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("drivers", nargs="+", help="'expert', 'control' (its values) or an ONNX file")
    experts = {"expert": expert, "control": control}
    for name in arguments.parse_args().drivers:
        scores = returns(experts.get(name) or network(name))
        each = " ".join(f"{score:.0f}" for score in scores)
        print(f"{name}: mean {scores.mean():.0f}, each {each}", flush=True)


if __name__ == "__main__":
    main()
