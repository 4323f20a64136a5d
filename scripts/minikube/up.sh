#!/usr/bin/env bash
# Makes the two-node Minikube with pinned CPUs, or brings a half-made one to the end.
#
#   up.sh     exit status: 0 done, 1 failed, 3 this machine cannot run it (the reason is printed)
#
# BERTH_MINIKUBE_PROFILE names the profile and the kubectl context (berth).
# shellcheck source=scripts/minikube/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

pin() { # pin NODE OWN RESERVED : the node's container to its CPUs, and its kubelet to the same ones
    local node=$1 own=$2 reserved=$3 before after
    docker_do update --cpuset-cpus "$own" "$node" > /dev/null
    before=$(in_node "$node" cat "$KUBELET_CONFIG")
    after=$(kubelet_configuration "$reserved" <<< "$before")
    [ "$before" != "$after" ] || return 0
    # The kubelet refuses to start with the state of another policy or another set of CPUs.
    in_node "$node" systemctl stop kubelet
    docker_do exec -i "$node" tee "$KUBELET_CONFIG" <<< "$after" > /dev/null
    in_node "$node" rm -f /var/lib/kubelet/cpu_manager_state
    in_node "$node" systemctl start kubelet
}

wait_for_cpus() { # wait_for_cpus NODE : until the kubelet has said that it has no more than its own
    local cpus=''
    for _ in $(seq "$TRIES"); do
        cpus=$(kubectl_do get node "$1" -o 'jsonpath={.status.allocatable.cpu}') || cpus=''
        if [[ $cpus =~ ^[0-9]+$ ]] && [ "$cpus" -le "$CPUS_PER_NODE" ]; then return 0; fi
        sleep "$PAUSE"
    done
    say "$1 still offers ${cpus:-no} CPUs; see: docker exec $1 journalctl -u kubelet"
    return 1
}

check
say "starting ${#NODES[@]} nodes of $CPUS_PER_NODE CPUs and $MEMORY_MB MB"
minikube_do start --driver docker --nodes "${#NODES[@]}" --cpus "$CPUS_PER_NODE" --memory "$MEMORY_MB" \
    --container-runtime containerd --extra-config kube-proxy.mode=ipvs >&2

host=$(host_cpus)
for index in "${!NODES[@]}"; do
    node=${NODES[$index]}
    own=$(own_cpus "$host" "$index")
    reserved=$(complement "$host" "$own")
    say "$node: CPUs $own, reserved $reserved"
    pin "$node" "$own" "$reserved"
done
for index in "${!NODES[@]}"; do
    node=${NODES[$index]}
    wait_for_cpus "$node"
    kubectl_do wait --for=condition=Ready "node/$node" --timeout=180s >&2
    kubectl_do label --overwrite node "$node" "berth.dev/node=node$index" nginx=true >&2
done

minikube_do addons enable metrics-server >&2
kubectl_do apply -f "$MANIFESTS/prometheus.yaml" >&2
kubectl_do -n berth-monitoring rollout status deployment/prometheus --timeout=300s >&2
kubectl_do -n berth-monitoring rollout status daemonset/node-exporter --timeout=300s >&2
say "up; kubectl --context $PROFILE get nodes"
