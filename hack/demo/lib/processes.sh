# shellcheck shell=bash
# What was started, and how it ends: by its id, and with this script even when that is killed.

started=()        # ids, in the order of their start
control_plane=''  # set while there may be one
folder=''

# start COMMAND...: in the background; its id is in `id`. Redirect its input and output.
start() {
  local tied=()
  # The kernel ends it when this script is gone.
  if type -P setpriv >/dev/null; then tied=(setpriv --pdeathsig TERM --); fi
  # Without a redirection of its own, bash gives it /dev/null as its input.
  "${tied[@]}" "$@" <&0 &
  id=$!
  started+=("$id")
}

# stop ID: tells it to end and waits until it has; returns its exit status.
stop() {
  local one kept=()
  for one in "${started[@]}"; do [[ $one == "$1" ]] || kept+=("$one"); done
  started=("${kept[@]}")
  kill -TERM "$1" 2>/dev/null || true
  # Half a minute: the daemon gives itself 20 s.
  for ((tries = 0; tries < 1500; tries++)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.02
  done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null
}

clean_up() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  if [[ $status -ne 0 && -e $folder/gitmoor.log ]]; then keep_for_inspection "$status"; fi
  if [[ -n $control_plane ]]; then say "ending all that was started …"; fi
  while [[ ${#started[@]} -gt 0 ]]; do stop "${started[-1]}" || true; done
  if [[ -n $control_plane ]]; then "$root/hack/control-plane/control-plane" down --name "$name" >/dev/null || status=1; fi
  if [[ -n $folder ]]; then rm -rf -- "$folder"; fi
  exit "$status"
}

# What happened is not lost with the folder.
keep_for_inspection() {
  local kept=$root/target/demo-$name
  rm -rf -- "$kept"
  mkdir -p -- "$kept"
  cp -- "$folder"/*.log "$folder"/*.seen "$kept" 2>/dev/null || true
  if [[ $1 != 130 ]]; then
    printf '\nthe end of the log (all of it, and what was seen, is in %s):\n' "$kept" >&2
    tail -n 25 -- "$folder/gitmoor.log" >&2
  fi
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
