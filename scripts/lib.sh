# What the scripts share; sourced, never run.
# shellcheck shell=bash disable=SC2034 # those who source it use what it sets

set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"

# Tools that scripts/setup fetched because the machine's own were missing or too old.
export PATH="$ROOT/.tools/node/bin:$PATH"

# Where cargo builds.
TARGET_DIR="${CARGO_TARGET_DIR:-target}"

# The flags of everything that tests run, so that nothing is built twice. Whisper is in it; clippy and `make run` build without.
TEST_BUILD=(--workspace --features "testing,whisper" --locked)

# A build of minutes shows how far it is to whoever looks, and keeps a log short.
QUIET=(--quiet)
[[ ! -t 2 ]] || QUIET=()

say() { printf '\033[1m%s:\033[0m %s\n' "$(basename "$0")" "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# tool NAME: where it is, of those that scripts/setup fetched or else the machine's own.
tool() {
  if [[ -x ".venv/bin/$1" ]]; then
    printf '%s\n' ".venv/bin/$1"
  else
    command -v "$1"
  fi
}

have() { command -v "$1" >/dev/null 2>&1; }

# One sum for the contents of all of these files.
fingerprint() { sha256sum "$@" | sha256sum | cut -d' ' -f1; }
