#!/usr/bin/env bash
# Deletes the Minikube that up.sh made, its containers and its kubectl context.
# shellcheck source=scripts/minikube/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"
command -v minikube > /dev/null 2>&1 || refuse "there is no minikube on the PATH"
minikube_do delete >&2
