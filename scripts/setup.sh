#!/usr/bin/env bash
# Brings a Debian machine that has Swift to where `make build` works. Installs
# only what is missing, says what, and is done in well under a second when
# nothing is.
#
#   setup.sh              what the build needs: OpenBLAS, HDF5, libcurl, simdjson, XGBoost, hiredis, pkg-config
#   setup.sh --test       also what the tests need: .venv from scripts/test-requirements.txt, wrk, curl, openssl, Open MPI, Redis,
#                         Prometheus, node-exporter, nginx, mtail, and the Kubernetes of the testbed (built once,
#                         about 10 minutes, then cached)
#   setup.sh --no-testbed with --test: without that Kubernetes; the test on the real cluster is then skipped
#                         or builds it itself
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")
# shellcheck source=scripts/packages.sh
. "$HERE/packages.sh"

tests='' testbed=1
for option in "$@"; do
    case $option in
        --test) tests=1 ;;
        --no-testbed) testbed='' ;;
        *) sed -n '2,12p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
    esac
done

if ! command -v swift > /dev/null 2>&1; then
    echo "setup: swift is not on the PATH; install Swift 6.3 or later from https://swift.org/install" >&2
    exit 1
fi

# Libraries are asked for by their pkg-config names, as the build itself does.
libraries=(openblas:libopenblas-dev hdf5-serial:libhdf5-dev libcurl:libcurl4-openssl-dev simdjson:libsimdjson-dev
    xgboost:libxgboost-dev hiredis:libhiredis-dev)
wanted=()
if ! command -v pkg-config > /dev/null 2>&1; then
    mapfile -t wanted < <(command -v dpkg-query > /dev/null 2>&1 \
        && missing_packages pkg-config "${libraries[@]#*:}" || printf '%s\n' pkg-config "${libraries[@]#*:}")
else
    for pair in "${libraries[@]}"; do
        pkg-config --exists "${pair%%:*}" || wanted+=("${pair#*:}")
    done
fi
if [ -n "$tests" ]; then
    mapfile -t -O "${#wanted[@]}" wanted < <(missing_commands curl:curl wrk:wrk openssl:openssl python3:python3 mpirun:openmpi-bin \
        prometheus:prometheus prometheus-node-exporter:prometheus-node-exporter redis-server:redis-server \
        nginx:nginx mtail:mtail)
    # A Python of its own (pyenv, say) has these two built in; Debian's keeps them in a package.
    [ -x "$ROOT/.venv/bin/python" ] || python3 -c 'import ensurepip, venv' 2> /dev/null || wanted+=(python3-venv)
fi
install_packages ${wanted[@]+"${wanted[@]}"}
[ -n "$tests" ] || exit 0

requirements=$HERE/test-requirements.txt
stamp=$ROOT/.venv/requirements-installed.txt
if ! cmp -s "$requirements" "$stamp"; then
    echo "setup: installing $(grep -vcE '^[[:space:]]*(#|$)' "$requirements") Python packages into .venv" >&2
    [ -x "$ROOT/.venv/bin/python" ] || python3 -m venv "$ROOT/.venv"
    "$ROOT/.venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$stamp"
fi

if [ -n "$testbed" ]; then
    if reason=$("$HERE/testbed/testbed.sh" check 2>&1); then
        "$HERE/testbed/testbed.sh" build
    else
        echo "setup: no Kubernetes testbed on this machine, its test will be skipped: $reason" >&2
    fi
fi
