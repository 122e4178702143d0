"""Time and peak memory of calibrating and quantizing, ours beside ONNX Runtime's, interleaved.

    pip install -r tests/goldens/requirements.txt
    cargo build --release
    python bench/calibration.py [ROUNDS]

Min-max on the 512 bundled calibration frames, one thread each, both as a process of its own that
reads the network and the frames and writes the int8 file. ONNX Runtime gets the frames decoded
(an uncompressed npy file), we read the zip of images. Prints, for each network, the medians in
seconds, the ratio of each round (theirs over ours) with its median and range, and both peaks of
resident memory.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from quantizers import NETWORKS, ROOT, STEER8, frames

THEIRS = """
import sys
import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

class Reader(CalibrationDataReader):
    def __init__(self, x):
        self.frames = iter([{"input": frame[None]} for frame in x])
    def get_next(self):
        return next(self.frames, None)

# One thread: the calibrator makes its session itself.
make = ort.InferenceSession
def one_thread(model, sess_options=None, **rest):
    options = sess_options or ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return make(model, sess_options=options, **rest)
ort.InferenceSession = one_thread

model, x, out = sys.argv[1:]
quantize_static(model, out, Reader(np.load(x)), quant_format=QuantFormat.QDQ, per_channel=True,
                weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8)
"""


def run(command):
    """Seconds of wall time, and the peak of resident memory in MB."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        # The peak since the program started; what the system tells at the end counts this
        # script's own memory, too.
        try:
            status = Path(f"/proc/{child.pid}/status").read_text()
        except OSError:
            break
        own = [line for line in status.splitlines() if line.startswith("VmHWM")]
        peak = max([peak, *(int(line.split()[1]) for line in own)])
        time.sleep(0.005)
    if child.wait() != 0:
        raise SystemExit(f"{command[0]} failed")
    return time.perf_counter() - start, peak / 1024


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("| network | Steer8 s | quantize_static s | ratio (range) | Steer8 MB | quantize_static MB |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        x, out = f"{folder}/x.npy", f"{folder}/out.onnx"
        np.save(x, frames("calibration")[0])
        for network in NETWORKS:
            model = str(ROOT / f"models/networks/{network}.onnx")
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(run([STEER8, "quantize", model, "-o", out, "--quiet"]))
                theirs.append(run([sys.executable, "-c", THEIRS, model, x, out]))
            ratios = sorted(b[0] / a[0] for a, b in zip(ours, theirs))
            (own, own_peak), (other, other_peak) = (
                (median(seconds for seconds, _ in runs), max(peak for _, peak in runs))
                for runs in (ours, theirs)
            )
            print(
                f"| {network} | {own:.2f} | {other:.2f} "
                f"| {median(ratios):.1f}x ({ratios[0]:.1f} to {ratios[-1]:.1f}) "
                f"| {own_peak:.0f} | {other_peak:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
