"""ONNX Runtime on one thread, answering one request a line for `cargo xtask bench native`.

The requests are told in `xtask/src/bench/rig.rs`.
"""

import json
import sys
import time

import numpy as np
import onnxruntime as ort


class Engine:
    def __init__(self):
        self.variants = []
        self.frames = []

    def do_frames(self, request):
        frames = np.fromfile(request["file"], "<f4").reshape(-1, 1, *request["shape"])
        self.frames = list(frames)
        return {}

    def do_load(self, request):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        with open(request["file"], "rb") as file:
            content = file.read()
        start = time.perf_counter()
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        # Bound once, so that a run spends as little as possible in Python.
        binding = session.io_binding()
        binding.bind_cpu_input(session.get_inputs()[0].name, self.frames[0])
        binding.bind_output(session.get_outputs()[0].name)
        session.run_with_iobinding(binding)
        cold_ms = (time.perf_counter() - start) * 1e3
        self.variants.append((session, binding))
        return {"variant": len(self.variants) - 1, "cold_ms": cold_ms, "session_bytes": None}

    def do_answer(self, request):
        session, _ = self.variants[request["variant"]]
        name = session.get_inputs()[0].name
        return {"logits": [session.run(None, {name: x})[0][0].tolist() for x in self.frames]}

    def do_time(self, request):
        session, binding = self.variants[request["variant"]]
        runs, ms = request["runs"], []
        for _ in range(request["samples"]):
            start = time.perf_counter()
            for _ in range(runs):
                session.run_with_iobinding(binding)
            ms.append((time.perf_counter() - start) / runs * 1e3)
        return {"ms": ms}

    def do_forget(self, request):
        self.variants = []
        return {}


engine = Engine()
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = getattr(engine, f"do_{request['do']}")(request)
    except Exception as why:
        answer = {"error": str(why)}
    print(json.dumps(answer), flush=True)
