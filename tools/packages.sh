# packages.sh - the Debian packages that this project uses, and how they are installed. Sourced by
# quickstart and tools/setup_tests.
# shellcheck shell=bash disable=SC2034

# To build: compiler, libraries, and the compiler of the WebAssembly modules.
BUILD_PACKAGES=(
	build-essential pkg-config git ca-certificates
	libuv1-dev libmicrohttpd-dev libcurl4-openssl-dev libjansson-dev libssl-dev
	libsecp256k1-dev libsqlite3-dev libseccomp-dev libinih-dev libarchive-dev
	clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32
	python3 python3-pip
)

# To test, beside those.
TEST_PACKAGES=(
	libcmocka-dev clang-format-14 libclang-rt-14-dev llvm-14
	python3-pytest python3-hypothesis libfaketime zsh fish
	spin
)
# The contracts' compiler runs on node. A node from elsewhere brings its own npm and bars Debian's.
command -v npm >/dev/null || TEST_PACKAGES+=(nodejs npm)

LOG=${LOG:-build/packages.log}

say() { printf '==> %s\n' "$*"; }

# Names that are not installed, one a line. Needs no network.
missing_packages() {
	local p
	for p in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
	done
}

# Runs a command with its output in $LOG; shows that it is alive: seconds on a terminal, a line each
# half minute elsewhere.
quietly() {
	local what=$1 pid start=$SECONDS rc next=30
	shift
	mkdir -p "$(dirname "$LOG")"
	"$@" >>"$LOG" 2>&1 </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		if [ -t 1 ]; then
			printf '\r    %s ... %d s ' "$what" $((SECONDS - start))
		elif [ $((SECONDS - start)) -ge $next ]; then
			printf '    %s ... %d s\n' "$what" $((SECONDS - start))
			next=$((next + 30))
		fi
		sleep 0.5
	done
	wait "$pid"
	rc=$?
	[ ! -t 1 ] || printf '\r'
	if [ $rc -eq 0 ]; then
		printf '    %s: done in %d s\n' "$what" $((SECONDS - start))
	else
		printf '    %s: failed (status %d); the end of %s:\n' "$what" $rc "$LOG"
		tail -20 "$LOG" | sed 's/^/      | /'
	fi
	return $rc
}

# How to become root here: "" when we are, "sudo" or "sudo -n"; fails when there is no way.
root_prefix() {
	if [ "$(id -u)" -eq 0 ]; then
		echo ""
	elif command -v sudo >/dev/null && [ -t 0 ]; then
		echo sudo
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		echo "sudo -n"
	else
		return 1
	fi
}

# Installs what is missing of the given packages. Says what it does, and when it cannot, the command that
# would. Exit status 3: something that is needed is not installed.
need_packages() {
	local missing root
	mapfile -t missing < <(missing_packages "$@")
	if [ ${#missing[@]} -eq 0 ]; then
		say "all $# packages are installed"
		return 0
	fi
	say "${#missing[@]} of $# packages are missing: ${missing[*]}"
	if ! command -v apt-get >/dev/null; then
		echo "    this is no Debian system: install what corresponds to these, then run this again" >&2
		return 3
	fi
	if ! root=$(root_prefix); then
		echo "    no right to install them: not root, and sudo is not there or wants a password." >&2
		echo "    as root, run:  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
		return 3
	fi
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 - the prefix is several words
	if ! quietly "package lists" $root apt-get -q update; then
		echo "    the package lists could not be fetched: is there a network? Then run this again." >&2
		return 3
	fi
	# shellcheck disable=SC2086
	if ! quietly "installing ${#missing[@]} packages" $root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q install -y --no-install-recommends "${missing[@]}"; then
		echo "    is there a network, and room on the disk? To try it by hand:" >&2
		echo "    $root apt-get install -y --no-install-recommends ${missing[*]}" >&2
		return 3
	fi
}
