#!/bin/sh
# Puts a gateway before localstripe (PyPI), by the adapter for upstreams that speak the dialect.
# usage: upstream.sh PATH_TO_GATEWAY (cargo build --release -p gateway). Installs localstripe into a temporary directory.
set -eu
export PYTHONDONTWRITEBYTECODE=1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install "localstripe==1.15.10"
"$work/venv/bin/python" "$here/with_localstripe.py" "$1" "$work/venv/bin/localstripe"
