"""Runs changed networks (or data) in programs of their own, with limits from outside, and counts.

    cargo test --release --test native --no-run     # says where the program is
    run.py PROGRAM --seeds FOLDER --end 200000 --jobs 2 --log mutated.log
    run.py PROGRAM --end 20000 --log data.log       # npz, zips and images

FOLDER holds .onnx files; case N changes the (N mod files)-th of them and is the same in every run. A case
that ends its program, computes for more than 5 seconds or takes more than 1 GiB beyond four times its
constants is told, and the batch goes on behind it. `--worst FOLDER` writes the networks there that come
nearest to a bound, to be opened in the page.
"""

import argparse
import collections
import heapq
import os
import resource
import select
import subprocess
import sys
import threading
import time

SECONDS = 5
# The machine may be busy with something else.
WALL_SECONDS = 30
ADDRESS_SPACE = 8 << 30
GIB = 1 << 30
WORST = 200


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def batch(options, first, end, tell):
    """Runs cases until one ends the program; gives the next case."""
    environment = dict(os.environ, RUST_BACKTRACE="0", MUTATED_FIRST=str(first), MUTATED_END=str(end))
    environment.pop("MUTATED_SEEDS", None)
    if options.seeds:
        environment["MUTATED_SEEDS"] = options.seeds
    command = [options.program, "mutated::a_batch", "--exact", "--ignored", "--nocapture", "--test-threads=1"]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             preexec_fn=limited, bufsize=0)
    # The last panic, or what else it said.
    errors = collections.deque(maxlen=8)

    def drain():
        for line in child.stderr:
            errors.append(line.decode(errors="replace").rstrip())

    drainer = threading.Thread(target=drain)
    drainer.start()
    case, rest, ended = first, b"", None
    while True:
        ready, _, _ = select.select([child.stdout], [], [], WALL_SECONDS)
        if not ready:
            ended = "hangs"
            child.kill()
            break
        data = os.read(child.stdout.fileno(), 1 << 16)
        if not data:
            break
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            words = line.decode(errors="replace").split()
            if words[:1] == ["case"]:
                case = int(words[1])
            elif words[:1] == ["done"]:
                _, number, outcome, ms, peak, constants = words
                tell(int(number), outcome, int(ms), int(peak), int(constants))
                case = int(number) + 1
    child.wait()
    drainer.join()
    if ended or case < end:
        heard = " | ".join(line for line in errors if line.strip())
        tell(case, ended or "aborts", 0, 0, 0, f"{child.returncode} {heard[:600]}")
        case += 1
    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seeds")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--end", type=int, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--size", type=int, default=500, help="cases of a batch")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--log", required=True)
    parser.add_argument("--worst", metavar="FOLDER")
    options = parser.parse_args()
    counts, lock = collections.Counter(), threading.Lock()
    pending = iter(range(options.first, options.end, options.size))
    until = time.monotonic() + options.seconds
    log = open(options.log, "a")
    # How near to a bound, and the case.
    worst = []

    def tell(number, outcome, ms, peak, constants, heard=""):
        faults = [outcome] if heard else []
        if ms > SECONDS * 1000:
            faults.append("slow")
        if peak > GIB + 4 * constants:
            faults.append("memory")
        near = max(ms / (SECONDS * 1000), peak / (GIB + 4 * constants))
        with lock:
            heapq.heappush(worst, (near, number))
            if len(worst) > WORST:
                heapq.heappop(worst)
            counts["cases"] += 1
            counts[outcome] += 1
            for fault in faults:
                counts[f"fault: {fault}"] += 1
                print(f"{number} {fault} {ms} ms {peak >> 20} MiB {heard}", file=log, flush=True)

    def work():
        while time.monotonic() < until:
            with lock:
                first = next(pending, None)
            if first is None:
                return
            end = min(first + options.size, options.end)
            while first < end:
                first = batch(options, first, end, tell)

    threads = [threading.Thread(target=work) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(20)
        with lock:
            print(dict(counts), file=sys.stderr, flush=True)
    for thread in threads:
        thread.join()
    print(dict(counts), file=log, flush=True)
    print(dict(counts))
    if options.worst:
        os.environ["MUTATED_KEEP"] = options.worst
        for _, number in worst:
            batch(options, number, number + 1, lambda *told: None)


if __name__ == "__main__":
    main()
