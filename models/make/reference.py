"""Quantizes the networks with ONNX Runtime and with PyTorch, and measures the results.

    python reference.py ../networks ../../target/models

Writes NAME-onnxruntime-qdq.onnx for each network beside the float file and
NAME-pytorch-int8.onnx exported from PyTorch's quantized network; prints the
reference table of the card.
"""

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch.ao.quantization import get_default_qconfig_mapping
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

import archive
import infer
from export import export
from networks import CLASSIFIERS

TORCH_ENGINE = "x86"
WARM_UP_RUNS = 200
TIMED_RUNS = 2000


class CalibrationFrames(quantization.CalibrationDataReader):
    def __init__(self, frames):
        self.inputs = ({infer.INPUT: infer.to_input(frame[None])} for frame in frames)

    def get_next(self):
        return next(self.inputs, None)


def with_onnxruntime(float_file, frames, output, work):
    # Folds BatchNormalization, as the quantizer's manual asks.
    prepared = work / f"{float_file.stem}-prepared.onnx"
    quant_pre_process(str(float_file), str(prepared), skip_symbolic_shape=True)
    quantization.quantize_static(
        str(prepared),
        str(output),
        CalibrationFrames(frames),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
    )


def with_torch(network, frames):
    torch.backends.quantized.engine = TORCH_ENGINE
    inputs = torch.from_numpy(infer.to_input(frames))
    prepared = prepare_fx(
        copy.deepcopy(network).eval(), get_default_qconfig_mapping(TORCH_ENGINE), (inputs[:1],)
    )
    with torch.no_grad():
        for frame in inputs:
            prepared(frame[None])
    return convert_fx(prepared)


def top1(logits, labels):
    return (logits.argmax(1) == labels).mean()


def median_ms(run):
    """One frame, one thread."""
    for _ in range(WARM_UP_RUNS):
        run()
    times = []
    for _ in range(TIMED_RUNS):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def row(name, how, file, score, latency):
    size = file.stat().st_size
    return f"| {name} | {how} | {score:.4f} | {size} | {latency:.3f} |"


def onnx_row(name, how, file, frames, labels):
    session = infer.session(file)
    score = top1(infer.logits(session, frames), labels)
    one = {infer.INPUT: infer.to_input(frames[:1])}
    return row(name, how, file, score, median_ms(lambda: session.run([infer.LOGITS], one)))


def torch_row(name, how, network, file, frames, labels):
    inputs = torch.from_numpy(infer.to_input(frames))
    with torch.inference_mode():
        logits = torch.cat([network(batch) for batch in inputs.split(100)]).numpy()
        one = inputs[:1].clone()
        latency = median_ms(lambda: network(one))
    return row(name, how, file, top1(logits, labels), latency)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("networks", type=Path)
    arguments.add_argument("work", type=Path, help="where train.py left its checkpoints")
    arguments.add_argument("--frames", type=Path, default=Path("../frames"))
    options = arguments.parse_args()
    torch.set_num_threads(1)

    calibration, *_ = archive.read(options.frames / "calibration.zip")
    validation, labels, *_ = archive.read(options.frames / "validation.zip")
    for name, build in CLASSIFIERS.items():
        float_file = options.networks / f"{name}.onnx"
        print(onnx_row(name, "float, ONNX Runtime", float_file, validation, labels), flush=True)

        qdq_file = options.work / f"{name}-onnxruntime-qdq.onnx"
        with_onnxruntime(float_file, calibration, qdq_file, options.work)
        print(onnx_row(name, "`quantize_static`", qdq_file, validation, labels), flush=True)

        network = build()
        network.load_state_dict(torch.load(options.work / f"{name}.pt", weights_only=True))
        quantized = with_torch(network, calibration)
        torch_file = options.work / f"{name}-pytorch-int8.onnx"
        export(quantized, torch_file, fold_constants=True)
        print(torch_row(name, "`torch.ao`, PyTorch", quantized, torch_file, validation, labels), flush=True)
        print(onnx_row(name, "`torch.ao`, ONNX Runtime", torch_file, validation, labels), flush=True)


if __name__ == "__main__":
    main()
