#!/bin/sh
# Exchanges ISO 8583 vectors with pyiso8583 (PyPI) and iso_8583 (npm), in both directions, every field of the 1987 table.
# Then sends mixed messages through the adapter to a host written on pyiso8583.
# usage: run.sh DIRECTORY_OF_EXAMPLES [COUNT] [SEED]; the directory holds iso_vectors and iso_drive
# (cargo build --release -p gateway-acquirers --examples). Installs both libraries into a temporary directory.
set -eu
export PYTHONDONTWRITEBYTECODE=1
here=$(cd "$(dirname "$0")" && pwd)
vectors=$1/iso_vectors
drive=$1/iso_drive
count=${2:-3000}
seed=${3:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install "pyiso8583==4.0.1"
(cd "$work" && npm init -y >/dev/null 2>&1 && npm install --silent --no-audit --no-fund iso_8583@2.6.7 >/dev/null 2>&1)
"$work/venv/bin/python" "$here/with_pyiso8583.py" "$vectors" "$count" "$seed"
NODE_PATH="$work/node_modules" node "$here/with_iso_8583.js" "$vectors" "$count" "$seed"
"$work/venv/bin/python" "$here/host.py" "$drive" ADDRESS 10000
