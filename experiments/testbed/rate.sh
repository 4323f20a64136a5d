#!/usr/bin/env bash
# At which load, and beside how many burning pods, do replicas queue? Replicas are put on the quiet node and on the
# burning one by hand; no scheduler and no policy takes part.
#
#   scripts/testbed/testbed.sh up; experiments/testbed/rate.sh; scripts/testbed/testbed.sh down
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
KUBECONFIG=$(scripts/testbed/testbed.sh kubeconfig)
export KUBECONFIG NO_PROXY='*'

burn() { # burn NAME : a pod on node1 that requests nothing and takes all the CPU it can get
    kubectl apply -f - > /dev/null << Y
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {app: burn}}
spec:
  nodeSelector: {kubernetes.io/hostname: node1}
  containers: [{name: stress, image: "localhost/bench:1", command: [stress-ng, --cpu, "2", --temp-path, /tmp]}]
Y
    kubectl wait --for=condition=Ready "pod/$1" --timeout=60s > /dev/null
}

replicas() { # replicas NODE : four of the service on that node; prints their URLs
    sed -e "s/{name: nginx-gzip, labels/{name: nginx-$1, labels/" -e "s/app: nginx-gzip/app: nginx-$1/g" \
        -e 's/replicas: 1/replicas: 4/' -e 's/resources: .*/resources: {}/' \
        -e "s|containers:|nodeSelector: {kubernetes.io/hostname: $1}\n      containers:|" \
        scripts/testbed/nginx-gzip.yaml | kubectl apply -f - > /dev/null
    kubectl rollout status "deployment/nginx-$1" > /dev/null
    kubectl get pods -l "app=nginx-$1" -o 'jsonpath={range .items[*]}http://{.status.podIP}/page.html{"\n"}{end}'
}

measure() { # measure RATE... : on each placement
    local rate placement
    for rate in "$@"; do
        for placement in 2/0 1/1 4/0 2/2; do
            echo "$(kubectl get pods -l app=burn -o name | wc -l) burning, $rate requests/s, replicas quiet/burning" \
                "$placement: $(python3 scripts/testbed/load.py --rate "$rate" --seconds 9 \
                    "${quiet[@]:0:${placement%/*}}" "${busy[@]:0:${placement#*/}}")"
        done
    done
}

burn burn-0
mapfile -t quiet < <(replicas node0)
mapfile -t busy < <(replicas node1)
sleep 2
measure 45 65 80
burn burn-1
burn burn-2
sleep 4
measure 20 35 50
