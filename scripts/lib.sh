# shellcheck shell=bash
# What the scripts share. To be sourced, under `set -euo pipefail`.

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$0: $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or by sudo if that asks for no password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }

# Prints the folder of initdb, pg_ctl, postgres and createdb; fails if there is none.
postgres_bin() {
    local candidates=() candidate tool
    if tool="$(command -v initdb)"; then
        candidates+=("$(dirname -- "$tool")")
    fi
    if have pg_config; then
        candidates+=("$(pg_config --bindir)")
    fi
    while IFS= read -r candidate; do
        candidates+=("$candidate")
    done < <(
        # The newest version first; a pattern that matches nothing stays as it is and is no folder.
        printf '%s\n' \
            /usr/lib/postgresql/*/bin \
            /usr/pgsql-*/bin \
            /opt/homebrew/opt/postgresql*/bin \
            /usr/local/opt/postgresql*/bin \
            /home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
            /Applications/Postgres.app/Contents/Versions/*/bin \
            | sort -rV
    )
    for candidate in ${candidates[@]+"${candidates[@]}"}; do
        for tool in initdb pg_ctl postgres createdb; do
            [ -x "$candidate/$tool" ] || continue 2
        done
        printf '%s\n' "$candidate"
        return 0
    done
    return 1
}

need_rust() {
    have cargo || die "cargo is missing: install Rust from https://rustup.rs"
    local compiler="${CC:-}"
    if [ -z "$compiler" ]; then
        for compiler in cc gcc clang; do
            if have "$compiler"; then break; fi
        done
    fi
    # CC may hold arguments or a wrapper ("ccache gcc"): its first word is the program.
    have "${compiler%% *}" ||
        die "a C compiler is missing (SQLite and libpq are built from source):" \
            "apt-get install build-essential, dnf install gcc, or xcode-select --install"
}

need_nextest() {
    cargo nextest --version >/dev/null 2>&1 && return
    say "cargo-nextest is missing: cargo install cargo-nextest --locked"
    cargo install cargo-nextest --locked >&2
}

need_postgres() {
    postgres_bin >/dev/null && return
    if have apt-get && can_be_root; then
        say "PostgreSQL is missing: apt-get install postgresql"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update >&2
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y postgresql >&2
        postgres_bin >/dev/null && return
    fi
    die "PostgreSQL's server programs (initdb, pg_ctl) are missing: install the package" \
        "postgresql (Debian, Ubuntu), postgresql-server (Fedora) or postgresql@17 (Homebrew)," \
        "or set TEST_POSTGRES_URL to a server where the tests may create schemas"
}

# Installs the programs that read calendars in the tests, where what is wanted differs from what is there.
need_calendar_readers() {
    local wanted="$root/tests/calendars" folder="$root/target/calendar-readers" file
    local files=(requirements.txt package.json package-lock.json)
    if ! { python3 -c 'import ensurepip, venv' && node --version && npm --version; } >/dev/null 2>&1; then
        if have apt-get && can_be_root; then
            say "Python or Node.js is missing: apt-get install python3-venv nodejs npm"
            as_root env DEBIAN_FRONTEND=noninteractive apt-get update >&2
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y python3-venv nodejs npm >&2
        else
            die "Python with venv, Node.js or npm is missing (they read calendars in the tests):" \
                "install python3, python3-venv, nodejs and npm (Debian, Ubuntu), python3 and nodejs (Fedora)" \
                "or python and node (Homebrew)"
        fi
    fi
    for file in "${files[@]}"; do
        cmp -s "$wanted/$file" "$folder/$file" || break
        file=
    done
    [ -n "$file" ] || return 0
    say "Installing the calendar readers into target/calendar-readers"
    rm -rf -- "$folder"
    mkdir -p "$folder"
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$wanted/requirements.txt" >&2
    cp "$wanted/package.json" "$wanted/package-lock.json" "$folder/"
    npm ci --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts >&2
    # Last: it says that all went well.
    cp "$wanted/requirements.txt" "$folder/"
}

postgres_folder=
child=

stop_postgres() {
    [ -n "$postgres_folder" ] || return 0
    local folder="$postgres_folder"
    postgres_folder=
    if [ -e "$folder/server" ]; then
        "$root/scripts/postgres" stop "$folder/server" || say "could not stop the server in $folder"
    fi
    rm -rf -- "$folder"
}

# Hands a signal to the running command, waits for its end, and ends this script.
end_child() {
    local signal="$1" status="$2"
    trap '' HUP INT TERM
    if [ -n "$child" ]; then
        # A Ctrl-C in a terminal has reached the command already; a second one makes it end at once.
        if [ "$signal" != INT ] || [ ! -t 0 ]; then
            kill -s "$signal" "$child" 2>/dev/null || true
        fi
        wait "$child" 2>/dev/null || true
    fi
    exit "$status"
}

# Where the files of a server for tests lie: in memory where that has room for them, as it syncs each of its writes. TMPDIR says otherwise.
files_of_server() {
    local room available
    room="$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')"
    available="$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null)"
    if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "${room:-0}" -ge 6000000 ] && [ "${available:-0}" -ge 12000000 ]; then
        echo /dev/shm
    else
        echo "${TMPDIR:-/tmp}"
    fi
}

# Sets TEST_POSTGRES_URL, unless it is set, to a private server that ends with this script.
provide_postgres() {
    # Before the server starts, so that no signal can leave one behind.
    trap stop_postgres EXIT
    trap 'end_child HUP 129' HUP
    trap 'end_child INT 130' INT
    trap 'end_child TERM 143' TERM
    if [ -n "${TEST_POSTGRES_URL:-}" ]; then
        say "PostgreSQL: the server of TEST_POSTGRES_URL"
        return
    fi
    need_postgres
    postgres_folder="$(mktemp -d "$(files_of_server)/muster-test.XXXXXX")"
    # Root's server runs as another user, who has to pass through.
    chmod 0755 "$postgres_folder"
    TEST_POSTGRES_URL="$("$root/scripts/postgres" start "$postgres_folder/server")"
    export TEST_POSTGRES_URL
    say "PostgreSQL: $TEST_POSTGRES_URL"
}

# Runs a command so that a signal to this script ends it at once: bash puts off traps while it waits
# for a command in the foreground. Its output, its input and its exit code are the command's own.
run() {
    say "+ $*"
    # What runs in the background ignores Ctrl-C unless told otherwise.
    (
        trap - INT QUIT
        exec "$@"
    ) <&0 &
    child=$!
    local status=0
    wait "$child" || status=$?
    child=
    return "$status"
}

# Runs tests on one database: `on sqlite cargo nextest run`.
on() {
    local database="$1"
    shift
    MUSTER_TEST_DATABASE="$database"
    export MUSTER_TEST_DATABASE
    say "Database: $database"
    run "$@"
}
