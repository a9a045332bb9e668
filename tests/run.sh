#!/bin/sh
# Everything that must hold before a change is taken: lint, format, types, architecture, tests.
#
#   sh tests/run.sh [PYTEST OPTIONS]
#
# Makes ./.venv-tests with the test extras. The tests against real Elasticsearch nodes need Maven and a JDK 21 or
# newer, those with a real rotator need logrotate, those of pages chromium, those of metrics promtool: run by root on
# Debian or Ubuntu this installs what is missing, elsewhere it says what will be skipped. With CI=true nothing is
# skipped: what is missing is a failure.
# Ends with pytest's summary.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
venv=$root/.venv-tests
bin=$venv/bin

say() {
    printf '\n== %s\n' "$*"
}

find_jdk() {
    for home in "${ES_JAVA_HOME:-}" "${JAVA_HOME:-}" "${TEMURIN_25_HOME:-}" /usr/lib/jvm/*; do
        [ -x "$home/bin/javac" ] || continue
        major=$("$home/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
        if [ "${major:-0}" -ge 21 ]; then
            echo "$home"
            return
        fi
    done
    return 1
}

updated=''
apt_ready() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        return 1
    fi
    if [ -z "$updated" ]; then
        apt-get update -qq || true
        updated=yes
    fi
}

apt_install() {
    apt_ready || return 1
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

install_jdk() {
    for package in openjdk-25-jdk-headless openjdk-21-jdk-headless; do
        if apt_install "$package"; then
            return
        fi
    done
    return 1
}

prepare_servers() {
    missing=''
    command -v mvn >/dev/null || apt_install maven || missing='Maven'
    command -v curl >/dev/null || apt_install curl || missing="${missing:+$missing and }curl"
    find_jdk >/dev/null || install_jdk 2>/dev/null || missing="${missing:+$missing and }a JDK 21 or newer"
    if [ -n "$missing" ]; then
        say "REAL ELASTICSEARCH WILL NOT BE TESTED: $missing not found."
    fi
}

prepare_rotator() {
    if ! PATH=$PATH:/usr/sbin:/sbin command -v logrotate >/dev/null && ! apt_install logrotate; then
        say "REAL ROTATORS WILL NOT BE TESTED: logrotate not found."
    fi
}

prepare_browser() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name" >/dev/null; then
            return
        fi
    done
    if ! apt_install chromium; then
        say "PAGES WILL NOT BE TESTED IN A REAL BROWSER: chromium not found."
    fi
}

# The package would install and start a whole server: it is only opened, for the one tool in it.
fetch_promtool() {
    apt_ready || command -v apt-get >/dev/null || return 1
    folder=$(mktemp -d)
    chown _apt "$folder" 2>/dev/null || true # by whom apt downloads, if it can
    (cd "$folder" && apt-get download -qq prometheus >/dev/null && dpkg-deb --extract prometheus_*.deb .) || true
    mv "$folder/usr/bin/promtool" "$bin/" 2>/dev/null && fetched=yes || fetched=''
    rm -rf "$folder"
    [ -n "$fetched" ]
}

prepare_promtool() {
    if ! command -v promtool >/dev/null && [ ! -x "$bin/promtool" ] && ! fetch_promtool; then
        say "RULES, METRICS AND DASHBOARD WILL NOT BE CHECKED BY PROMETHEUS: promtool not found."
    fi
}

prepare_python() {
    python=${PYTHON:-python3}
    [ -x "$bin/python" ] || "$python" -m venv "$venv"
    # Installing takes a minute: only when what is to be installed has changed.
    if ! cat setup.cfg tests/constraints.txt | cmp -s - "$venv/installed"; then
        "$bin/python" -m pip install --quiet --disable-pip-version-check --constraint tests/constraints.txt \
            --editable '.[test]'
        cat setup.cfg tests/constraints.txt >"$venv/installed"
    fi
}

failed=''
check() {
    say "$*"
    "$bin/$@" || failed="${failed:+$failed, }$1 ${2:-}"
}

say "preparing"
prepare_servers
prepare_rotator
prepare_browser
prepare_python
prepare_promtool
check ruff check
check ruff format --check
check mypy
check lint-imports

# Each worker of a parallel run would start its own Elasticsearch nodes: the tests that need one share one process. It
# waits much of its time, so the others run meanwhile; those that are particular about time come last of them.
others_log=$venv/others.log
"$bin/pytest" -n 2 --dist loadfile --no-loadscope-reorder -m 'not real and not long' "$@" >"$others_log" 2>&1 &
others=$!
trap 'kill "$others" 2>/dev/null || true' EXIT
trap 'exit 1' INT TERM

say "pytest: real servers"
status=0
"$bin/pytest" -m 'real and not long' "$@" || status=$?
if [ "$status" -eq 5 ] && [ "$#" -gt 0 ]; then
    status=0 # none among the chosen tests
fi
[ "$status" -eq 0 ] || failed="${failed:+$failed, }the tests with real servers"

say "pytest: everything else, begun at the same time on two processors"
tail -n +1 -f --pid="$others" "$others_log"
status=0
wait "$others" || status=$?
if [ -n "$failed" ]; then
    printf '\nrun.sh: failed before these tests: %s\n' "$failed"
    exit 1
fi
exit "$status"
