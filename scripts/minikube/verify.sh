#!/usr/bin/env bash
# Checks the Minikube of up.sh: its pinning from outside (docker), from inside (the node's cgroup and kubelet) and
# through Kubernetes (what nodes offer, and where a pod with an exclusive CPU really runs), and its add-ons.
#
#   verify.sh     a line for each check; exit status 1 where one fails
#
# Runs one pod of busybox for a moment on each node.
# shellcheck source=scripts/minikube/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"
failed=0

report() { # report WHAT WANTED FOUND : ok when the two are the same
    if [ "$2" = "$3" ]; then echo "ok    $1: $3"; else echo "FAIL  $1: expected $2, found ${3:-nothing}"; failed=1; fi
}

report_within() { # report_within WHAT CPUS OWN COUNT : ok when CPUS are COUNT of OWN
    if is_within "$2" "$3" 2> /dev/null && [ "$(expand "$2" | wc -l)" -eq "$4" ]; then
        echo "ok    $1: $2"
    else
        echo "FAIL  $1: expected $4 of $3, found ${2:-nothing}"; failed=1
    fi
}

ask() { "$@" 2> /dev/null || true; } # what a command says; nothing where it fails, which then fails the check

json_setting() { # json_setting KEY < kubelet's configz
    sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

exclusive_cpus() { # exclusive_cpus NODE : where a Guaranteed pod with one whole CPU may run
    local pod=cpu-check-$1 cpus=''
    kubectl_do delete pod "$pod" --ignore-not-found --now > /dev/null 2>&1 || true
    # The limits are the requests, so the pod is Guaranteed and gets a CPU of its own.
    kubectl_do apply -f - > /dev/null << POD
apiVersion: v1
kind: Pod
metadata: {name: $pod, labels: {app.kubernetes.io/part-of: berth}}
spec:
  restartPolicy: Never
  nodeSelector: {kubernetes.io/hostname: $1}
  containers:
    - name: check
      image: docker.io/library/busybox:1.36
      command: [grep, Cpus_allowed_list, /proc/self/status]
      resources: {limits: {cpu: "1", memory: 32Mi}}
POD
    if kubectl_do wait --for=jsonpath='{.status.phase}'=Succeeded "pod/$pod" --timeout=120s > /dev/null; then
        cpus=$(kubectl_do logs "$pod" | awk '{ print $2 }')
    fi
    kubectl_do delete pod "$pod" --now > /dev/null 2>&1 || true
    echo "$cpus"
}

check
host=$(host_cpus)
for index in "${!NODES[@]}"; do
    node=${NODES[$index]}
    own=$(own_cpus "$host" "$index")
    reserved=$(complement "$host" "$own")
    # From outside.
    report "$node: CPUs of its container" "$own" "$(ask docker_do inspect --format '{{.HostConfig.CpusetCpus}}' "$node")"
    report "$node: memory of its container" $((MEMORY_MB * 1048576)) \
        "$(ask docker_do inspect --format '{{.HostConfig.Memory}}' "$node")"
    # From inside.
    report "$node: CPUs of its processes" "$CPUS_PER_NODE" "$(ask in_node "$node" nproc)"
    report "$node: CPUs of its cgroup" "$own" "$(ask in_node "$node" cat /sys/fs/cgroup/cpuset.cpus.effective)"
    file=$(ask in_node "$node" cat "$KUBELET_CONFIG")
    report "$node: CPU manager in the kubelet's file" static "$(setting cpuManagerPolicy <<< "$file")"
    report "$node: reserved CPUs in the kubelet's file" "$reserved" "$(setting reservedSystemCPUs <<< "$file")"
    report "$node: mode of kube-proxy" ipvs "$(ask in_node "$node" curl -s http://127.0.0.1:10249/proxyMode)"
    # Through Kubernetes.
    running=$(ask kubectl_do get --raw "/api/v1/nodes/$node/proxy/configz")
    report "$node: CPU manager of the running kubelet" static "$(json_setting cpuManagerPolicy <<< "$running")"
    report "$node: reserved CPUs of the running kubelet" "$reserved" "$(json_setting reservedSystemCPUs <<< "$running")"
    report "$node: allocatable CPUs" "$CPUS_PER_NODE" \
        "$(ask kubectl_do get node "$node" -o 'jsonpath={.status.allocatable.cpu}')"
    runtime=$(ask kubectl_do get node "$node" -o 'jsonpath={.status.nodeInfo.containerRuntimeVersion}')
    report "$node: container runtime" containerd "${runtime%%:*}"
    report "$node: label berth.dev/node" "node$index" \
        "$(ask kubectl_do get node "$node" -o 'jsonpath={.metadata.labels.berth\.dev/node}')"
    report_within "$node: CPU of a pod with an exclusive one" "$(exclusive_cpus "$node" || true)" "$own" 1
done
report "metrics-server: nodes" "${#NODES[@]}" \
    "$(ask kubectl_do get --raw /apis/metrics.k8s.io/v1beta1/nodes | grep -o '"usage"' | wc -l)"
query='/api/v1/namespaces/berth-monitoring/services/prometheus:9090/proxy/api/v1/query?query=count(up==1)by(job)'
jobs=$(ask kubectl_do get --raw "$query" | grep -oE '"job":"[a-z-]+"\},"value":\[[^]]*\]' \
    | sed -E 's/"job":"([a-z-]+)".*,"([0-9]+)"\]/\1=\2/' | sort | tr '\n' ' ') || jobs=''
report "Prometheus: targets that answer" "cadvisor=${#NODES[@]} node-exporter=${#NODES[@]}" "${jobs% }"
exit $failed
