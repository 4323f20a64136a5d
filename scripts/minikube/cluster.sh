# shellcheck shell=bash
# Sourced by up.sh, down.sh and verify.sh: the cluster's shape, the commands it is made with, and CPU lists.
# Every command from outside goes through docker_do, minikube_do, kubectl_do or in_node.
# shellcheck disable=SC2034  # what is set here is used by the scripts that source this one
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MANIFESTS=$HERE
PROFILE=${BERTH_MINIKUBE_PROFILE:-berth}
NODES=("$PROFILE" "$PROFILE-m02")
CPUS_PER_NODE=3
MEMORY_MB=3072
KUBELET_CONFIG=/var/lib/kubelet/config.yaml
# Seconds between two looks at something that takes a while, and how many looks.
PAUSE=${BERTH_MINIKUBE_PAUSE:-2}
TRIES=${BERTH_MINIKUBE_TRIES:-90}

docker_do() { docker "$@"; }
minikube_do() { minikube --profile "$PROFILE" "$@"; }
kubectl_do() { kubectl --context "$PROFILE" "$@"; }
in_node() { docker_do exec "$@"; } # in_node NODE COMMAND...

say() { echo "minikube: $*" >&2; }
refuse() { say "cannot run here: $*"; exit 3; }

expand() { # expand LIST : "0-2,6" as 0 1 2 6, one a line, in order
    local part
    for part in ${1//,/ }; do seq "${part%%-*}" "${part##*-}"; done | sort -nu
}

compress() { # compress < one number a line, in order : "0-2,6"
    awk 'function flush() { if (n++) printf ","; printf (first == last) ? "%d" : "%d-%d", first, last }
         NR == 1 { first = last = $1; next }
         $1 == last + 1 { last = $1; next }
         { flush(); first = last = $1 }
         END { if (NR) { flush(); print "" } }'
}

complement() { # complement ALL OWN : the CPUs of ALL that are not in OWN
    comm -23 <(expand "$1" | sort) <(expand "$2" | sort) | sort -n | compress
}

is_within() { # is_within LIST OF : whether every CPU of LIST is in OF, and there is one
    [ -n "$1" ] && [ -z "$(comm -23 <(expand "$1" | sort) <(expand "$2" | sort))" ]
}

host_cpus() { in_node "${NODES[0]}" cat /sys/devices/system/cpu/online; } # a node sees all of them

own_cpus() { # own_cpus HOST-CPUS INDEX : the CPUs of the node with that index, from 0
    expand "$1" | tail -n "+$(($2 * CPUS_PER_NODE + 1))" | head -n "$CPUS_PER_NODE" | compress
}

kubelet_configuration() { # kubelet_configuration RESERVED < kubelet's file : the same with the static CPU manager
    awk '/^[^ #-]/ { drop = /^(cpuManagerPolicy|reservedSystemCPUs):/ } !drop { print }'
    printf 'cpuManagerPolicy: static\nreservedSystemCPUs: "%s"\n' "$1"
}

setting() { # setting KEY < kubelet's file : the value of a key at the top
    sed -n "s/^$1: *//p" | tr -d '"'
}

check() {
    local command info cpus memory cgroups
    for command in docker minikube kubectl; do
        command -v "$command" > /dev/null 2>&1 || refuse "there is no $command on the PATH"
    done
    info=$(docker_do info --format '{{.NCPU}} {{.MemTotal}} {{.CgroupVersion}}' 2>&1) || refuse "docker: $info"
    read -r cpus memory cgroups <<< "$info"
    [ "$cpus" -ge $((${#NODES[@]} * CPUS_PER_NODE)) ] \
        || refuse "${#NODES[@]} nodes of $CPUS_PER_NODE CPUs need $((${#NODES[@]} * CPUS_PER_NODE)), docker has $cpus"
    [ "$((memory / 1048576))" -ge $((${#NODES[@]} * MEMORY_MB)) ] \
        || refuse "${#NODES[@]} nodes of $MEMORY_MB MB need more memory than docker's $((memory / 1048576)) MB"
    # With v1 a container's cpuset may not go beyond its parent's, and the static CPU manager writes one that does
    # (all CPUs but the exclusive ones). v2 takes it and cuts it to the node's.
    [ "$cgroups" = 2 ] || refuse "it needs cgroup v2, docker uses v$cgroups"
}
