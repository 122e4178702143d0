"""Stores ONNX Runtime's answers to networks whose nodes are joined before they run.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy
    python tests/goldens/folding.py

Writes `folding.json` beside this file, in the form of `answers.json` (`answers.py`).
"""

import numpy as np
from answers import network, store, weights


def per_channel(count, seed, *axes):
    return np.random.default_rng(seed).uniform(0.4, 1.6, (count, *axes))


def norms(count, seed):
    random = np.random.default_rng(seed)
    low = {"s": 0.5, "b": -0.5, "m": -0.5, "v": 0.5}
    return {f"{k}{seed}": random.uniform(low[k], low[k] + 1, count) for k in low}


def odd_chain():
    """Maps in every order, read once and twice, before and behind layers, with an output in the middle."""
    nodes = [
        ("Sub", "x,mean", "x0"),
        ("Div", "x0,one", "x1"),
        ("Conv", "x1,w1,b1", "c1", {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", "c1,s1,b1_,m1,v1", "n1"),
        ("Unsqueeze", "gain,axes", "gain4"),
        ("Mul", "gain4,n1", "g1"),
        ("Add", "g1,shift", "a1"),
        ("Relu", "a1", "r1"),
        ("Sub", "one,r1", "d1"),
        ("Mul", "d1,shift", "d2"),
        ("Conv", "d2,w2", "c2"),
        ("Div", "c2,gain3", "e1"),
        ("Sub", "e1,one", "e2"),
        ("Add", "e2,one", "h1"),
        ("Mul", "e2,h1", "h2"),
        ("Mul", "h2,gain3", "h3"),
        ("ConvTranspose", "h3,w3", "t1", {"strides": [2, 2]}),
        ("BatchNormalization", "t1,s2,b2,m2,v2", "n2"),
        ("BatchNormalization", "n2,s3,b3,m3,v3", "n3"),
        ("GlobalAveragePool", "n3", "p"),
        ("Flatten", "p", "f"),
        ("MatMul", "f,w4", "q"),
        ("Mul", "q,row", "q1"),
        ("Sub", "row,q1", "q2"),
        ("Gemm", "q2,w5", "y"),
    ]
    constants = {"mean": [[[0.4]], [[0.1]], [[-0.2]]], "one": 1.25, "axes": np.array([1, 2])}
    constants |= {"w1": weights(4, 3, 3, 3), "b1": weights(4), "gain": per_channel(4, 1)}
    constants |= {"shift": per_channel(4, 2, 1, 1), "w2": weights(5, 4, 3, 3), "gain3": per_channel(5, 3, 1, 1)}
    constants |= {"w3": weights(5, 4, 2, 2), "w4": weights(4, 6), "row": per_channel(6, 4), "w5": weights(6, 3)}
    first, *others = norms(4, 1), norms(4, 2), norms(4, 3)
    first["b1_"] = first.pop("b1")
    for own in (first, *others):
        constants |= own
    network("maps in every order", [1, 3, 8, 8], nodes, constants, outputs=("y", "e1"))


def written_out():
    nodes = [
        ("Conv", "x,w1", "c1", {"pads": [1, 1, 1, 1]}),
        ("Add", "c1,three", "a1"),
        ("Clip", "a1,zero,six", "k1"),
        ("Mul", "c1,k1", "m1"),
        ("Div", "m1,six", "s1"),
        ("GlobalAveragePool", "s1", "p1"),
        ("Conv", "p1,w2", "c2"),
        ("Add", "c2,three", "a2"),
        ("Clip", "a2,zero,six", "k2"),
        ("Div", "k2,six", "g2"),
        ("Mul", "s1,g2", "m2"),
        ("Sum", "m2,c1", "u1"),
        ("Div", "u1,root", "d3"),
        ("Erf", "d3", "e3"),
        ("Add", "e3,one", "a3"),
        ("Mul", "u1,a3", "m3"),
        ("Mul", "m3,half", "g3"),
        ("Pow", "g3,cube", "p4"),
        ("Mul", "p4,small", "k4"),
        ("Add", "g3,k4", "a4"),
        ("Mul", "a4,slope", "t4"),
        ("Tanh", "t4", "h4"),
        ("Add", "h4,one", "o4"),
        ("Mul", "g3,half", "f4"),
        ("Mul", "f4,o4", "g4"),
        ("Sum", "g4,g3,u1,c1", "y"),
    ]
    numbers = {"zero": 0, "one": 1, "three": 3, "six": 6, "half": 0.5, "cube": 3, "root": np.sqrt(2)}
    numbers |= {"small": 0.044715, "slope": np.sqrt(2 / np.pi)}
    constants = {name: np.float32(value) for name, value in numbers.items()}
    constants |= {"w1": weights(6, 3, 3, 3), "w2": weights(6, 6, 1, 1)}
    network("functions written out", [1, 3, 6, 6], nodes, constants, outputs=("y", "g2"))


if __name__ == "__main__":
    odd_chain()
    written_out()
    store("folding.json")
