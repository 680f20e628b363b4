# shellcheck shell=bash
# What is seen: one `kubectl get --watch` per kind writes a line for each change, with the time of its arrival.
# (No `range` in the templates: kubectl ends at the second print of one.)

readonly deadline=60 # seconds; far more than anything takes
# Between columns: kubectl aligns what has tabs.
readonly unit=$'\x1f'

# Columns of the lines after the time, as names for the conditions below.
readonly columns_microservices='change name generation observed image replicas ready reason message drifted driftreason serving running'
readonly columns_deployments='change name replicas available image'
readonly columns_gitsyncs='change name ready reason message revision quarantined places findings'

start_watches() {
  watch_kind microservices '{.type}{"\x1f"}{.object.metadata.namespace}/{.object.metadata.name}{"\x1f"}{.object.metadata.generation}{"\x1f"}{.object.status.observedGeneration}{"\x1f"}{.object.spec.image}{"\x1f"}{.object.spec.replicas}{"\x1f"}{.object.status.conditions[?(@.type=="Ready")].status}{"\x1f"}{.object.status.conditions[?(@.type=="Ready")].reason}{"\x1f"}{.object.status.conditions[?(@.type=="Ready")].message}{"\x1f"}{.object.status.conditions[?(@.type=="Drifted")].status}{"\x1f"}{.object.status.conditions[?(@.type=="Drifted")].reason}{"\x1f"}{.object.status.replicasSummary}{"\x1f"}{.object.status.image.running}{"\n"}'
  watch_kind deployments '{.type}{"\x1f"}{.object.metadata.namespace}/{.object.metadata.name}{"\x1f"}{.object.spec.replicas}{"\x1f"}{.object.status.availableReplicas}{"\x1f"}{.object.spec.template.spec.containers[0].image}{"\n"}'
  watch_kind gitsyncs '{.type}{"\x1f"}{.object.metadata.name}{"\x1f"}{.object.status.conditions[?(@.type=="Ready")].status}{"\x1f"}{.object.status.conditions[?(@.type=="Ready")].reason}{"\x1f"}{.object.status.conditions[?(@.type=="Ready")].message}{"\x1f"}{.object.status.lastAppliedRevision.revision}{"\x1f"}{.object.status.counts.quarantined}{"\x1f"}{.object.status.diagnostics[*].place}{"\x1f"}{.object.status.diagnostics[*].message}{"\n"}'
}

watch_kind() {
  local kind=$1 template=$2
  start "$kubectl" get "$kind" --all-namespaces --watch --output-watch-events --output "jsonpath=$template" \
    </dev/null > >(stamp >"$folder/$kind.seen") 2>>"$folder/kubectl.log"
}

stamp() {
  local line
  trap '' INT
  while IFS= read -r line; do printf '%s\x1f%s\n' "${EPOCHREALTIME//[!0-9]/}" "$line"; done
}

# await WHAT KIND CONDITION: until a line fits that came since `began`. Sets `at` to its time and `line` to it.
await() {
  local found
  find_since=$began
  poll "$1" first_line "$2" "$3"
  at=${found%%$'\x1f'*} line=$found
}

# await_all WHAT COUNT CONDITION: until so many MicroServices fit at the same time. Sets `at`.
await_all() {
  local found
  poll "$1" all_lines "$2" "$3"
  at=$found
}

# await_log WHAT PATTERN: until the daemon has logged it since `began`. Sets `at` and `line`.
await_log() {
  local found
  poll "$1" log_line "$2"
  at=$(date --date="${found%% *}" +%s%6N) line=$found
}

# await_event WHAT NAMESPACE REASON OBJECT: an Event about it since `began` (to the second).
await_event() {
  local found
  poll "$1" event "$2" "$3" "$4"
  line=$found
}

