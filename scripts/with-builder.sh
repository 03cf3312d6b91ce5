#!/usr/bin/env bash
# Runs a command with a builder and the stand-in images: `scripts/with-builder.sh npm run test:e2e`. Where DOCKER and
# DOCKER_HOST already name one, that is used. Otherwise Debian's docker.io is installed where it is missing, and a
# daemon of its own is started and ended. Needs root. STAND_INS names the images to make (default: all).
set -euo pipefail
cd "$(dirname "$0")/.."
say() { echo "with-builder: $*" >&2; }

if [ -z "${DOCKER_HOST:-}" ]; then
  if ! [ -x /usr/sbin/dockerd ] || ! [ -x /usr/bin/docker ] || ! command -v debootstrap > /dev/null; then
    say "installing docker.io and debootstrap"
    log=$(mktemp)
    install() {
      apt-get update || return
      # Later releases have the client and BuildKit in packages of their own.
      local packages=(docker.io debootstrap) each
      for each in docker-cli docker-buildx; do
        apt-cache show "$each" > /dev/null 2>&1 && packages+=("$each")
      done
      DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
    }
    install > "$log" 2>&1 || { tail -5 "$log" >&2; say "they cannot be installed, so nothing can be built"; exit 1; }
    rm -f "$log"
  fi
  folder=$(mktemp -d)
  export DOCKER=/usr/bin/docker DOCKER_HOST=unix://$folder/docker.sock
  /usr/sbin/dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" -H "$DOCKER_HOST" \
    --bridge none --iptables=false \
    > "$folder/log" 2>&1 &
  daemon=$!
  stop() {
    kill "$daemon" 2> /dev/null || true
    wait "$daemon" 2> /dev/null || true
    # The daemon leaves its network's namespace mounted.
    awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | xargs -r umount 2> /dev/null || true
    rm -rf "$folder" 2> /dev/null || true
  }
  trap stop EXIT
  for _ in $(seq 60); do
    "$DOCKER" version > /dev/null 2>&1 && break
    kill -0 "$daemon" 2> /dev/null || break
    sleep 1
  done
  "$DOCKER" version > /dev/null 2>&1 || { say "no builder can run here:"; tail -5 "$folder/log" >&2; exit 1; }
fi
# shellcheck disable=SC2086
scripts/stand-ins.sh ${STAND_INS:-}
"$@"
