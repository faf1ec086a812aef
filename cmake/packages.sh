# shellcheck shell=bash disable=SC2034  # sourced by ./run and ./test
# Debian's packages that the house is built from, by purpose; ./run and ./test install what is missing.
# After each package: the command or header that shows, where there is no dpkg, that it is there.

build_packages="
cmake                  cmake
ninja-build            ninja
g++                    g++
pkg-config             pkg-config
libeigen3-dev          eigen3/Eigen/Core
libspectra-dev         Spectra/SymEigsSolver.h
libhwy-dev             hwy/highway.h
librandom123-dev       Random123/philox.h
libcli11-dev           CLI/CLI.hpp
nlohmann-json3-dev     nlohmann/json.hpp
libfmt-dev             fmt/core.h
libpng-dev             png.h
libjpeg-dev            jpeglib.h
zlib1g-dev             zlib.h
libzip-dev             zip.h
libcairo2-dev          cairo/cairo.h
"

# Networks: training, and models that were trained elsewhere. Half a gigabyte; without them everything else is built.
# LibTorch takes whatever BLAS there is: the reference one is 45 times slower than OpenBLAS.
network_packages="
libtorch-dev           torch/script.h
libopenblas0-pthread   /usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0
"

data_packages="
dataset-fashion-mnist  /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
fonts-dejavu-core      /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
"

test_packages="
ccache                 ccache
clang-14               clang++-14
clang-format-14        clang-format-14
clang-tidy-14          clang-tidy-14
libclang-rt-14-dev     /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux
python3-numpy          python3
libgtest-dev           gtest/gtest.h
libgmock-dev           gmock/gmock.h
libbenchmark-dev       benchmark/benchmark.h
"

# Is the package's command or header ($2) there?
package_shows() {
  case $2 in
    /*) [ -e "$2" ] ;;
    *.h | *.hpp | */*) [ -e "/usr/include/$2" ] || [ -e "/usr/local/include/$2" ] ;;
    *) command -v "$2" >/dev/null ;;
  esac
}

# Prints those of the packages on stdin ("package shows" a line) that are missing.
missing_packages() {
  local package shows
  while read -r package shows; do
    [ -n "$package" ] || continue
    if command -v dpkg-query >/dev/null; then
      [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    else
      package_shows "$package" "$shows" || echo "$package"
    fi
  done
}

# Installs what is missing of the lists given, on Debian 12 as root or through sudo; otherwise says by name what is
# missing and exits 2.
require_packages() {
  local missing as_root=""
  missing=$(printf '%s\n' "$@" | missing_packages | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  if [ "$(. /etc/os-release 2>/dev/null; echo "${ID:-} ${VERSION_ID:-}")" != "debian 12" ]; then
    echo "missing (as Debian 12 names them): $missing" >&2
    echo "Install them by this system's own means, then call this again." >&2
    exit 2
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      echo "missing: $missing" >&2
      echo "As root: apt-get install --no-install-recommends $missing" >&2
      exit 2
    fi
    as_root=sudo
  fi
  echo "installing: $missing"
  # Old lists may still do when a source cannot be reached: the installation then says what it lacks.
  $as_root apt-get update -qq || true
  local said
  # shellcheck disable=SC2086  # one word a package
  if ! said=$($as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing 2>&1)
  then
    printf '%s\n' "$said" | tail -n 40 >&2
    echo "apt-get could not install all of: $missing" >&2
    exit 2
  fi
}
