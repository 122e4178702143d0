"""Writes networks to be changed into a folder: those of the onnx package's tests, and any others.

    seeds.py FOLDER [NETWORK.onnx ...]

Of the package's tests of single operators the first float tensor stays the input, the others become
initializers. Needs onnx (see ../../goldens/requirements.txt). Networks above 200 kB are left out.
"""

import pathlib
import shutil
import sys

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

LARGEST = 200_000


def operators():
    """Names and networks of the tests of operators."""
    for case in collect_testcases(None):
        if case.model is None or not case.data_sets:
            continue
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        graph, inputs = model.graph, case.data_sets[0][0]
        tensors = [t for t in inputs if hasattr(t, "dtype")]
        if len(tensors) != len(graph.input):
            continue
        floats = [i for i, tensor in enumerate(inputs) if str(tensor.dtype) == "float32" and tensor.ndim > 0]
        if not floats:
            continue
        names = [value.name for value in graph.input]
        for i, (name, tensor) in enumerate(zip(names, inputs)):
            if i != floats[0]:
                graph.initializer.append(numpy_helper.from_array(tensor, name))
        kept = graph.input[floats[0]]
        del graph.input[:]
        graph.input.append(kept)
        yield case.name, model


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in operators():
        data = model.SerializeToString()
        if len(data) <= LARGEST:
            (folder / f"{name}.onnx").write_bytes(data)
    for kind in ["simple", "pytorch-converted", "pytorch-operator"]:
        for case in load_model_tests(kind=kind):
            path = pathlib.Path(case.model_dir) / "model.onnx"
            if path.exists() and path.stat().st_size <= LARGEST:
                shutil.copy(path, folder / f"{kind}_{case.name}.onnx")
    for path in map(pathlib.Path, sys.argv[2:]):
        if path.stat().st_size <= LARGEST:
            shutil.copy(path, folder / "_".join(path.parts[-3:]))


if __name__ == "__main__":
    main()
