# shellcheck shell=bash
# What the tests share: a scratch folder, `ok` lines, and nothing left behind.
set -euo pipefail

tests=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # for the tests
control_plane=$tests/../control-plane
scratch=$(mktemp -d)
unset GITMOOR_CP_BIN GITMOOR_CP_DIR GITMOOR_CP_MIRROR GITMOOR_CP_NAME GITMOOR_CP_OFFLINE \
  GITMOOR_CP_DOWNLOADS KUBEBUILDER_ASSETS KUBECONFIG KUBECACHEDIR

passed=0
ok() {
  passed=$((passed + 1))
  printf 'ok - %s\n' "$*"
}

fail() {
  printf 'not ok - %s\n' "$*" >&2
  exit 1
}

# check WHAT COMMAND...: one line for a command that succeeds; all of the output, and the
# end of the test, for one that does not.
check() {
  local what=$1 out
  shift
  if out=$("$@" 2>&1); then ok "$what"; else fail "$what: $*: $out"; fi
}

# equal WHAT GOT WANTED
equal() {
  if [[ $2 == "$3" ]]; then ok "$1"; else fail "$1: got '$2', wanted '$3'"; fi
}

# contains WHAT TEXT PART
contains() {
  if [[ $2 == *"$3"* ]]; then ok "$1"; else fail "$1: no '$3' in: $2"; fi
}

# until_true WHAT COMMAND...: polls; a minute is far more than anything here takes.
until_true() {
  local what=$1 deadline=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $deadline ]] || fail "$what: still not true: $*: $("$@" 2>&1 || true)"
    sleep 0.05
  done
  ok "$what"
}

finish() {
  local status=$?
  trap - EXIT
  tear_down
  rm -rf -- "$scratch"
  if [[ $status -eq 0 ]]; then printf '%d passed, 0 failed\n' "$passed"; fi
  exit "$status"
}
tear_down() { :; } # a test that starts something has its own
trap finish EXIT
trap 'exit 130' INT TERM
