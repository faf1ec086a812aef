#!/usr/bin/env bash
# Fuzzes every reader from its seed corpus: fuzz/run.sh [seconds each, default 60] [target ...]
# What is found is kept in build/fuzz/findings; the exit status is 1 then.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzzers
findings=build/fuzz/findings
mkdir -p "$findings"
status=0
if [ $# -eq 0 ]; then
  for source in fuzz/*_fuzz.cc; do set -- "$@" "$(basename "$source" _fuzz.cc)"; done
fi
for name in "$@"; do
  grown=$(mktemp -d)
  log="build/fuzz/$name.log"
  # 15 s for one input is a hang; 512 MiB in all, with 64 MiB as the readers' own limit.
  if "build/fuzz/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=15 -rss_limit_mb=512 -malloc_limit_mb=256 \
      -max_len=65536 -artifact_prefix="$findings/$name-" "$grown" "fuzz/corpus/$name" >"$log" 2>&1; then
    echo "$name: no finding; $(grep -E '^#[0-9]+' "$log" | tail -1 | tr -s ' \t' ' ')"
  else
    echo "$name: a finding, see $log"
    tail -40 "$log"
    status=1
  fi
  rm -rf "$grown"
done
exit $status
