#!/usr/bin/env bash
# Packs `berth` with the libraries it loads and a trained policy into a container image, and loads it on
# the testbed's nodes when the testbed is up.
#
#   image.sh RUN-FOLDER [--binary .build/release/berth] [--tag localhost/berth:dev] [--out .build/image/berth.tar]
#
# In the image: /usr/local/bin/berth, the policy's run folder as /policy.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$(dirname "$HERE")")
usage() { sed -n '2,7p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2; }

policy='' binary=$ROOT/.build/release/berth tag=localhost/berth:dev out=$ROOT/.build/image/berth.tar
while [ $# -gt 0 ]; do
    case $1 in
        --*) [ $# -ge 2 ] || usage ;;
        *) [ -z "$policy" ] || usage; policy=$1; shift; continue ;;
    esac
    case $1 in
        --binary) binary=$2 ;;
        --tag) tag=$2 ;;
        --out) out=$2 ;;
        *) usage ;;
    esac
    shift 2
done
[ -n "$policy" ] || usage
[ -d "$policy" ] || { echo "image: '$policy' is not a folder; give the run folder that berth train wrote" >&2; exit 1; }
[ -x "$binary" ] || { echo "image: there is no program '$binary'; build it with swift build -c release" >&2; exit 1; }

# OpenBLAS is loaded by name while the program runs, so that the program does not list it.
openblas=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p | awk '$1 == "libopenblas.so.0" { print $NF; exit }')
[ -n "$openblas" ] || { echo "image: libopenblas.so.0 is not on this machine; scripts/setup.sh installs it" >&2; exit 1; }

mkdir -p "$(dirname "$out")"
python3 "$HERE/image.py" "$tag" "$out" --program "$binary:/usr/local/bin/berth" \
    --program "$openblas" --copy "$policy:/policy" --entrypoint /usr/local/bin/berth
if [ "$("$HERE/testbed.sh" status 2> /dev/null)" != down ]; then "$HERE/testbed.sh" import-image "$out"; fi
echo "$out"
