"""What networks of every width drive: their return on 20 tracks, beside float on the same ones.

    cargo build --release
    python bench/driving.py FOLDER [--kind nearest|static|trained|searched ...] [--network NAME ...]
                                   [--bits N ...] [--recipe NAME ...]

`nearest` has all weights rounded to nearest; `static` is the best of training_accuracy.py's static recipes
(or of those named with `--recipe`), chosen by top-1 on the validation frames; `trained` is trained as there,
6 epochs of 8,000 frames, seed 0. `searched`: `steer8 search` for the fewest bits that keep 99 % of the
return, beside the same for those that lose half a point of top-1, each ended after `--seconds` (300) with
the best so far; what they find drives 100 tracks that neither has seen.

Files and reports stay in FOLDER, and what is there is not done again. Prints Markdown: mean return and its
95 % interval over the tracks; its distance from float, track by track, with interval and the sign test's p
for "each is the better one equally often"; laps finished; share of the steps off the road; top-1.
"""

import argparse
from pathlib import Path

from training_accuracy import NETWORKS, ROOT, STATIC, best, once, options, recipes, train

WIDTHS = (8, 6, 4, 3, 2)
GRANULARITIES = ("per-channel", "per-tensor")
# What is trained besides each of these widths per channel: three bits per tensor.
TRAINED = {4: GRANULARITIES[:1], 3: GRANULARITIES, 2: GRANULARITIES[:1]}
KINDS = ("nearest", "static", "trained", "searched")
TARGETS = {"99 % of the return": ("--min-return", "0.99"), "half a point": ("--max-drop", "0.5")}


def network_file(name):
    return ROOT / f"models/networks/{name}.onnx"


def top1(result):
    return f"{100 * result['accuracy']['top1']:.2f}"


def made(stem, network, recipe):
    """The file that is quantized by these options."""
    file = stem.with_suffix(".onnx")
    once(stem.with_name(f"{stem.name}-file.json"), "quantize", network, "-o", file, *recipe)
    return file


def variants(kind, folder, name, bits, among):
    """What there is of this kind and width: what it is, its file, its top-1 and float's."""
    network = network_file(name)
    for granularity in TRAINED.get(bits, ()) if kind == "trained" else GRANULARITIES:
        scheme = f"{bits}/8-{granularity}"
        what = f"{bits} {granularity}"
        stem = folder / f"{name}-{scheme.replace('/', '-')}"
        if kind == "trained":
            trained = train(stem, network, scheme, 0, 8000)
            tops = top1(trained["result"]), top1(trained["float"])
            yield f"{what} | trained", stem.with_name(f"{stem.name}-s0.onnx"), *tops
            continue
        measured = recipes(stem, network, scheme, among)
        recipe, result = best(measured)
        file = stem.with_name(f"{stem.name}-{list(STATIC).index(recipe)}")
        file = made(file, network, (*options(scheme), *STATIC[recipe]))
        yield f"{what} | {recipe}", file, top1(result), top1(measured[recipe][0])


def driven(report, files, *tracks):
    """Of each of the files, the first being float: its return, how that is beside float's, the laps."""
    drives = once(report, "drive", *files, *tracks)
    # Each has a pair with each behind it: the first ones are float's.
    pairs = [None, *drives["pairs"][: len(files) - 1]]
    return [cells(*both) for both in zip(drives["results"], pairs)]


def cells(result, pair):
    steps = sum(track["steps"] for track in result["tracks"])
    off = sum(track["off_road"] * track["steps"] for track in result["tracks"])
    return [
        f"{result['mean']:.1f} ({ends(result['ci95'])})",
        f"{pair['mean_difference']:+.1f} ({ends(pair['ci95'])})" if pair else "",
        ("< 0.001" if pair["p"] < 0.001 else f"{pair['p']:.3f}") if pair else "",
        str(sum(track["finished"] for track in result["tracks"])),
        f"{100 * off / steps:.2f}",
    ]


def ends(interval):
    return " to ".join(f"{end:.1f}" for end in interval)


def row(*texts):
    print(f"| {' | '.join(texts)} |", flush=True)


def head(*texts):
    row(*texts)
    print(f"|{'---|' * len(texts)}", flush=True)


DRIVEN = ("mean return", "beside float", "p", "laps finished", "steps off the road, %")


def widths(folder, name, kinds, bits, among):
    """The table of a network's widths."""
    network = network_file(name)
    print(f"\n**{name}**, 20 tracks\n")
    head("weights", "recipe", *DRIVEN, "top-1, %")
    float_shown = False
    for width in bits:
        for kind in kinds:
            chosen = ("nearest",) if kind == "nearest" else among
            there = list(variants(kind, folder, name, width, chosen))
            if not there:
                continue
            whats, files, tops, of_whole = zip(*there)
            report = folder / f"{name}-{width}-{kind}-drive.json"
            of_float, *of_files = driven(report, [network, *files], "--tracks", "20")
            if not float_shown:
                row("float", "", *of_float, of_whole[0])
                float_shown = True
            for what, figures, top in zip(whats, of_files, tops):
                row(what, *figures, top)


def searched(folder, name, seconds):
    """The table of what searches find for a network."""
    network = network_file(name)
    files, found = [network], []
    for number, (wanted, target) in enumerate(TARGETS.items()):
        stem = folder / f"{name}-search{number}"
        recipe = stem.with_name(f"{stem.name}-recipe.json")
        search = once(
            stem.with_name(f"{stem.name}.json"),
            *("search", network, "-o", recipe, "--weight-bits", "2", *target),
            *("--seconds", str(seconds)),
        )
        files.append(made(stem, network, ("--recipe", recipe)))
        found.append((wanted, search))
    report = folder / f"{name}-searched-drive.json"
    of_float, *of_files = driven(report, files, "--from", "30000", "--tracks", "100")
    print(f"\n**{name}**, 100 tracks that no search has seen\n")
    head("at most lost", "trials", "bits of the layers", "BOPs", "drop on trials", *DRIVEN)
    row("float", "", "", "", "", *of_float)
    for (wanted, search), figures in zip(found, of_files):
        trial = search["best"]
        trials = f"{len(search['trials'])}{', stopped' if search['stopped'] else ''}"
        cost = f"{trial['bops'] / 1e6:,.0f} M"
        row(wanted, trials, layers(trial["recipe"]), cost, f"{trial['drop']:.2f}", *figures)


def layers(recipe):
    """The bits of weights and activations, and the layers that have others."""
    usual = recipe["weight_bits"], recipe["activation_bits"]
    others = {
        node: (bits.get("weight_bits", usual[0]), bits.get("activation_bits", usual[1]))
        for node, bits in recipe["layers"].items()
    }
    texts = [f"{node} {w}/{a}" for node, (w, a) in others.items() if (w, a) != usual]
    return ", ".join(["{}/{}".format(*usual), *texts])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--network", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--bits", nargs="+", type=int, choices=WIDTHS, default=WIDTHS)
    parser.add_argument("--recipe", nargs="+", choices=STATIC, default=tuple(STATIC))
    parser.add_argument("--seconds", type=int, default=300)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    kinds = [kind for kind in args.kind if kind != "searched"]
    for name in args.network:
        if kinds:
            widths(args.folder, name, kinds, args.bits, args.recipe)
        if "searched" in args.kind:
            searched(args.folder, name, args.seconds)


if __name__ == "__main__":
    main()
