# To be sourced from the root of the repository. Builds the service, and starts and stops it or another server:
#
#   $work    a folder that goes away at the end
#   $server  the process that was started last
work=$(mktemp -d)
server=
stop() {
    [[ -z $server ]] || { kill "$server" 2>/dev/null && wait "$server" || true; }
    server=
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

cargo build --release --locked
export LIKENESS_ASSETS=${LIKENESS_ASSETS:-${LIKENESS_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/likeness}}
target/release/likeness assets fetch >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# serve_likeness NAME=VALUE...: with these settings, on a database and a home of its own, and without bounds for its callers
serve_likeness() {
    export LIKENESS_HOME=$work/home LIKENESS_LISTEN=127.0.0.1:$port LIKENESS_LOG=warn
    export LIKENESS_RATE_PER_MINUTE=0 LIKENESS_BYTES_PER_MINUTE=0 LIKENESS_SEARCHES_PER_MINUTE=0
    env --unset DATABASE_URL "$@" target/release/likeness serve >"$work/log" 2>&1 &
    server=$!
    until target/release/likeness health >/dev/null 2>&1; do
        kill -0 "$server" || { cat "$work/log" >&2; exit 1; }
        sleep 0.2
    done
}