# poll WHAT COMMAND...: until the command prints something, which is then in `found` of the caller.
poll() {
  local what=$1 until=$((SECONDS + deadline))
  shift
  until found=$("$@") && [[ -n $found ]]; do
    kill -0 "$gitmoor_id" 2>/dev/null || fail "gitmoor has ended while this was awaited: $what"
    [[ $SECONDS -lt $until ]] || { tell_state; fail "after $deadline s still not: $what"; }
    sleep 0.02
  done
}

first_line() {
  awk -F '\037' -v since="$began" "$(named "$1") \$1 >= since && ($2) { print; exit }" "$folder/$1.seen"
}

all_lines() {
  awk -F '\037' -v count="$1" "$(named microservices)
    { if (change != \"DELETED\" && ($2)) fits[name] = 1; else delete fits[name] }
    { if (length(fits) == count) { if (!at) at = \$1 } else at = 0 }
    END { if (at) print at }" "$folder/microservices.seen"
}

# named KIND: an awk action that gives the columns their names.
named() {
  local column number=2
  printf '{ '
  local -n columns=columns_$1
  for column in $columns; do
    printf '%s = $%d; ' "$column" "$number"
    number=$((number + 1))
  done
  printf '} '
}

log_line() {
  local from
  # Text order is time order in ISO 8601.
  from=$(date --utc --date="@$((began / 1000000)).$(printf '%06d' $((began % 1000000)))" +%Y-%m-%dT%H:%M:%S.%6NZ)
  awk -v from="$from" -v pattern="$1" '$1 >= from && $0 ~ pattern { print; exit }' "$folder/gitmoor.log"
}

event() {
  "$kubectl" --namespace "$1" get events.events.k8s.io --output \
    'jsonpath={range .items[*]}{.metadata.creationTimestamp}{"\x1f"}{.reason}{"\x1f"}{.regarding.name}{"\x1f"}{.note}{"\n"}{end}' |
    awk -F '\037' -v from="$(date --utc --date="@$((began / 1000000))" +%Y-%m-%dT%H:%M:%SZ)" -v reason="$2" -v object="$3" \
      '$1 >= from && $2 == reason && $3 == object { print $4; exit }'
}

# edit ARGUMENTS...: kubectl as a person. Sets `began` to when the API server received the change, from its audit log.
edit() {
  local stamp='' known word shown=kubectl
  for word in "$@"; do
    if [[ $word == *[\{\ ]* ]]; then word="'$word'"; fi
    shown+=" $word"
  done
  did "$shown"
  known=$(wc -l <"$GITMOOR_CP_AUDIT_LOG")
  "$kubectl" "$@" >/dev/null || fail "kubectl $*"
  for ((tries = 0; tries < 200; tries++)); do
    stamp=$(tail -n "+$((known + 1))" "$GITMOOR_CP_AUDIT_LOG" | grep -E '"verb":"(patch|update)".*"userAgent":"kubectl' |
      sed -n 's/.*"requestReceivedTimestamp":"\([^"]*\)".*/\1/p' | tail -n 1) || true
    [[ -z $stamp ]] || break
    sleep 0.02
  done
  [[ -n $stamp ]] || fail 'the audit log does not show the edit'
  began=$(date --date="$stamp" +%s%6N)
}

# push MESSAGE: commits and pushes all that changed in the clone. Sets `began` to when the repository had it.
push() {
  local short
  in_clone add --all
  in_clone commit --quiet --message "$1"
  rm -f -- "$folder/pushed"
  in_clone push --quiet || fail 'git push failed'
  [[ -s $folder/pushed ]] || fail 'the hook of the repository did not run'
  began=$(<"$folder/pushed")
  short=$(in_clone rev-parse --short=7 HEAD)
  did "git commit -am '$1' && git push    # $short"
}

# tell_state: for failures.
tell_state() {
  "$kubectl" get gitsyncs,microservices --all-namespaces >&2 || true
  "$kubectl" --namespace "$system" get gitsync "$sync" --output yaml >&2 || true
}
