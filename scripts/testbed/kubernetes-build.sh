#!/usr/bin/env bash
# Builds a real Kubernetes (v1.20.2) from Debian bookworm's own source package,
# for a machine that has no container engine. About 5 to 14 minutes on 2 cores,
# once; later calls return at once.
#
#   kubernetes-build.sh DIR    result: DIR/bin/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy}
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/packages.sh
. "$HERE/../packages.sh"
HOME_DIR=${1:?usage: kubernetes-build.sh DIR}
BINARIES=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)

RECIPE=2 # raised when the same sources are built in another way

complete=$([ "$(cat "$HOME_DIR/bin/recipe" 2> /dev/null)" != "$RECIPE" ] || echo 1)
for binary in "${BINARIES[@]}"; do [ -x "$HOME_DIR/bin/$binary" ] || complete=''; done
[ -z "$complete" ] || exit 0

mapfile -t missing < <(missing_packages dpkg-dev golang-1.19-go golang-github-modern-go-reflect2-dev make rsync jq)
install_packages ${missing[@]+"${missing[@]}"}

# The machine's apt sources may list binary packages only; the source index is
# read through a private apt state so that nothing of the system's is changed.
apt_state=$HOME_DIR/apt
mkdir -p "$apt_state/lists/partial" "$apt_state/cache/archives/partial" "$HOME_DIR/src" "$HOME_DIR/bin"
# shellcheck disable=SC2016  # apt's own placeholders
targets=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages')
mirror=$(awk '$1 == "bookworm" {print $2; exit}' <<< "$targets")
if [ -z "$mirror" ]; then
    echo "testbed: apt knows no bookworm package source; run apt-get update first" >&2
    exit 1
fi
echo "deb-src $mirror bookworm main" > "$apt_state/sources.list"
apt_private=(-o "Dir::Etc::SourceList=$apt_state/sources.list" -o Dir::Etc::SourceParts=/dev/null
             -o "Dir::State::Lists=$apt_state/lists" -o "Dir::Cache=$apt_state/cache")
echo "testbed: building Kubernetes from Debian's source into $HOME_DIR, once, for about 10 minutes" >&2
log=$HOME_DIR/kubernetes-build.log
exec 3>&2 > "$log" 2>&1
trap '[ $? = 0 ] || { tail -20 "$log"; echo "testbed: the Kubernetes build failed; its log is $log"; } >&3' EXIT

cd "$HOME_DIR/src"
apt-get "${apt_private[@]}" update -q
apt-get "${apt_private[@]}" source -y --download-only kubernetes
# A tree that was half unpacked or half built when the machine stopped is not trusted.
rm -rf kubernetes
dpkg-source -x kubernetes_*.dsc kubernetes
# The vendored reflect2 1.0.1 walks maps through a runtime function whose signature Go 1.18 changed, and
# the API server dies of it now and then; Debian's package is 1.0.2, which knows the new one.
rm -rf kubernetes/vendor/github.com/modern-go/reflect2
cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 kubernetes/vendor/github.com/modern-go/

export GOPATH=$HOME_DIR/src/kubernetes/.go GOCACHE=$HOME_DIR/gocache CGO_ENABLED=0 GOFLAGS=-modcacherw
export PATH=/usr/lib/go-1.19/bin:$PATH
mkdir -p "$GOPATH/src/k8s.io"
ln -sfn ../../.. "$GOPATH/src/k8s.io/kubernetes"
cd "$GOPATH/src/k8s.io/kubernetes"
nice -n 10 make WHAT="$(printf 'cmd/%s ' "${BINARIES[@]}")" GOLDFLAGS="-s -w"
for binary in "${BINARIES[@]}"; do
    install -m 755 "_output/local/bin/linux/$(go env GOARCH)/$binary" "$HOME_DIR/bin/$binary"
done

cd /
echo $RECIPE > "$HOME_DIR/bin/recipe"
rm -rf "$HOME_DIR/src" "$HOME_DIR/gocache" "$apt_state"
echo "testbed: Kubernetes is in $HOME_DIR/bin" >&3
