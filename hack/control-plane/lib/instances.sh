# shellcheck shell=bash
# Instances: one supervisor process and one folder each. supervisor/folder.go tells what
# is in the folder. Whoever changes it holds the lock beside it.

readonly start_timeout=120

command_up() {
  local folder=$instances/$name state
  obtain_programs
  lock_instance
  state=$(instance_state "$folder")
  case $state in
    running) ;;
    starting) await_ready "$folder" ;;
    *)
      [[ $state == absent ]] || stop_processes "$folder"
      rm -rf -- "$folder"
      start_supervisor "$folder"
      await_ready "$folder"
      ;;
  esac
  unlock_instance
  tell_ready "$folder"
  if [[ -n $foreground ]]; then stay "$folder"; fi
}

command_down() {
  local folder
  if [[ -z $all ]]; then
    take_down
    return
  fi
  for folder in "$instances"/*/; do
    [[ -d $folder ]] || continue
    name=$(basename -- "$folder")
    take_down
  done
}

take_down() {
  local folder=$instances/$name
  lock_instance
  if [[ ! -d $folder ]]; then
    printf "control plane '%s' is not up\n" "$name"
  else
    stop_processes "$folder"
    if [[ -n $keep ]]; then
      find "$folder" -mindepth 1 -maxdepth 1 ! -name logs ! -name audit.log ! -name failure -exec rm -rf -- {} +
      printf "control plane '%s' is down; its logs are in %s\n" "$name" "$folder"
    else
      rm -rf -- "$folder"
      printf "control plane '%s' is down\n" "$name"
    fi
  fi
  rm -f -- "$folder.lock"
  unlock_instance
}

command_status() {
  local folder state separator='' row='%-20s %-9s %-24s %s\n'
  [[ $output == json ]] && printf '['
  # shellcheck disable=SC2059 # the format is the row's, above
  [[ $output == json ]] || printf "$row" NAME STATE SERVER SINCE
  for folder in "$instances"/*/; do
    folder=${folder%/}
    [[ -d $folder && (-z $one_instance || ${folder##*/} == "$name") ]] || continue
    state=$(instance_state "$folder")
    if [[ $output == json ]]; then
      printf '%s{"name":"%s","state":"%s"' "$separator" "${folder##*/}" "$state"
      [[ $state != running ]] || printf ',"connection":%s' "$(<"$folder/state.json")"
      printf '}'
      separator=,
    elif [[ $state == running ]]; then
      # shellcheck disable=SC2059
      printf "$row" "${folder##*/}" "$state" "$(connection "$folder" server)" "$(connection "$folder" since)"
    else
      # shellcheck disable=SC2059
      printf "$row" "${folder##*/}" "$state" - -
    fi
  done
  [[ $output != json ]] || printf ']\n'
}

command_env() {
  local folder=$instances/$name
  [[ $(instance_state "$folder") == running ]] ||
    die "control plane '$name' is not running" "control-plane up --name $name   starts it"
  cat -- "$folder/env.sh"
}

# start_supervisor FOLDER: as a session of its own, so that it stays when the terminal goes.
start_supervisor() {
  local folder=$1 owner=() restarts=()
  mkdir -p -- "$folder/logs"
  [[ -z $foreground ]] || owner_pid=$$
  [[ -z $owner_pid ]] || owner=("--owner-pid=$owner_pid")
  [[ -z $restart ]] || restarts=(--restart)
  abandon=abandon_start
  setsid -- "$supervisor" --name="$name" --instance="$folder" --bin="$programs_folder" \
    --stages="$here/stages" --node="$here/node.yaml" --nodes="$nodes" \
    --audit-policy="$here/audit-policy.yaml" --lock="$folder.lock" \
    --timeout="${start_timeout}s" "${owner[@]}" "${restarts[@]}" \
    >"$folder/logs/supervisor.log" 2>&1 </dev/null {instance_lock}>&- &
  # Until it has written down who it is.
  while [[ ! -e $folder/pid ]] && kill -0 $! 2>/dev/null; do sleep 0.01; done
}

# await_ready FOLDER: until the supervisor tells that the instance is ready, or why not.
await_ready() {
  local folder=$1 phase began=$SECONDS
  while :; do
    phase=$(read_file "$folder/phase")
    [[ $phase != ready ]] || break
    if ! supervisor_lives "$folder"; then
      abandon=''
      die "control plane '$name' did not start: $(why_ended "$folder")" "its logs are in $folder/logs"
    fi
    progress "control plane '$name': ${phase:-starting} … $((SECONDS - began)) s"
    sleep 0.05
  done
  clear_progress
  abandon=''
}

# abandon_start: whoever interrupts a start has no use for half an instance.
abandon_start() {
  stop_processes "$instances/$name"
  rm -rf -- "${instances:?}/$name" "$instances/$name.lock"
}

tell_ready() {
  local folder=$1 server version
  server=$(connection "$folder" server)
  version=$(connection "$folder" version)
  if [[ -t 1 ]]; then
    printf "control plane '%s' is ready: Kubernetes %s at %s\n" "$name" "$version" "$server"
    # shellcheck disable=SC2016 # it is for the reader's shell
    printf '  eval "$(%s env --name %s)"   sets KUBECONFIG and the rest\n' "$0" "$name"
  else
    printf 'ready name=%s version=%s server=%s kubeconfig=%s\n' \
      "$name" "$version" "$server" "$folder/admin.kubeconfig"
  fi
}

# stay FOLDER: until the instance ends, or this script is told to and ends it.
stay() {
  local folder=$1 pid
  read -r pid _ <"$folder/pid"
  abandon=take_down
  tail --pid="$pid" -f /dev/null &
  background=$!
  wait "$background" || true
  background='' abandon=''
  if [[ -e $folder/failure ]]; then
    die "control plane '$name' has ended: $(why_ended "$folder")" "its logs are in $folder/logs"
  fi
}

# stop_processes FOLDER: ends the supervisor, then makes sure that nothing it started is
# left. A process counts only if its start time is the one that was written down.
stop_processes() {
  local folder=$1 pid born
  if [[ -e $folder/pid ]]; then
    read -r pid born <"$folder/pid"
    end_process "$pid" "$born" TERM 100 || end_process "$pid" "$born" KILL 50 || true
  fi
  [[ -e $folder/processes ]] || return 0
  while read -r pid born _; do
    end_process "$pid" "$born" KILL 50 || note "process $pid of control plane '$name' does not end"
  done <"$folder/processes"
}

# end_process PID BORN SIGNAL TENTHS: fails if the process is still there after that time.
end_process() {
  local pid=$1 born=$2 signal=$3 tenths=$4
  lives "$pid" "$born" || return 0
  kill "-$signal" "$pid" 2>/dev/null || true
  for ((; tenths > 0; tenths--)); do
    for _ in 1 2 3 4 5; do
      lives "$pid" "$born" || return 0
      sleep 0.02
    done
  done
  return 1
}

# instance_state FOLDER: absent, starting, running, failed (ended by itself), dead (its
# supervisor was killed) or stopped (only logs are left).
instance_state() {
  local folder=$1 phase
  if [[ ! -d $folder ]]; then
    printf 'absent\n'
    return
  fi
  phase=$(read_file "$folder/phase")
  if supervisor_lives "$folder"; then
    if [[ $phase == ready ]]; then printf 'running\n'; else printf 'starting\n'; fi
  elif [[ -e $folder/failure ]]; then
    printf 'failed\n'
  elif [[ -e $folder/pid && $phase != stopped ]]; then
    printf 'dead\n'
  else
    printf 'stopped\n'
  fi
}

supervisor_lives() {
  local pid='' born=''
  [[ -e $1/pid ]] && read -r pid born <"$1/pid" && lives "$pid" "$born"
}

# lives PID BORN
lives() { [[ $(start_time "$1") == "$2" ]]; }

# start_time PID: field 22 of the process's stat, counted from behind the name in
# parentheses; nothing if it has ended.
start_time() {
  local stat fields
  stat=$(read_file "/proc/$1/stat")
  read -r -a fields <<<"${stat##*) }"
  if [[ ${#fields[@]} -ge 20 && ${fields[0]} != Z ]]; then printf '%s\n' "${fields[19]}"; fi
}

why_ended() {
  if [[ -e $1/failure ]]; then
    cat -- "$1/failure"
  else
    printf 'the supervisor has ended; the end of its log:\n'
    tail -n 15 -- "$1/logs/supervisor.log"
  fi
}

# connection FOLDER FIELD: a string of state.json.
connection() { sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" "$1/state.json"; }

# read_file PATH: its text, or nothing if it is not there.
read_file() { cat -- "$1" 2>/dev/null || true; }

# lock_instance: the lock file is removed with the instance, so the lock counts only if
# the file that was locked is still the one at that path.
lock_instance() {
  local path=$instances/$name.lock
  mkdir -p -- "$instances"
  while :; do
    exec {instance_lock}>"$path"
    flock --timeout $((start_timeout + 60)) "$instance_lock" ||
      die "another process is busy with control plane '$name'"
    [[ ! /proc/$$/fd/$instance_lock -ef $path ]] || return 0
    exec {instance_lock}>&-
  done
}

unlock_instance() { exec {instance_lock}>&-; }
