# shellcheck shell=bash
# What people see. Results go to standard output and everything else to standard error:
# lines that update themselves on a terminal, and one line for each event in a pipe.

note() { printf '%s\n' "$*" >&2; }

# die MESSAGE [HINT LINE]...
die() {
  clear_progress
  printf 'error: %s\n' "$1" >&2
  shift
  if [[ $# -gt 0 ]]; then printf '  %s\n' "$@" >&2; fi
  exit 1
}

die_usage() {
  printf 'error: %s\n  control-plane help   tells what there is\n' "$1" >&2
  exit 2
}

# progress TEXT: shown on a terminal only, until the next thing is.
progress() {
  if [[ -t 2 ]]; then printf '\r\033[K%s' "$*" >&2; fi
}

clear_progress() { progress ''; }

# with_progress LABEL LOG COMMAND...: runs the command with its output in the log, and
# tells how long it has taken. Gives back the command's exit status.
with_progress() {
  local label=$1 log=$2 began=$SECONDS status=0
  shift 2
  [[ -t 2 ]] || note "$label …"
  "$@" >"$log" 2>&1 </dev/null &
  background=$!
  if [[ -t 2 ]]; then
    while kill -0 "$background" 2>/dev/null; do
      progress "$(printf '%s … %d s' "$label" $((SECONDS - began)))"
      sleep 0.2
    done
    clear_progress
  fi
  wait "$background" || status=$?
  background=''
  if [[ $status -eq 0 ]]; then note "$label: done after $((SECONDS - began)) s"; fi
  return "$status"
}

# What must not outlive this script, however it ends.
background=''
drafts=()
abandon='' # a command
clean_up() {
  local status=$?
  trap - EXIT
  if [[ -n $background ]]; then kill "$background" 2>/dev/null || true; fi
  if [[ ${#drafts[@]} -gt 0 ]]; then rm -rf -- "${drafts[@]}"; fi
  $abandon
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
