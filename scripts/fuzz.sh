#!/bin/sh
# Fuzzes every decoder, each for a time as go test -fuzztime takes it. All targets in the tests are found: none has to be listed here.
set -u
cd "$(dirname "$0")/.." || exit
log=$(mktemp) && trap 'rm -f "$log"' EXIT
failed=0
for target in $(grep -r --include='*_test.go' --exclude-dir=build -o '^func Fuzz[A-Za-z]*' . | sed 's/:func /:/'); do
  package=$(dirname "${target%:*}")
  echo "$package ${target##*:}"
  # Minimizing inputs that are merely interesting takes most of the time otherwise.
  if ! go test "$package" -run '^$' -fuzz "^${target##*:}\$" -fuzztime "$1" -fuzzminimizetime 2s >"$log" 2>&1; then
    # Go reports this, with no failing input, where the time ends in the middle of one.
    if ! grep -q 'context deadline exceeded' "$log" || grep -q 'Failing input' "$log"; then
      failed=1
      cat "$log"
    fi
  fi
  grep 'execs:' "$log" | tail -n 1
done
exit $failed
