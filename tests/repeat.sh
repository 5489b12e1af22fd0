#!/usr/bin/env bash
# Runs some tests again and again, and stops at the first failure: for those that depend on the order in
# which several programs do things, where one green run says little.
#
#     bash tests/repeat.sh [TIMES [FILTER…]]        default: 50 times, everything over Bluetooth
#
# A run that fails is shown whole.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

times="${1:-50}"
filters=("${@:2}")
if [ ${#filters[@]} -eq 0 ]; then
    filters=(e2e::ble:: emulator::ble::)
fi
# They wait more than they compute, but each runs two or three processes.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((8 * $(nproc)))}"

# What is shown is how often it went well, so a filter that fits nothing is a failure, too.
cargo test --locked --quiet --test all --no-run
listed=$(cargo test --locked --quiet --test all -- --list "${filters[@]}" 2>/dev/null | grep -c ': test$' || true)
if [ "$listed" -eq 0 ]; then
    echo "no test fits ${filters[*]}" >&2
    exit 1
fi

output=$(mktemp)
trap 'rm -f "$output"' EXIT
began=$SECONDS
for number in $(seq "$times"); do
    started=$SECONDS
    if ! cargo test --locked --quiet --test all -- "${filters[@]}" >"$output" 2>&1; then
        cat "$output"
        echo "run $number of $times failed" >&2
        exit 1
    fi
    echo "run $number of $times: $listed tests, $((SECONDS - started)) s"
done
echo "$times runs of $listed tests (${filters[*]}) without a failure, $((SECONDS - began)) s"
