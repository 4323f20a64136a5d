#!/usr/bin/env bash
# A real Kubernetes cluster on one machine without a container engine: etcd, the
# control plane, and one kubelet with its own containerd for each node, every
# node pinned to its own CPU through a cpuset cgroup.
#
#   testbed.sh up [--nodes 2] [--scheduler-config FILE]   start; prints the kubeconfig's path
#   testbed.sh down                                       stop everything, leave no trace but the cache
#   testbed.sh status                                     nodes and pods
#   testbed.sh kubeconfig                                 path of the admin kubeconfig
#   testbed.sh import-image FILE.tar                      load an image archive on every node
#   testbed.sh api-server stop|start                      take the API server away, and bring it back
#   testbed.sh check                                      whether this machine can run it
#   testbed.sh build                                      what `up` needs, into the cache (about 10 minutes, once)
#
# Exit status: 0 done, 1 failed, 2 wrong usage, 3 this machine cannot run it (the reason is printed).
#
# Needs root, Debian bookworm and cgroup v1 with cpuset. Everything runs in the network namespace
# "berth-testbed": the API server on 10.244.255.1:16443, pods on its bridge kb0 (10.244.0.0/17), services
# on 10.96.0.0/16. This machine reaches them over one veth pair, and nothing in there reaches further.
# Images on every node: those of images.sh.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/packages.sh
. "$HERE/../packages.sh"
TESTBED_HOME=${BERTH_TESTBED_HOME:-$HOME/.cache/berth-testbed}
STATE=$TESTBED_HOME/run
RUN=/run/berth-testbed
BIN=$TESTBED_HOME/bin
KUBECONFIG_FILE=$STATE/admin.conf
NETNS=berth-testbed
API_ADDRESS=10.244.255.1
API=https://$API_ADDRESS:16443
ETCD=http://127.0.0.1:12379
CGROUPS=(cpu cpuacct cpuset memory devices freezer blkio pids systemd)
# Every process started here, and every child it leaves behind, stays in this cgroup or in a node's.
TRACKER=/sys/fs/cgroup/freezer/berth-testbed
# What kubelet and kube-proxy set for the whole machine; `down` puts the old values back.
SYSCTLS=(vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys
         kernel.keys.root_maxbytes net.bridge.bridge-nf-call-iptables net.netfilter.nf_conntrack_max)
# Folders whose paths are fixed in kubelet and in the network plugins. `down` removes those that `up` brought about.
SHARED_FOLDERS=(/var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers)
export KUBECONFIG=$KUBECONFIG_FILE
export PATH=$PATH:/usr/sbin:/sbin
# The cluster is on this machine: no proxy stands between it and its clients.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

say() { echo "testbed: $*" >&2; }
refuse() { say "cannot run here: $*"; exit 3; }

check() {
    [ "$(uname -s)" = Linux ] || refuse "this is not Linux"
    [ "$(id -u)" = 0 ] || refuse "it needs root, for namespaces and cgroups"
    local os='' controller
    [ ! -r /etc/os-release ] || os=$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}") || true
    if [ "$os" != "debian bookworm" ] || ! command -v apt-get > /dev/null 2>&1; then
        refuse "it needs Debian 12 (bookworm), whose archive has the Kubernetes sources; this is '$os'"
    fi
    for controller in "${CGROUPS[@]}"; do
        [ -e "/sys/fs/cgroup/$controller/cgroup.procs" ] || refuse "it needs cgroup v1, and this machine has no v1 hierarchy '$controller'"
    done
    [ -w /sys/fs/cgroup/cpuset ] || refuse "the cgroups are read-only, as in a container"
    [ -e /dev/kmsg ] || refuse "there is no /dev/kmsg, which kubelet reads"
    unshare --mount --net true 2> /dev/null || refuse "root may not create namespaces here, as in a container"
    local overlap
    overlap=$(ip -4 route show 2> /dev/null | grep -E '^10\.(244|96)\.' | grep -v ' dev berth0' | head -1) || true
    [ -z "$overlap" ] || refuse "this machine's own network uses the testbed's addresses: $overlap"
}

