#!/bin/sh
# load.sh LENET VEGETA RUN PICTURE [SECONDS]: single pictures a second that lenet serve answers, and how long they take, as vegeta measures it: for numbers of
# clients that each wait for their answer, and at fixed rates. Memory before and after.
set -eu
log=$(mktemp)
lenet=$1 vegeta=$2 run=$3 picture=$4 seconds=${5:-10}
"$lenet" serve --listen 127.0.0.1:0 --device cpu --runs "$(dirname "$run")" --model "$(basename "$run")" >"$log" &
pid=$!
trap 'kill $pid; rm -f "$log"' EXIT
until url=$(grep -o 'http://[^/]*' "$log"); do sleep 0.01; done
target() { printf 'POST %s/api/predict\nContent-Type: image/png\n@%s\n' "$url" "$picture"; }
memory() { awk '/VmRSS/ {printf "%d MB", $2 / 1000}' /proc/$pid/status; }
echo "memory when idle: $(memory)"
for clients in ${CLIENTS:-1 4 16 64}; do
	echo "$clients clients, $seconds s:"
	target | "$vegeta" attack -rate=0 -max-workers="$clients" -workers="$clients" -duration="${seconds}s" | "$vegeta" report | grep -E 'Requests|Latencies|Success|Status'
	echo "memory: $(memory)"
done
for rate in ${RATES-200 500 1000}; do
	echo "$rate pictures a second, $seconds s:"
	target | "$vegeta" attack -rate="$rate" -duration="${seconds}s" | "$vegeta" report | grep -E 'Latencies|Success|Status'
	echo "memory: $(memory)"
done
