#!/bin/bash
# transcript.sh [cuda] >transcript.txt: does what docs/docker.md says, and prints the commands, their output, exit code and seconds.
# Needs a Docker engine with compose and buildx. Begin in a clean checkout, as a user who is not root. It builds without the
# engine's build cache, with `cuda` the CUDA image too, and takes volumes of its own.
cd "$(dirname "$0")/../.." || exit
export COMPOSE_PROJECT_NAME=lenet-transcript COMPOSE_PROGRESS=quiet # without the builds' log

# run COMMAND [lines]: shows the command's output, or the last lines of it.
run() {
	printf '\n$ %s\n' "$1"
	local start=$EPOCHREALTIME code
	bash -c "$1" </dev/null 2>&1 | tail -n "${2-1000}" | sed 's/\r\x1b\[K//' # compose's, on the last line of `up`
	code=${PIPESTATUS[0]}
	printf '[exit %d, %.1f s]\n' "$code" "$(bc <<<"$EPOCHREALTIME - $start")"
}
say() { printf '\n# %s\n' "$1"; }

docker compose down --volumes 2>/dev/null
rm -rf my-runs mydata digit.png runs/fast

say "$(uname -m), $(nproc) CPU cores, no GPU; user $(id -u)"
run "docker version --format 'client {{.Client.Version}}, engine {{.Server.Version}}'; docker compose version; docker buildx version; git describe --always --dirty"
run 'docker compose config --quiet'
run 'docker compose config --services'

say 'Builds: the first, nothing changed, one line of Go, one line of C++'
run 'docker compose build --no-cache'
run 'docker compose build'
run 'echo "// $(date)" >>model/spec.go; docker compose build'
run 'docker compose run --rm train-cpu info | head -1'
run 'echo "// $(date)" >>torchx/cc/loader.cc; docker compose build'
git checkout -q model torchx
run 'docker compose run --rm train-cpu info | head -1'
run 'docker compose run --rm train-cpu info | head -1'
run "docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' lenet:cpu"
run 'make image' 1
run "docker image inspect --format '{{json .Config.Labels}}' lenet:cpu"

say 'Training, and the other commands'
run 'docker compose --ansi never up' 2
run 'docker compose run --rm train-cpu'
run 'docker compose run --rm train-cpu --recipe fast --out runs/fast'
run 'docker compose run --rm train-cpu eval'
run 'docker compose run --rm train-cpu tune --recipe fast --lr 0.05,0.1 --out runs/sweep'
run 'docker compose run --rm train-cpu report runs/sweep runs/fast'
run 'docker compose run --rm train-cpu info'
run 'docker run --rm --cpus 1 lenet:cpu info'
run 'docker run --rm --network none lenet:cpu --recipe fast --no-progress' 1
run 'docker compose run --rm --pull never train-cpu predict --json --count 1 | head -4'

say 'A picture, and data, from this folder'
run 'cp examples/classify/three.png digit.png; docker compose run --rm train-cpu predict digit.png'
run 'mkdir mydata; docker run --rm --entrypoint tar lenet:cpu -C /cache/lenet/datasets/mnist -c . | tar -x -C mydata; ls mydata'
run 'docker compose run --rm train-cpu --data ./mydata --recipe fast --epochs 1' 1

say 'A picture by standard input, and a folder from elsewhere'
run 'docker compose run --rm -T train-cpu predict - <digit.png'
run 'mkdir -p /tmp/pictures && cp digit.png /tmp/pictures; docker compose run --rm -v /tmp/pictures:/pictures:ro train-cpu predict /pictures; rm -r /tmp/pictures'

say 'Runs and reports in this folder'
run 'LENET_RUNS=./runs docker compose run --rm --user "$(id -u):$(id -g)" train-cpu --recipe fast --out runs/fast' 1
run 'LENET_RUNS=./runs docker compose run --rm --user "$(id -u):$(id -g)" train-cpu report runs/fast'
run 'ls -ln runs/fast'
run 'docker compose run --rm --pull never --entrypoint cat train-cpu runs/sweep/report.html >report.html; head -c 100 report.html; rm report.html'

say 'A folder that is missing, and one of another user'
run 'LENET_RUNS=./my-runs docker compose run --rm train-cpu'
run 'rmdir my-runs && mkdir my-runs; LENET_RUNS=./my-runs docker compose run --rm train-cpu'
run 'LENET_RUNS=./my-runs docker compose run --rm --user "$(id -u):$(id -g)" train-cpu --recipe fast --epochs 1' 1

say 'Any user may write runs and the cache of the volumes, and nothing else'
run "docker compose run --rm --user 4321:99 train-cpu --recipe fast --epochs 1 --out runs/of-4321" 1
run "docker compose run --rm --user 4321:99 --entrypoint sh train-cpu -c 'id; touch /opt/x /work/x; mkdir /cache/lenet/datasets/x runs/x && rmdir /cache/lenet/datasets/x runs/x && echo volumes are writable; grep -E \"CapBnd|NoNewPrivs\" /proc/self/status; command -v gcc g++ go make python3 || echo no compilers'"

say 'CUDA'
if [ "${1-}" = cuda ]; then
	run 'docker compose build --no-cache train'
	run 'echo "// $(date)" >>model/spec.go; docker compose build train'
	git checkout -q model
	run 'docker compose build train'
	run "docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' lenet:cuda"
	run 'docker run --rm lenet:cuda info'
	run 'docker run --rm lenet:cuda --device cuda'
fi
run 'docker compose run --rm train'

rm -rf my-runs mydata digit.png runs/fast
docker compose down --volumes 2>/dev/null
