#!/bin/sh
# Longer than anyone waits before a commit: by hand, before a release. Needs what `sh tests/run.sh` has made.
#
#   sh tests/long.sh
#
# ROUNDS (20): how often the tests against generated cases run, each time with another seed, which is printed.
# SHIPPER_CRASH_LINES (3000000), SHIPPER_CRASH_KILLS (200): size of the story of the killed agent.
# SHIPPER_STORM_LINES (1000000), SHIPPER_STORM_KILLS (100): size of the storm of all faults of a cluster.
# SHIPPER_DUEL_SEEDS (1,2,3,4,5): the duels of docs/delivery.md; each takes a minute.
# SHIPPER_MEMORY_MB (2000), SHIPPER_AWAY_SECONDS (600): what is written while the output is away, and for how long it is.
# SHIPPER_ROTATE_SECONDS (60): how long logrotate and a writer of 20,000 lines a second go on, in each of nine ways.
# SHIPPER_LIVE_AUDITS (20): how often a site is audited that is written to, rotated and shipped meanwhile.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
pytest=$root/.venv-tests/bin/pytest
if ! [ -x "$pytest" ]; then
    echo "long.sh: $pytest is not there; run sh tests/run.sh first." >&2
    exit 1
fi

generated=$(grep -rlE '^(from|import) hypothesis' tests --include='test_*.py')
round=1
while [ "$round" -le "${ROUNDS:-20}" ]; do
    seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
    printf '\n== generated cases, round %s, --hypothesis-seed=%s\n' "$round" "$seed"
    # One file name per word is meant here.
    # shellcheck disable=SC2086
    "$pytest" -q --hypothesis-seed="$seed" $generated
    round=$((round + 1))
done

printf '\n== the agent is killed again and again\n'
SHIPPER_CRASH_LINES=${SHIPPER_CRASH_LINES:-3000000} SHIPPER_CRASH_KILLS=${SHIPPER_CRASH_KILLS:-200} \
    SHIPPER_CRASH_EVERYWHERE=1 "$pytest" -s tests/crash --ignore tests/crash/test_memory.py

printf '\n== the output is away while logs grow\n'
SHIPPER_MEMORY_MB=${SHIPPER_MEMORY_MB:-2000} SHIPPER_AWAY_SECONDS=${SHIPPER_AWAY_SECONDS:-600} \
    "$pytest" -s tests/crash/test_memory.py

printf '\n== all faults of a cluster, and the duels\n'
SHIPPER_STORM_LINES=${SHIPPER_STORM_LINES:-1000000} SHIPPER_STORM_KILLS=${SHIPPER_STORM_KILLS:-100} \
    SHIPPER_DUEL_SEEDS=${SHIPPER_DUEL_SEEDS:-1,2,3,4,5} "$pytest" -s tests/faults

printf '\n== logrotate under a writer of 20,000 lines a second\n'
SHIPPER_ROTATE_SECONDS=${SHIPPER_ROTATE_SECONDS:-60} "$pytest" -s tests/rotators

printf '\n== audits of a site that never rests\n'
SHIPPER_LIVE_AUDITS=${SHIPPER_LIVE_AUDITS:-20} "$pytest" -s tests/acceptance/test_live_audit.py

printf '\n== coverage of a million lines\n'
"$pytest" -s -m long tests/grok