build() {
    mkdir -p "$TESTBED_HOME"
    local missing=()
    mapfile -t missing < <(missing_commands etcd:etcd-server containerd:containerd runc:runc iptables:iptables \
        nginx:nginx-light wrk:wrk stress-ng:stress-ng openssl:openssl curl:curl kubectl:kubernetes-client \
        ip:iproute2 gcc:gcc python3:python3
        [ -x /usr/lib/cni/bridge ] || echo containernetworking-plugins
        [ -e /etc/services ] || echo netbase)
    install_packages ${missing[@]+"${missing[@]}"}
    "$HERE/kubernetes-build.sh" "$TESTBED_HOME"
    "$HERE/images.sh" "$TESTBED_HOME"
}

start_time() { # start_time PID : when the process started, in ticks since boot; a pid alone may be another's by now
    sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 20
}

start() { # start NAME COMMAND... : in the testbed's network, in the background; pid and log under $STATE
    local name=$1; shift
    (
        echo "$BASHPID" > "$TRACKER/cgroup.procs"
        # Nothing of the caller's stays open: neither the lock, nor a pipe whose end someone waits for.
        for fd in "/proc/$BASHPID/fd"/*; do
            fd=${fd##*/}
            if [ "$fd" -gt 2 ] && [ "$fd" -ne 255 ]; then eval "exec $fd>&-"; fi
        done
        exec setsid nsenter --net="/run/netns/$NETNS" "$@"
    ) > "$STATE/$name.log" 2>&1 < /dev/null &
    echo "$! $(start_time $!)" > "$STATE/$name.pid"
}

running() { # running NAME : whether the recorded process is alive
    local pid time
    read -r pid time 2> /dev/null < "$STATE/$1.pid" && [ -n "$time" ] && [ "$(start_time "$pid")" = "$time" ]
}

stop() { # stop NAME... : TERM to all, KILL to those that are left after 3 s
    local name pid alive
    for name in "$@"; do
        read -r pid _ 2> /dev/null < "$STATE/$name.pid" || continue
        if running "$name"; then kill "$pid" 2> /dev/null || true; fi
    done
    for _ in $(seq 30); do
        alive=''
        for name in "$@"; do if running "$name"; then alive=1; fi; done
        [ -n "$alive" ] || break
        sleep 0.1
    done
    for name in "$@"; do
        if running "$name"; then kill -9 "$(cut -d ' ' -f 1 "$STATE/$name.pid")" 2> /dev/null || true; fi
        rm -f "$STATE/$name.pid"
    done
}

recorded() { # recorded PATTERN... : names of the recorded processes
    local pattern file
    for pattern in "$@"; do
        for file in "$STATE"/$pattern.pid; do [ ! -e "$file" ] || basename "$file" .pid; done
    done
}

kill_cgroup() { # kill_cgroup PATH : every process below it
    local pids
    for _ in $(seq 100); do
        pids=$(find "$1" -name cgroup.procs -exec cat {} + 2> /dev/null) || true
        [ -n "$pids" ] || return 0
        # shellcheck disable=SC2086  # a list of pids
        kill -9 $pids 2> /dev/null || true
        sleep 0.1
    done
    say "processes $(tr '\n' ' ' <<< "$pids")in $1 do not end"
    return 1
}

wait_for() { # wait_for SECONDS WHAT COMMAND...
    local seconds=$1 what=$2; shift 2
    for _ in $(seq $((seconds * 4))); do
        if "$@" > /dev/null 2>&1; then return 0; fi
        sleep 0.25
    done
    say "$what did not come up in $seconds s"
    return 1
}

