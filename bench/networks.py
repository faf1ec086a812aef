#!/usr/bin/env python3
"""Training and sampling throughput of the default U-Net against the same network in PyTorch, from Python.

First both networks are given the same weights and have to give the same outputs and gradients. Then every round runs
each contestant once, in a process of its own, one after the other; rates are images a second of wall time, medians over
rounds, ratios are of medians. Run by bench/networks.sh.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# The default U-Net for 28x28 images.
SIZES = dict(channels=1, side=28, width=16, multipliers=[1, 2, 4], blocks=1, attention=8, heads=4, groups=8, patch=1)


def keys_of(sizes):
    return [f"{k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in sizes.items()]


def module(sizes):
    from unet_pytorch import UNet

    return UNet(**{("attention_below" if k == "attention" else k): v for k, v in sizes.items()})


def check(program, sizes):
    """Weights carried over by name: outputs and gradients agree; FLOP of an image, forward."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "dump", f"to={folder}", *keys_of(sizes)], check=True)
        read = lambda name: torch.from_numpy(np.fromfile(f"{folder}/{name}", dtype=np.float32))
        with open(f"{folder}/layout.json", encoding="utf-8") as file:
            layout = json.load(file)
        weights, gradient = read("weights"), read("gradient")
        network = module(sizes)
        parameters = dict(network.named_parameters())
        assert set(parameters) == {t["name"] for t in layout}, set(parameters) ^ {t["name"] for t in layout}
        part = lambda flat, t: flat[t["offset"]:t["offset"] + parameters[t["name"]].numel()].view(t["shape"])
        for t in layout:
            parameters[t["name"]].data.copy_(part(weights, t))
        flop = [0]

        def count(layer, inputs, output):
            positions = output[0].numel() // (layer.weight.shape[0])
            flop[0] += 2 * layer.weight.numel() * positions

        for layer in network.modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
                layer.register_forward_hook(count)
        shape = (8, sizes["channels"], sizes["side"], sizes["side"])
        out = network(read("x").view(shape), read("label"))
        out.backward(read("cotangent").view(shape))
        differences = [float((out.flatten() - read("out")).abs().max() / read("out").abs().max())]
        largest = float(gradient.abs().max())
        for t in layout:
            differences.append(float((parameters[t["name"]].grad - part(gradient, t)).abs().max()) / largest)
        print(f"Same function: outputs differ by {differences[0]:.1e} of the largest, gradients by {max(differences[1:]):.1e}.")
        # 1e-5: some hundred float32 roundings a layer, and a few layers.
        assert max(differences) < 1e-5
        return flop[0]


def child(job, threads, batch, seconds, sizes):
    import torch

    torch.set_num_threads(threads)
    network = module(sizes)
    x = torch.randn(batch, sizes["channels"], sizes["side"], sizes["side"])
    label = 0.3 * torch.randn(batch)
    target = torch.randn_like(x)

    def train():
        network.zero_grad(set_to_none=True)
        ((network(x, label) - target) ** 2).mean().backward()

    def sample():
        with torch.no_grad():
            network(x, label)

    step = train if job == "train" else sample
    step(), step()
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        done += batch
    print(f"{done / (time.perf_counter() - start):.1f} images/s")


def rate(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return float(re.match(r"([\d.]+) images/s", out)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build/release/bench/networks_bench")
    parser.add_argument("--peak", default="build/release/bench/posterior_bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--sizes", type=json.loads, default={}, help="over the default U-Net's, as JSON")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = {**SIZES, **arguments.sizes}
    if arguments.child:
        job, threads, batch = arguments.child
        child(job, int(threads), int(batch), arguments.seconds, sizes)
        return
    flop = check(arguments.program, sizes)
    ours, theirs, bf16, peaks = {}, {}, {}, []
    jobs = [(job, threads) for job in ("train", "sample") for threads in arguments.threads]
    for _ in range(arguments.rounds):
        out = subprocess.run([arguments.peak, "--benchmark_filter=peak", "--benchmark_format=json"], check=True,
                             capture_output=True, text=True)
        peaks.append(json.loads(out.stdout)["benchmarks"][0]["GFLOP/s"])
        for job, threads in jobs:
            mine = [arguments.program, job, f"threads={threads}", "batch=128", f"seconds={max(1, int(arguments.seconds))}",
                    *keys_of(sizes)]
            ours.setdefault((job, threads), []).append(rate(mine))
            bf16.setdefault((job, threads), []).append(rate([*mine, "bf16=1"]))
            for batch in (64, 128):
                theirs.setdefault((job, threads, batch), []).append(
                    rate([sys.executable, __file__, "--child", job, str(threads), str(batch), "--seconds",
                          str(arguments.seconds), "--sizes", json.dumps(sizes)]))
    peak = statistics.median(peaks)
    print(f"{flop / 1e6:.1f} MFLOP an image, forward (multiplications of layers; training counts three times that); "
          f"FMA peak {peak:.0f} GFLOP/s a core.\nImages a second, medians of {arguments.rounds} rounds.\n")
    print("| | threads | scorefield | of peak | PyTorch, 64 | PyTorch, 128 | ratio | scorefield, bf16 |")
    print("|---|---|---|---|---|---|---|---|")
    for job, threads in jobs:
        mine = statistics.median(ours[job, threads])
        other = [statistics.median(theirs[job, threads, batch]) for batch in (64, 128)]
        share = mine * flop * (3 if job == "train" else 1) / (peak * 1e9 * threads)
        print(f"| {'training' if job == 'train' else 'sampling'} | {threads} | {mine:.0f} | {share:.0%} | {other[0]:.0f} | "
              f"{other[1]:.0f} | {mine / max(other):.2f} | {statistics.median(bf16[job, threads]):.0f} |")


if __name__ == "__main__":
    main()
