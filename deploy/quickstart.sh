#!/bin/sh
# Two minutes to a verdict: makes ./.venv, installs shipper into it and runs `shipper demo`.
#
#   sh deploy/quickstart.sh [OPTIONS OF `shipper demo`]
#
# It needs Python 3.11 or newer with its venv module, and writes nothing outside this folder and the demo's
# temporary folder. PYTHON=/path/to/python chooses an interpreter.
set -eu

fail() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null || fail "PYTHON is set to $PYTHON, which is not a program."
        is_new_enough "$PYTHON" || fail "PYTHON is set to $PYTHON, which is not Python 3.11 or newer."
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    found=$(python3 --version 2>&1) || found="no python3 at all"
    fail "shipper needs Python 3.11 or newer, and this machine has $found. Install a newer one" \
        "(RHEL 9: dnf install python3.11; Debian 12, Ubuntu 24.04 and later have it) and run this again."
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
python=$(find_python)
venv=$root/.venv

"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python lacks the modules venv and ensurepip." \
    "On Debian and Ubuntu: apt-get install python3-venv."

echo "quickstart: installing into $venv with $("$python" --version)"
"$python" -m venv "$venv"
# pip builds inside the checkout: what an earlier build left there must not get into this one.
rm -rf "$root/build"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$root" ||
    fail "pip could not install shipper; its own message stands above."
echo "quickstart: installed $("$venv/bin/shipper" --version)"

"$venv/bin/shipper" demo "$@"
echo "quickstart: next: $venv/bin/shipper --help, and the tour in README.md"
