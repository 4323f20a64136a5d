# shellcheck shell=bash
# Sourced by the other scripts: installs Debian packages, and only the missing ones.

# What is wanted, as command:package. A command that is there, from whatever
# source, is left alone: installing Debian's containerd over another engine's
# would remove that engine.
# missing_commands COMMAND:PACKAGE... : prints the packages whose command is absent
missing_commands() {
    local pair
    for pair in "$@"; do
        command -v "${pair%%:*}" > /dev/null 2>&1 || [ -x "/usr/sbin/${pair%%:*}" ] || echo "${pair#*:}"
    done
}

# missing_packages PACKAGE... : prints those that dpkg does not have installed
missing_packages() {
    local package installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2> /dev/null | sed -n 's/^installed //p') || true
    for package in "$@"; do
        grep -qxF -- "$package" <<< "$installed" || echo "$package"
    done
}

# install_packages PACKAGE... : says what it installs and installs it; services
# that come with a package (nginx, etcd, Prometheus) are neither started nor enabled.
install_packages() {
    [ $# -gt 0 ] || return 0
    local line="apt-get install -y --no-install-recommends $*"
    if ! command -v apt-get > /dev/null 2>&1; then
        echo "setup: this machine has no apt-get; install what provides these Debian packages: $*" >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        printf 'setup: packages are missing and only root can install them. Run:\n  sudo %s\n' "$line" >&2
        return 1
    fi
    echo "setup: installing $*" >&2
    export DEBIAN_FRONTEND=noninteractive
    # Once for each top-level call: the nested scripts inherit the mark.
    if [ -z "${BERTH_APT_UPDATED:-}" ]; then
        apt-get update -q > /dev/null || echo "setup: apt-get update failed; trying with the lists at hand" >&2
        export BERTH_APT_UPDATED=1
    fi
    local policy=/usr/sbin/policy-rc.d ours='' status=0
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy && ours=1
    fi
    apt-get install -y -q --no-install-recommends "$@" > /dev/null || status=$?
    [ -z "$ours" ] || rm -f $policy
    if [ $status -ne 0 ]; then
        echo "setup: failed: $line" >&2
        return 1
    fi
    if [ -d /run/systemd/system ]; then
        local service
        for service in nginx etcd prometheus prometheus-node-exporter mtail; do
            case " $* " in *" $service"*) systemctl disable --quiet "$service" 2> /dev/null || true ;; esac
        done
    fi
}
