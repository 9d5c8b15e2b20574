# How containers are built, started, entered and stopped: with docker or podman, or with buildah where neither can run.
# They share the machine's network, so that the same requests reach them whatever runs them, and one home.

engine=${ENGINE:-$(for one in docker podman buildah; do command -v "$one" && break; done || true)}
[[ -n $engine ]] || { echo "neither docker, podman nor buildah is installed" >&2; exit 1; }
engine=${engine##*/}
prefix=likeness-test-$$
declare -A processes

# engine_build TARGET IMAGE
engine_build() {
    local options=()
    # Without --pull-never it looks for newer bases than those that are here. Only docker's format has health checks.
    [[ $engine != buildah ]] || options=(--pull-never --format docker)
    "$engine" build "${options[@]}" --target "$1" --tag "$2" . >"$work/build" 2>&1 ||
        { tail -n 40 "$work/build" >&2; return 1; }
}

# engine_size IMAGE: megabytes
engine_size() {
    if [[ $engine == buildah ]]; then
        local container mount
        container=$(buildah from --pull-never "$1")
        mount=$(buildah mount "$container")
        du --summarize --apparent-size --block-size 1MB "$mount" | cut --fields 1
        buildah rm "$container" >/dev/null
    else
        "$engine" image inspect --format '{{.Size}}' "$1" | awk '{printf "%.0f\n", $1 / 1e6}'
    fi
}

# engine_start NAME IMAGE COMMAND [VARIABLE=VALUE...]
engine_start() {
    local name=$prefix-$1 image=$2 command=$3 variables=()
    local setting
    for setting in "LIKENESS_LISTEN=127.0.0.1:$port" "${@:4}"; do variables+=(--env "$setting"); done
    if [[ $engine == buildah ]]; then
        install --directory --mode 0700 --owner 10001 --group 10001 "$work/home"
        buildah from --pull-never --name "$name" "$image" >/dev/null
        buildah run "${variables[@]}" --volume "$work/home:/var/lib/likeness" "$name" -- likeness "$command" \
            >"$work/$1.out" 2>"$work/$1.err" &
        processes[$1]=$!
    else
        "$engine" run --detach --name "$name" --network host --read-only --tmpfs /tmp --cap-drop ALL \
            --security-opt no-new-privileges "${variables[@]}" --volume "$prefix:/var/lib/likeness" "$image" "$command" >/dev/null
    fi
}

# engine_exec NAME COMMAND...
engine_exec() {
    local name=$prefix-$1
    shift
    if [[ $engine == buildah ]]; then
        buildah run --env "LIKENESS_LISTEN=127.0.0.1:$port" --volume "$work/home:/var/lib/likeness" "$name" -- "$@"
    else
        "$engine" exec "$name" "$@"
    fi
}

# engine_output NAME: what it has printed
engine_output() {
    if [[ $engine == buildah ]]; then cat "$work/$1.out"; else "$engine" logs "$prefix-$1" 2>/dev/null; fi
}

# engine_log NAME: what it has logged
engine_log() {
    if [[ $engine == buildah ]]; then cat "$work/$1.err"; else "$engine" logs "$prefix-$1" 2>&1 >/dev/null; fi
}

engine_is_running() {
    if [[ $engine == buildah ]]; then
        kill -0 "${processes[$1]}" 2>/dev/null
    else
        [[ $("$engine" inspect --format '{{.State.Running}}' "$prefix-$1") == true ]]
    fi
}

# The first process below another that is the service's.
service_below() {
    local child
    for child in $(pgrep --parent "$1"); do
        if [[ $(cat "/proc/$child/comm") == likeness ]]; then echo "$child"; else service_below "$child"; fi
    done | head -n 1
}

# engine_stop NAME: ends it with SIGTERM; its exit status is in `ended`
engine_stop() {
    ended=0
    if [[ $engine == buildah ]]; then
        kill -TERM "$(service_below "${processes[$1]}")"
        wait "${processes[$1]}" || ended=$?
        unset "processes[$1]"
        buildah rm "$prefix-$1" >/dev/null
    else
        "$engine" stop --time 40 "$prefix-$1" >/dev/null
        ended=$("$engine" inspect --format '{{.State.ExitCode}}' "$prefix-$1")
        "$engine" rm "$prefix-$1" >/dev/null
    fi
}

# Whatever is left when something failed.
engine_clean() {
    local name
    if [[ $engine == buildah ]]; then
        for name in "${!processes[@]}"; do engine_stop "$name" || true; done
    else
        for name in $("$engine" ps --all --quiet --filter "name=$prefix-"); do "$engine" rm --force "$name" >/dev/null; done
        "$engine" volume rm --force "$prefix" >/dev/null
    fi
}
