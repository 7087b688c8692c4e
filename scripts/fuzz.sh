#!/bin/sh
# Fuzzes every decoder, each for a time as go test -fuzztime takes it, two at a time. All targets in the tests are found: none has to be listed here.
set -u
cd "$(dirname "$0")/.." || exit
export TIME="$1" WORKERS=$((($(getconf _NPROCESSORS_ONLN) + 1) / 2))
grep -r --include='*_test.go' --exclude-dir=build -o '^func Fuzz[A-Za-z]*' . | sed 's/:func / /' | xargs -L 1 -P 2 sh -c '
  package=$(dirname "$0") target=$1
  log=$(mktemp) && trap "rm -f $log" EXIT
  # Minimizing inputs that are merely interesting takes most of the time otherwise.
  go test "$package" -run "^\$" -fuzz "^$target\$" -fuzztime "$TIME" -fuzzminimizetime 2s -parallel "$WORKERS" >"$log" 2>&1 || failed=1
  # Go reports this, with no failing input, where the time ends in the middle of one.
  if test "${failed-0}" = 1 && grep -q "context deadline exceeded" "$log" && ! grep -q "Failing input" "$log"; then
    failed=0
  fi
  echo "$package $target: $(grep "execs:" "$log" | tail -n 1)"
  test "${failed-0}" = 0 || { cat "$log"; exit 1; }'
