#!/usr/bin/env bash
# The default U-Net against the same network in PyTorch (bench/networks.py): installs what is missing, builds, runs.
# usage: bench/networks.sh [--rounds N] [--seconds S] [--threads 1 2]
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
for package in python3-numpy python3-torch libtorch-dev libopenblas0-pthread libbenchmark-dev; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  ((EUID == 0)) || { echo "missing Debian packages: ${missing[*]}" >&2; exit 2; }
  apt-get install -y --no-install-recommends "${missing[@]}" >&2
fi
cmake --preset release >/dev/null
cmake --build --preset release --target networks_bench scorefield_networks posterior_bench >/dev/null
exec /usr/bin/python3 bench/networks.py "$@"