certificate() { # certificate NAME SUBJECT
    openssl req -newkey rsa:2048 -nodes -keyout "$STATE/pki/$1.key" -out "$STATE/pki/$1.csr" -subj "$2" 2> /dev/null
    openssl x509 -req -in "$STATE/pki/$1.csr" -CA "$STATE/pki/ca.crt" -CAkey "$STATE/pki/ca.key" -CAcreateserial \
        -days 365 -out "$STATE/pki/$1.crt" 2> /dev/null \
        -extfile <(echo "subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1,IP:$API_ADDRESS")
}

network() {
    ip netns add "$NETNS"
    ip link add berth0 type veth peer name host0 netns "$NETNS"
    ip addr add 10.244.254.1/30 dev berth0
    ip link set berth0 up
    local inside=(ip -n "$NETNS")
    "${inside[@]}" link set lo up
    "${inside[@]}" addr add 10.244.254.2/30 dev host0
    "${inside[@]}" link set host0 up
    "${inside[@]}" link add kb0 type bridge
    "${inside[@]}" addr add 10.244.0.1/17 dev kb0
    local i
    for i in $(seq 0 $(($1 - 1))); do "${inside[@]}" addr add "10.244.255.$((i + 1))/32" dev kb0; done
    "${inside[@]}" link set kb0 up
    nsenter --net="/run/netns/$NETNS" sysctl -qw net.ipv4.ip_forward=1
    ip route add 10.244.0.0/16 via 10.244.254.2 dev berth0
    ip route add 10.96.0.0/16 via 10.244.254.2 dev berth0
    mkdir -p "$STATE/cni"
    cat > "$STATE/cni/10-bridge.conflist" << J
{"cniVersion":"0.4.0","name":"testbed","plugins":[
 {"type":"bridge","bridge":"kb0","isGateway":true,"ipam":{"type":"host-local","dataDir":"$STATE/ipam",
  "ranges":[[{"subnet":"10.244.0.0/17","gateway":"10.244.0.1"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
J
}

api_server() {
    # Pods reach it through the service 10.96.0.1, so it listens on an address of the bridge.
    start apiserver "$BIN/kube-apiserver" --etcd-servers="$ETCD" --secure-port=16443 \
        --bind-address="$API_ADDRESS" --advertise-address="$API_ADDRESS" \
        --tls-cert-file="$STATE/pki/apiserver.crt" --tls-private-key-file="$STATE/pki/apiserver.key" \
        --client-ca-file="$STATE/pki/ca.crt" --service-account-key-file="$STATE/pki/sa.pub" \
        --service-account-signing-key-file="$STATE/pki/sa.key" \
        --service-account-issuer=https://kubernetes.default.svc --authorization-mode=Node,RBAC \
        --service-cluster-ip-range=10.96.0.0/16 --allow-privileged=true \
        --kubelet-preferred-address-types=InternalIP \
        --kubelet-client-certificate="$STATE/pki/admin.crt" --kubelet-client-key="$STATE/pki/admin.key"
    wait_for 60 kube-apiserver kubectl get --raw /readyz
}

control_plane() { # control_plane [SCHEDULER-CONFIG]
    mkdir -p "$STATE/pki"
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$STATE/pki/ca.key" -out "$STATE/pki/ca.crt" \
        -subj /CN=testbed-ca -days 365 2> /dev/null
    openssl genrsa -out "$STATE/pki/sa.key" 2048 2> /dev/null
    openssl rsa -in "$STATE/pki/sa.key" -pubout -out "$STATE/pki/sa.pub" 2> /dev/null
    certificate apiserver /CN=kube-apiserver
    certificate admin "/O=system:masters/CN=admin"
    kubectl config set-cluster testbed --server="$API" --certificate-authority="$STATE/pki/ca.crt" --embed-certs > /dev/null
    kubectl config set-credentials admin --client-certificate="$STATE/pki/admin.crt" \
        --client-key="$STATE/pki/admin.key" --embed-certs > /dev/null
    kubectl config set-context testbed --cluster=testbed --user=admin > /dev/null
    kubectl config use-context testbed > /dev/null
    chmod 600 "$KUBECONFIG_FILE"

    start etcd etcd --data-dir "$STATE/etcd" --listen-client-urls "$ETCD" --advertise-client-urls "$ETCD" \
        --listen-peer-urls http://127.0.0.1:12380
    api_server
    start controller-manager "$BIN/kube-controller-manager" --kubeconfig="$KUBECONFIG_FILE" --leader-elect=false \
        --port=0 --service-account-private-key-file="$STATE/pki/sa.key" --root-ca-file="$STATE/pki/ca.crt"
    if [ -n "${1:-}" ]; then
        # With --config the scheduler reads nothing from other flags, so the kubeconfig goes into the file.
        sed "s|^clientConnection:.*|&\n  kubeconfig: $KUBECONFIG_FILE|" "$1" > "$STATE/scheduler.yaml"
        grep -q '^clientConnection:' "$STATE/scheduler.yaml" \
            || printf 'clientConnection:\n  kubeconfig: %s\n' "$KUBECONFIG_FILE" >> "$STATE/scheduler.yaml"
        start scheduler "$BIN/kube-scheduler" --config="$STATE/scheduler.yaml"
    else
        start scheduler "$BIN/kube-scheduler" --kubeconfig="$KUBECONFIG_FILE" --leader-elect=false
    fi
}

node() { # node INDEX : containerd and kubelet, pinned to one CPU
    local i=$1 name=node$1 dir=$STATE/node$1 socket=$RUN/node$1.sock cpus controller image
    cpus=$(nproc)
    mkdir -p "$dir"
    # restrict_oom_score_adj: where root may not lower oom_score_adj, runc would fail on it.
    cat > "$dir/containerd.toml" << T
version = 2
root = "$dir/containerd"
state = "$RUN/$name"
[grpc]
  address = "$socket"
[ttrpc]
  address = "$socket.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "$dir/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  stream_server_port = "0"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "$RUN/$name/runc"
T
    start "containerd-$name" containerd -c "$dir/containerd.toml"
    wait_for 30 "containerd of $name" ctr -a "$socket" version
    for image in "$TESTBED_HOME"/images/*.tar; do ctr -a "$socket" -n k8s.io images import "$image" > /dev/null; done
    for controller in "${CGROUPS[@]}"; do mkdir -p "/sys/fs/cgroup/$controller/testbed-$name"; done
    echo $((i % cpus)) > "/sys/fs/cgroup/cpuset/testbed-$name/cpuset.cpus"
    cat /sys/fs/cgroup/cpuset/cpuset.mems > "/sys/fs/cgroup/cpuset/testbed-$name/cpuset.mems"
    # Kubelet believes it has the whole machine; reserving the rest leaves one CPU allocatable.
    cat > "$dir/kubelet.yaml" << Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 10.244.255.$((i + 1))
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/pki/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /testbed-$name
cgroupsPerQOS: true
clusterDNS: [10.96.0.10]
enforceNodeAllocatable: []
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
failSwapOn: false
healthzPort: $((10248 + 100 * i))
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 5s
readOnlyPort: 0
systemReserved: {cpu: "$((cpus - 1))"}
volumePluginDir: $dir/volume-plugins
Y
    [ "$cpus" -gt 1 ] || sed -i '/systemReserved/d' "$dir/kubelet.yaml"
    start "kubelet-$name" "$BIN/kubelet" --kubeconfig="$KUBECONFIG_FILE" --config="$dir/kubelet.yaml" \
        --root-dir="$dir/kubelet" --cert-dir="$dir/pki" --container-runtime=remote \
        --container-runtime-endpoint="unix://$socket" --hostname-override="$name" \
        --node-ip="10.244.255.$((i + 1))" --node-labels="nginx=true,testbed/cpu=$((i % cpus))"
}

all_running() { # whether every process recorded in $STATE is alive and the API answers
    local file
    [ -e "$STATE/ready" ] || return 1
    for file in "$STATE"/*.pid; do running "$(basename "$file" .pid)" || return 1; done
    kubectl get --raw /readyz > /dev/null 2>&1
}

give_up() { # `up` failed or was interrupted: keep the logs, leave nothing else
    trap - EXIT
    rm -rf "$TESTBED_HOME/last-logs"
    mkdir -p "$TESTBED_HOME/last-logs"
    cp "$STATE"/*.log "$TESTBED_HOME/last-logs/" 2> /dev/null || true
    down || true
    say "did not come up; its logs are in $TESTBED_HOME/last-logs"
    exit 1
}

up() {
    local nodes=2 scheduler_config='' options="$*" i key
    while [ $# -gt 0 ]; do
        case $1 in
            --nodes) nodes=${2:-}; shift ;;
            --scheduler-config) scheduler_config=${2:-}; shift
                [ -r "$scheduler_config" ] || { say "--scheduler-config: cannot read '$scheduler_config'"; exit 2; } ;;
            *) say "up: unknown option $1"; exit 2 ;;
        esac
        shift || { say "up: the last option lacks its value"; exit 2; }
    done
    [[ $nodes =~ ^[1-8]$ ]] || { say "--nodes takes 1 to 8, not '$nodes'"; exit 2; }
    check
    if [ -d "$STATE" ] && all_running; then
        if [ "$options" != "$(cat "$STATE/ready")" ]; then
            say "already up with other options ('$(cat "$STATE/ready")'): run '$0 down' first"
            exit 1
        fi
        echo "$KUBECONFIG_FILE"
        return 0
    fi
    build
    down
    trap give_up EXIT INT TERM
    mkdir -p "$STATE" "$RUN" "$TRACKER"
    cat /proc/sys/kernel/random/boot_id > "$STATE/boot"
    for key in "${SHARED_FOLDERS[@]}"; do
        [ -e "$key" ] || echo "$key"
    done > "$STATE/made-folders"
    for key in "${SYSCTLS[@]}"; do
        [ ! -e "/proc/sys/${key//.//}" ] || sysctl -e "$key" 2> /dev/null || true
    done > "$STATE/sysctl.conf"
    network "$nodes"
    control_plane "$scheduler_config"
    for i in $(seq 0 $((nodes - 1))); do node "$i"; done
    # masquerade-all: a pod on the same bridge would otherwise answer past the address translation.
    start proxy "$BIN/kube-proxy" --kubeconfig="$KUBECONFIG_FILE" --proxy-mode=iptables \
        --cluster-cidr=10.244.0.0/16 --masquerade-all --hostname-override=node0 --conntrack-max-per-core=0
    for i in $(seq 0 $((nodes - 1))); do wait_for 90 "node$i" sh -c "kubectl get node node$i | grep -q ' Ready'"; done
    wait_for 30 "the default service account" kubectl get serviceaccount default
    printf '%s' "$options" > "$STATE/ready"
    trap - EXIT INT TERM
    echo "$KUBECONFIG_FILE"
}

mounts_below() { # mounts_below FOLDER : mount points in it, innermost first
    awk -v folder="$1/" 'index($2 "/", folder) == 1 {print $2}' /proc/mounts | sort -r
}

remove_folder() { # remove_folder FOLDER : never through a mount that is still there
    local mount
    while read -r mount; do umount -l "$mount" 2> /dev/null || true; done < <(mounts_below "$1")
    if [ -n "$(mounts_below "$1")" ]; then say "cannot unmount $(mounts_below "$1")"; return 1; fi
    rm -rf --one-file-system "$1"
}

down() {
    local same_boot='' file name uid cgroup target
    [ "$(cat "$STATE/boot" 2> /dev/null)" != "$(cat /proc/sys/kernel/random/boot_id)" ] || same_boot=1
    # Who would restart what is stopped goes first, the store last.
    # shellcheck disable=SC2046  # names without blanks
    [ -z "$same_boot" ] || stop $(recorded scheduler controller-manager proxy 'kubelet-*')
    for cgroup in /sys/fs/cgroup/freezer/testbed-node[0-9]; do
        [ ! -d "$cgroup" ] || kill_cgroup "$cgroup"
    done
    # shellcheck disable=SC2046
    [ -z "$same_boot" ] || stop $(recorded 'containerd-*' apiserver etcd)
    # The containers' shims, and whatever a crash left.
    [ ! -d "$TRACKER" ] || kill_cgroup "$TRACKER"

    # Sockets of the shims lie in a folder of all containerds; their addresses are in the bundles.
    find "$RUN" -name address -type f -exec cat {} \; -exec echo \; 2> /dev/null | sed -n 's|^unix://||p' \
        | while read -r file; do [ "${file#/run/containerd/s/}" = "$file" ] || rm -f "$file"; done || true
    rmdir /run/containerd/s /run/containerd 2> /dev/null || true
    # kubelet's logs are in one place for all kubelets; ours are those of our pods.
    for name in "$STATE"/node*/kubelet/pods/*; do
        uid=$(basename "$name")
        [ ! -d "$name" ] || rm -rf /var/log/pods/*_"$uid"
    done
    for file in /var/log/containers/*.log; do
        target=$(readlink "$file" 2> /dev/null) || continue
        [ "${target#/var/log/pods/}" = "$target" ] || [ -e "$target" ] || rm -f "$file"
    done
    for file in "${SHARED_FOLDERS[@]}"; do
        grep -qxF "$file" "$STATE/made-folders" 2> /dev/null && remove_folder "$file"
    done

    remove_folder "$RUN"
    ip link del berth0 2> /dev/null || true
    ip netns del "$NETNS" 2> /dev/null || true
    for cgroup in /sys/fs/cgroup/*/testbed-node[0-9] /sys/fs/cgroup/*/berth-testbed; do
        # A group empties a moment after its last process has ended.
        for _ in $(seq 20); do
            [ -d "$cgroup" ] || break
            find "$cgroup" -depth -type d -exec rmdir {} \; 2> /dev/null || sleep 0.1
        done
        [ ! -d "$cgroup" ] || say "could not remove $cgroup"
    done
    [ -z "$same_boot" ] || [ ! -s "$STATE/sysctl.conf" ] || sysctl -q -p "$STATE/sysctl.conf" 2> /dev/null || true
    remove_folder "$STATE"
}

import_image() {
    [ -r "${1:-}" ] || { say "import-image: cannot read '${1:-}'"; exit 2; }
    local socket
    [ -e "$STATE/ready" ] || { say "import-image: the testbed is not up"; exit 1; }
    for socket in "$RUN"/node*.sock; do ctr -a "$socket" -n k8s.io images import "$1"; done
}

outage() { # outage stop|start : of the API server
    [ -e "$STATE/ready" ] || { say "api-server: the testbed is not up"; exit 1; }
    case ${1:-} in
        stop) stop apiserver ;;
        start) running apiserver || api_server ;;
        *) say "api-server: expected stop or start, not '${1:-}'"; exit 2 ;;
    esac
}

lock() { # one at a time; the processes started here do not inherit it
    mkdir -p "$TESTBED_HOME"
    exec 9> "$TESTBED_HOME/lock"
    flock 9
}

case ${1:-} in
    up) shift; [ "$(id -u)" != 0 ] || lock; up "$@" ;;
    down)
        if [ "$(id -u)" != 0 ] && [ -d "$STATE" ]; then say "down needs root"; exit 1; fi
        lock; down ;;
    status)
        if [ ! -e "$STATE/ready" ]; then echo "down"; exit 0; fi
        kubectl get nodes -o wide; kubectl get pods -A -o wide ;;
    kubeconfig) echo "$KUBECONFIG_FILE" ;;
    import-image) import_image "${2:-}" ;;
    api-server) lock; outage "${2:-}" ;;
    check) check ;;
    build) check; lock; build ;;
    *) sed -n '2,21p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
