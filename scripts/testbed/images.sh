#!/usr/bin/env bash
# Packs the testbed's container images from programs of this machine.
#
#   images.sh DIR    DIR/images/{pause,bench,kube-scheduler}.tar, from DIR/bin and the installed packages
#
# localhost/pause:1            what holds a pod's namespaces
# localhost/bench:1            nginx, wrk, stress-ng, curl, sh
# localhost/kube-scheduler:v1.20.2   for the second scheduler of deploy/
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HOME_DIR=${1:?usage: images.sh DIR}
IMAGES=$HOME_DIR/images
stamp=$(cat "$HERE/images.sh" "$HERE/image.py" "$HOME_DIR/bin/recipe" | sha256sum)
[ "$(cat "$IMAGES/stamp" 2> /dev/null)" != "$stamp" ] || exit 0

rm -rf "$IMAGES"
mkdir -p "$IMAGES"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/pause.c" << 'C'
#include <signal.h>
#include <unistd.h>
static void quit(int signal) { (void)signal; _exit(0); }
int main(void) {
    signal(SIGTERM, quit);
    signal(SIGINT, quit);
    for (;;) pause();
}
C
gcc -static -O2 -o "$work/pause" "$work/pause.c"
head -c 4096 /dev/zero | tr '\0' x > "$work/index.html"
cat > "$work/nginx.conf" << 'NGINX'
user root; worker_processes 1; daemon off; error_log stderr; pid /run/nginx.pid;
events {}
http { access_log off; server { listen 80; root /www; location = /stub_status { stub_status; } } }
NGINX

program() { PATH=$PATH:/usr/sbin:/sbin command -v "$1"; }
python3 "$HERE/image.py" localhost/pause:1 "$IMAGES/pause.tar" --copy "$work/pause:/pause" --entrypoint /pause
python3 "$HERE/image.py" localhost/bench:1 "$IMAGES/bench.tar" \
    --program "$(program nginx):/usr/sbin/nginx" \
    --program /bin/sh --program "$(program wrk)" --program "$(program stress-ng)" --program "$(program curl)" \
    --program "$(program sleep)" --program "$(program grep)" --program "$(program cat)" \
    --copy /etc/services:/etc/services --copy "$work/nginx.conf:/etc/nginx.conf" \
    --copy "$work/index.html:/www/index.html" --entrypoint "/usr/sbin/nginx -c /etc/nginx.conf"
python3 "$HERE/image.py" localhost/kube-scheduler:v1.20.2 "$IMAGES/kube-scheduler.tar" \
    --copy "$HOME_DIR/bin/kube-scheduler:/usr/local/bin/kube-scheduler" --entrypoint /usr/local/bin/kube-scheduler
echo "$stamp" > "$IMAGES/stamp"
