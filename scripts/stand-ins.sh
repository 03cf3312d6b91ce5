#!/usr/bin/env bash
# Makes stand-ins for the base images that the end-to-end suite and the build scoreboard build on, from Debian's
# packages and this host's Node, Go and Rust. Who can pull images needs none of it: it is for machines that reach package registries
# but no image registry. What the host's clients are configured with (certificates, ~/.npmrc, pip.conf ...) goes into
# the images, never into this repository.
#
#   scripts/stand-ins.sh [NAME...]     default: all of them
#
# DOCKER names the docker client. Needs root and debootstrap. An image that is there already is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}
suite=bookworm
names=("$@")
((${#names[@]})) || names=(base node python golang rust maven gradle clojure php ruby elixir erlang nginx bun alpine)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

has() { "$docker" image inspect "$1" > /dev/null 2>&1; }

# How this host's clients find their way, by the place where an image's root user has the same.
configure() {
  local root=$1 file
  for file in .npmrc .config/pip/pip.conf .pip/pip.conf .config/go/env .cargo/config.toml .m2/settings.xml .gitconfig; do
    [ -f "$HOME/$file" ] && install -D -m 644 "$HOME/$file" "$root/root/$file"
  done
  for file in /etc/pip.conf /etc/npmrc; do
    [ -f "$file" ] && install -D -m 644 "$file" "$root$file"
  done
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2> /dev/null || true
  # The same for users other than root: npm and pip also read what the environment says.
  chmod 755 "$root/usr/local/share/ca-certificates"
}

base() {
  has debian:12 && return
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$work/root" > "$work/debootstrap.log" 2>&1 ||
    { tail -5 "$work/debootstrap.log"; return 1; }
  configure "$work/root"
  chroot "$work/root" update-ca-certificates > /dev/null 2>&1
  rm -rf "$work/root"/var/cache/apt/archives/*.deb "$work/root"/var/lib/apt/lists/*
  printf 'APT::Install-Recommends "false";\n' > "$work/root/etc/apt/apt.conf.d/90stand-in"
  local changes=(--change 'CMD ["bash"]') name value
  while IFS='=' read -r name value; do
    case $name in
      *[Pp][Rr][Oo][Xx][Yy] | SSL_CERT_FILE | SSL_CERT_DIR | NODE_EXTRA_CA_CERTS | PIP_CERT | PIP_INDEX_URL | \
        REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | GIT_SSL_CAINFO | GOPROXY | GOSUMDB | GOFLAGS | npm_config_* | UV_*)
        changes+=(--change "ENV $name=\"$value\"") ;;
    esac
  done < <(env)
  tar -C "$work/root" -c . | "$docker" import "${changes[@]}" - debian:12 > /dev/null
  rm -rf "$work/root"
  for each in debian:bookworm debian:bookworm-slim debian:latest debian:12-slim; do "$docker" tag debian:12 "$each"; done
}

# make IMAGE [OTHER-NAME...] reads a Dockerfile from standard input, its context is the current directory of `$work`.
make() {
  local image=$1 each
  if has "$image"; then cat > /dev/null; else
    DOCKER_BUILDKIT=1 "$docker" build --network host --progress plain -t "$image" -f - "${context:-$work/empty}" \
      > "$work/${image//[:\/]/-}.log" 2>&1 || { tail -20 "$work/${image//[:\/]/-}.log"; return 1; }
  fi
  for each in "${@:2}"; do "$docker" tag "$image" "$each"; done
}

node() {
  local context=$work/node
  mkdir -p "$context/bin" "$context/lib"
  if ! has node:20; then
    cp "$(readlink -f "$(type -P node)")" "$context/bin/node"
    cp -r "$(npm root -g)/npm" "$context/lib/npm"
    [ -d "$(npm root -g)/corepack" ] && cp -r "$(npm root -g)/corepack" "$context/lib/corepack"
  fi
  make node:20 node:lts node:latest node:20-slim node:20-bookworm node:20-bookworm-slim << 'DOCKERFILE'
FROM debian:12
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
RUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*
COPY bin /usr/local/bin
COPY lib /usr/local/lib/node_modules
RUN cd /usr/local/bin && ln -s ../lib/node_modules/npm/bin/npm-cli.js npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js npx \
  && if [ -d ../lib/node_modules/corepack ]; then ln -s ../lib/node_modules/corepack/dist/corepack.js corepack; fi \
  && npm config set --location=global prefix /usr/local && npm install -g yarn@1.22.22 && rm -rf /root/.npm
CMD ["node"]
DOCKERFILE
}

python() {
  # Poetry asks an interface that few mirrors of the index have; with its mirror plugin it asks as pip does.
  local index
  index=$(pip config get global.index-url 2> /dev/null ||
    python3 -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)' 2> /dev/null || true)
  make python:3.11 python:3 python:latest python:3.11-slim python:3-slim python:3.11-slim-bookworm << DOCKERFILE
FROM debian:12
RUN apt-get update && apt-get install -y python3 python3-pip python3-venv git && rm -rf /var/lib/apt/lists/* \\
  && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s python3 /usr/bin/python && groupadd --gid 1000 app
ENV POETRY_PYPI_MIRROR_URL="$index"
CMD ["python3"]
DOCKERFILE
}

golang() {
  local context=$work/golang
  mkdir -p "$context/go"
  # Debian's is too old for many a project.
  if ! has golang:1 && command -v go > /dev/null; then cp -r "$(go env GOROOT)/." "$context/go"; fi
  make golang:1 golang:latest golang:1-bookworm golang:1.19 << 'DOCKERFILE'
FROM debian:12
COPY go /usr/local/go
RUN apt-get update && apt-get install -y git gcc libc6-dev make && rm -rf /var/lib/apt/lists/* \
  && if [ ! -d /usr/local/go/bin ]; then apt-get update && apt-get install -y golang-go && rm -rf /var/lib/apt/lists/*; fi
ENV GOPATH=/go GOTOOLCHAIN=local PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /go
DOCKERFILE
}

rust() {
  local context=$work/rust sysroot
  mkdir -p "$context/rust"
  # Debian's cargo knows registries as git repositories alone.
  if ! has rust:1 && sysroot=$(rustc --print sysroot 2> /dev/null); then
    tar -C "$sysroot" -c --exclude=./share --exclude='./lib/rustlib/src' bin lib | tar -C "$context/rust" -x
  fi
  make rust:1 rust:latest rust:1-bookworm rust:1-slim << 'DOCKERFILE'
FROM debian:12
COPY rust /usr/local
RUN apt-get update && apt-get install -y git gcc libc6-dev pkg-config libssl-dev && rm -rf /var/lib/apt/lists/* \
  && if [ ! -x /usr/local/bin/cargo ]; then apt-get update && apt-get install -y cargo && rm -rf /var/lib/apt/lists/*; fi
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKERFILE
}

bun() {
  make oven/bun:1 oven/bun:latest << 'DOCKERFILE'
FROM node:20
RUN npm install -g bun@1.2.20 && rm -rf /root/.npm
DOCKERFILE
}

maven() {
  make maven:3 maven:latest maven:3-eclipse-temurin-17 << 'DOCKERFILE'
FROM debian:12
RUN mkdir -p /usr/share/man/man1 && apt-get update && apt-get install -y maven openjdk-17-jdk-headless ca-certificates-java \
  && rm -rf /var/lib/apt/lists/*
CMD ["mvn"]
DOCKERFILE
}

# Alpine's have another package tool: this one installs Debian's packages of the same names.
alpine() {
  local each context=$work/alpine
  mkdir -p "$context"
  cat > "$context/apk" << 'SCRIPT'
#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -t | --virtual | -X | --repository) shift ;;
    add | update | upgrade | del | cache | -*) verb=${verb:-$1} ;;
    *) names="$names $1" ;;
  esac
  shift
done
[ -z "$names" ] || [ "$verb" = del ] || { apt-get update && apt-get install -y $names && rm -rf /var/lib/apt/lists/*; }
SCRIPT
  for each in node python golang; do
    make "$each:alpine" << DOCKERFILE
FROM $each:latest
COPY --chmod=755 apk /sbin/apk
DOCKERFILE
  done
  make alpine:latest alpine:3 << 'DOCKERFILE'
FROM debian:12
COPY --chmod=755 apk /sbin/apk
DOCKERFILE
}

gradle() {
  make gradle:4 gradle:latest << 'DOCKERFILE'
FROM debian:12
RUN mkdir -p /usr/share/man/man1 && apt-get update && apt-get install -y gradle openjdk-17-jdk-headless ca-certificates-java \
  && rm -rf /var/lib/apt/lists/*
DOCKERFILE
}

clojure() {
  make clojure:lein clojure:latest << 'DOCKERFILE'
FROM debian:12
RUN mkdir -p /usr/share/man/man1 && apt-get update && apt-get install -y leiningen openjdk-17-jdk-headless ca-certificates-java \
  && rm -rf /var/lib/apt/lists/*
DOCKERFILE
}

nginx() {
  make nginx:latest nginx:alpine nginx:stable << 'DOCKERFILE'
FROM debian:12
RUN apt-get update && apt-get install -y nginx && rm -rf /var/lib/apt/lists/* \
  && mkdir -p /usr/share/nginx/html && rm -f /etc/nginx/sites-enabled/default && touch /etc/nginx/conf.d/default.conf
CMD ["nginx", "-g", "daemon off;"]
DOCKERFILE
}

erlang() {
  make erlang:25 erlang:latest << 'DOCKERFILE'
FROM debian:12
RUN apt-get update && apt-get install -y rebar3 git erlang-dev && rm -rf /var/lib/apt/lists/*
DOCKERFILE
}

php() {
  make php:8 php:8.2 composer:2 composer:latest << 'DOCKERFILE'
FROM debian:12
RUN apt-get update && apt-get install -y composer php-cli git unzip && rm -rf /var/lib/apt/lists/*
DOCKERFILE
}

ruby() {
  make ruby:3.1 ruby:3 ruby:latest << 'DOCKERFILE'
FROM debian:12
RUN apt-get update && apt-get install -y ruby bundler ruby-rack git && rm -rf /var/lib/apt/lists/*
DOCKERFILE
}

elixir() {
  make elixir:1.14 elixir:1 elixir:latest << 'DOCKERFILE'
FROM debian:12
RUN apt-get update && apt-get install -y elixir rebar3 git erlang-dev && rm -rf /var/lib/apt/lists/*
DOCKERFILE
}

mkdir -p "$work/empty"
timed() {
  local started=$SECONDS
  "$1"
  echo "stand-in $1: $((SECONDS - started)) s"
}
# The others are made of it, beside each other; some of others.
timed base
pids=()
[[ " ${names[*]} " != *" bun "* ]] || timed node
[[ " ${names[*]} " != *" alpine "* ]] || for name in node python golang; do timed "$name"; done
for name in "${names[@]}"; do
  [ "$name" = base ] && continue
  timed "$name" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
