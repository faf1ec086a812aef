#!/usr/bin/env python3
"""The posterior mean over a data set: scorefield's kernel against NumPy and PyTorch, on one thread.

Every round runs each contestant once, in a process of its own, one after the other, so that what disturbs the machine
disturbs all of them. Times are CPU seconds of the process, the median over rounds; ratios are of medians. The FMA peak
is measured in every round too. Run by bench/posterior.sh, which installs and builds what is missing.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

ROWS = {784: 60000, 3072: 50000}
SIGMA = 40.0  # every row carries weight there


def contestants():
    """Forms of D(x) = sum_i softmax(-|x - y_i|^2 / (2 sigma^2))_i y_i; y, |y|^2 prepared."""
    import numpy as np

    def numpy_form(x, y, half_norms):
        logits = (x @ y.T - half_norms) / SIGMA**2
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return logits @ y

    def torch_matmul(x, y, half_norms):
        import torch

        return torch.softmax((x @ y.T - half_norms) / SIGMA**2, dim=1) @ y

    def torch_cdist(x, y, half_norms):
        import torch

        return torch.softmax(torch.cdist(x, y).square_().mul_(-0.5 / SIGMA**2), dim=1) @ y

    return {"numpy": numpy_form, "torch_matmul": torch_matmul, "torch_cdist": torch_cdist}


def child(form, dimension, batches):
    """Prints {batch: CPU seconds} of one form."""
    import numpy as np

    rng = np.random.default_rng(0)
    y = rng.random((ROWS[dimension], dimension), dtype=np.float32)
    half_norms = 0.5 * np.einsum("ij,ij->i", y, y)
    x = SIGMA * rng.standard_normal((max(batches), dimension), dtype=np.float32)
    if form.startswith("torch"):
        import torch

        torch.set_num_threads(1)
        y, half_norms, x = (torch.from_numpy(a) for a in (y, half_norms, x))
    function = contestants()[form]
    seconds = {}
    for batch in batches:
        queries = x[:batch]
        function(queries, y, half_norms)
        times = []
        while sum(times) < 0.2 or len(times) < 2:
            start = time.process_time()
            function(queries, y, half_norms)
            times.append(time.process_time() - start)
        seconds[batch] = statistics.median(times)
    json.dump(seconds, sys.stdout)


def run_ours(program, dimension, storage, threads, batches):
    """{batch: seconds} of the kernel (CPU on one thread, wall on more), and the FMA peak in GFLOP/s."""
    out = subprocess.run(
        [program, f"--benchmark_filter=peak|/{dimension}/{storage}/({'|'.join(map(str, batches))})/threads:{threads}", "--benchmark_format=json",
         "--benchmark_min_time=0.2"],
        check=True, capture_output=True, text=True)
    seconds, peak = {}, 0.0
    for entry in json.loads(out.stdout)["benchmarks"]:
        if entry["name"] == "peak":
            peak = entry["GFLOP/s"]
        else:
            batch = int(entry["name"].split("/")[3])
            seconds[batch] = 1e-3 * entry["cpu_time" if threads == 1 else "real_time"]
    return seconds, peak


def run_child(form, dimension, batches, environment):
    out = subprocess.run([sys.executable, __file__, "--child", form, "--dimension", str(dimension),
                          "--batches", *map(str, batches)],
                         check=True, capture_output=True, text=True, env=environment)
    return {int(batch): s for batch, s in json.loads(out.stdout).items()}


def environments():
    """Name -> environment: as it is with OpenBLAS on one thread, and with both OpenBLAS variables unset."""
    as_is = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    unset = {k: v for k, v in as_is.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    found = {"as is": as_is}
    if unset != as_is:
        found["unset"] = unset
    else:
        # Nothing to unset here: the second column shows OpenBLAS held to AVX2 kernels instead.
        found["CORETYPE=Haswell"] = dict(as_is, OPENBLAS_CORETYPE="Haswell")
    return found


def processor():
    flags, model = set(), "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("flags"):
                flags = set(line.split(":")[1].split())
            if line.startswith("model name"):
                model = line.split(":")[1].strip()
    return f"{model}, {'AVX-512' if 'avx512f' in flags else 'AVX2'}{', AMX' if 'amx_tile' in flags else ''}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build/release/bench/posterior_bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dimension", type=int, choices=ROWS, action="append")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64, 128, 256])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.dimension[0], arguments.batches)
        return
    batches = arguments.batches
    print(f"Processor: {processor()}; {os.cpu_count()} cores. Medians of {arguments.rounds} rounds, one thread, CPU time.")
    for dimension in arguments.dimension or list(ROWS):
        ours = {storage: {b: [] for b in batches} for storage in ("u8", "f32")}
        two = {b: [] for b in batches}
        peaks, shares = [], {b: [] for b in batches}
        theirs = {(name, form): {b: [] for b in batches} for name in environments()
                  for form in ("numpy", "torch_matmul", "torch_cdist")}
        for _ in range(arguments.rounds):
            for storage in ours:
                seconds, peak = run_ours(arguments.program, dimension, storage, 1, batches)
                peaks.append(peak)
                for b in batches:
                    ours[storage][b].append(seconds[b])
                    if storage == "u8":
                        shares[b].append(4e-9 * b * ROWS[dimension] * dimension / seconds[b] / peak)
            for b, s in run_ours(arguments.program, dimension, "u8", 2, batches)[0].items():
                two[b].append(s)
            for name, environment in environments().items():
                for form in ("numpy", "torch_matmul", "torch_cdist"):
                    for b, s in run_child(form, dimension, batches, environment).items():
                        theirs[name, form][b].append(s)
        median = statistics.median
        print(f"\n### {ROWS[dimension]} rows, d = {dimension}; FMA peak {median(peaks):.0f} GFLOP/s\n")
        heads = [f"{form.replace('_', ' ')} ({name})" for name, form in theirs]
        print("| B | u8, ms | f32, ms | share of peak (u8) | 2 threads, ms wall | " +
              " | ".join(f"{h}, ms | ratio" for h in heads) + " |")
        print("|" + "---|" * (5 + 2 * len(heads)))
        for b in batches:
            mine = median(ours["u8"][b])
            cells = [str(b), f"{1e3 * mine:.2f}", f"{1e3 * median(ours['f32'][b]):.2f}", f"{median(shares[b]):.0%}",
                     f"{1e3 * median(two[b]):.2f}"]
            for times in theirs.values():
                cells += [f"{1e3 * median(times[b]):.1f}", f"{median(times[b]) / mine:.2f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
