#!/usr/bin/env bash
# Instances come up side by side, behave, and leave nothing behind, however they end.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"

export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache}
"$control_plane" binaries >"$scratch/binaries" # which may build, with the real HOME

# A home whose kubeconfig would break whoever read it.
mkdir -p "$scratch/home/.kube"
echo 'not a kubeconfig' >"$scratch/home/.kube/config"
export HOME=$scratch/home KUBECONFIG=$scratch/home/.kube/config GITMOOR_CP_DIR=$scratch/cp
tear_down() { "$control_plane" down --all >"$scratch/down" || cat "$scratch/down"; }
# shellcheck source=../lib/instances.sh
source "$tests/../lib/instances.sh"
instances=$GITMOOR_CP_DIR/instances

# lists the processes of an instance: the supervisor and all that it started.
processes_of() { cat "$instances/$1/pid" "$instances/$1/processes"; }

# another_runs INSTANCE NAME PROCESS: the instance has a process of that name, and not that one.
another_runs() {
  local now
  now=$(processes_of "$1" | awk -v name="$2" '$3 == name { print $1 }' | tail -n 1)
  [[ -n $now && $now != "$3" ]] && kill -0 "$now"
}

# none_lives FILE: none of the listed processes is there any more.
none_lives() {
  local pid born
  while read -r pid born _; do
    ! lives "$pid" "$born" || return 1
  done <"$1"
}

state_of() { instance_state "$instances/$1"; }
state_is() { [[ $(state_of "$1") == "$2" ]]; }

# --- two at the same time

"$control_plane" up --name one >"$scratch/one" 2>"$scratch/one.err" &
one=$!
"$control_plane" up --name two >"$scratch/two" 2>"$scratch/two.err" &
two=$!
wait "$one" || fail "one did not come up: $(cat "$scratch/one.err")"
wait "$two" || fail "two did not come up: $(cat "$scratch/two.err")"
equal 'two instances come up at the same time' "$(state_of one) $(state_of two)" 'running running'
equal 'in a pipe each is one line' "$(wc -l <"$scratch/one") $(wc -c <"$scratch/one.err")" '1 0'
processes_of one >"$scratch/processes"
equal 'up on a running one says the same' "$("$control_plane" up --name=one)" "$(cat "$scratch/one")"
equal 'and starts nothing' "$(processes_of one)" "$(cat "$scratch/processes")"
contains 'status lists them' "$("$control_plane" status)" 'two '
contains 'and for programs too' "$("$control_plane" status --name one --output json)" '[{"name":"one","state":"running","connection":{'
equal 'what is secret is for the owner only' \
  "$(find "$instances/one" -name etcd -prune -o -type f -perm /077 -print)" ''

# --- one of them is a cluster

eval "$("$control_plane" env --name one)"
kubectl=$GITMOOR_CP_KUBECTL
# field OBJECT JSONPATH
field() { "$kubectl" get "$1" -o "jsonpath=$2"; }
field_is() { [[ $(field "$1" "$2") == "$3" ]]; }
restarted() { [[ $(field "$1" '{.status.containerStatuses[0].restartCount}') -ge $2 ]]; }

contains 'its version can be parsed' "$("$kubectl" version)" 'Server Version: v1.37.2'
equal 'it has nodes in three zones' \
  "$("$kubectl" get nodes -o 'jsonpath={.items[*].metadata.labels.topology\.kubernetes\.io/zone}')" \
  'gitmoor-a gitmoor-b gitmoor-c'
contains 'it has mutating admission policies' "$("$kubectl" api-resources)" mutatingadmissionpolicies
equal 'who was given no right has none' \
  "$("$kubectl" auth can-i list secrets --as system:serviceaccount:default:default || true)" no

"$kubectl" create deployment good --image=registry.example/good:1.0 --replicas=3 >/dev/null
check 'a Deployment becomes Available' "$kubectl" wait --for=condition=Available --timeout=60s deployment/good
contains 'the audit log tells who made it' "$(grep '"verb":"create"' "$GITMOOR_CP_AUDIT_LOG" | grep deployments)" '"username":"gitmoor:admin"'

# For each behaviour a Pod that has it by its image, and one by its annotation.
for behavior in pull-error:does-not-exist crash:crash unready:unready slow:slow; do
  annotation=${behavior%:*} tag=${behavior#*:}
  "$kubectl" run "tag-$annotation" --image="registry.example/app:$tag" >/dev/null
  "$kubectl" run "note-$annotation" --image=registry.example/app:1.0 \
    --annotations="kwok.gitmoor.dev/behavior=$annotation" >/dev/null
done
for how in tag note; do
  state='{.status.containerStatuses[0].state.waiting.reason}'
  until_true "pull-error by $how: ImagePullBackOff" field_is "pod/$how-pull-error" "$state" ImagePullBackOff
  until_true "crash by $how: CrashLoopBackOff" field_is "pod/$how-crash" "$state" CrashLoopBackOff
  until_true "crash by $how: the last exit code" field_is "pod/$how-crash" \
    '{.status.containerStatuses[0].lastState.terminated.exitCode}' 1
  until_true "crash by $how: restarted again and again" restarted "pod/$how-crash" 2
  until_true "unready by $how: runs" field_is "pod/$how-unready" '{.status.phase}' Running
  equal "unready by $how: is not ready" \
    "$(field "pod/$how-unready" '{.status.conditions[?(@.type=="Ready")].status}')" False
  check "slow by $how: is ready in the end" \
    "$kubectl" wait --for=condition=Ready --timeout=60s "pod/$how-slow"
done
contains 'the message names the image' \
  "$(field pod/tag-pull-error '{.status.containerStatuses[0].state.waiting.message}')" \
  'Back-off pulling image "registry.example/app:does-not-exist"'

"$kubectl" apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: several
  finalizers: [gitmoor.dev/test]
spec:
  initContainers:
  - {name: first, image: "app:1.0"}
  - {name: beside, image: "app:1.0", restartPolicy: Always}
  containers:
  - {name: a, image: "registry.example:5000/a@sha256:0123456789012345678901234567890123456789012345678901234567890123"}
  - {name: b, image: b}
---
apiVersion: v1
kind: Pod
metadata: {name: never-initialized}
spec:
  initContainers:
  - {name: first, image: "app:does-not-exist"}
  containers:
  - {name: a, image: "app:1.0"}
YAML
check 'a Pod with several containers is ready' "$kubectl" wait --for=condition=Ready --timeout=60s pod/several
equal 'each of them has a status' "$(field pod/several '{.status.containerStatuses[*].ready}')" 'true true'
equal 'and each that comes before' "$(field pod/several '{.status.initContainerStatuses[*].ready}')" 'true true'
until_true 'an init container that cannot be pulled holds its Pod back' field_is pod/never-initialized \
  '{.status.initContainerStatuses[0].state.waiting.reason} {.status.containerStatuses[0].state.waiting.reason}' \
  'ImagePullBackOff PodInitializing'

"$kubectl" create job finished --image=app:1.0 >/dev/null
"$kubectl" create job broken --image=app:crash >/dev/null
check 'a Job completes' "$kubectl" wait --for=condition=Complete --timeout=60s job/finished
until_true "a Job's Pod that crashes fails" field_is job/broken '{.status.failed}' 1

"$kubectl" delete pod several --wait=false >/dev/null
contains 'a Pod with a finalizer stays' "$(field pod/several '{.metadata.deletionTimestamp}')" T
"$kubectl" patch pod several --type=merge -p '{"metadata":{"finalizers":null}}' >/dev/null
check 'and goes without' "$kubectl" wait --for=delete --timeout=60s pod/several
"$kubectl" create namespace team >/dev/null
"$kubectl" --namespace team create deployment good --image=app:1.0 >/dev/null
check 'a namespace goes with all that is in it' "$kubectl" delete namespace team --timeout=60s
check 'Pods go at once' "$kubectl" delete pods --all --timeout=60s

# --- however they end

processes_of two >"$scratch/processes"
kill -KILL "$(head -n 1 "$scratch/processes" | cut -d ' ' -f 1)"
until_true 'kill -9 of the supervisor leaves no process' none_lives "$scratch/processes"
equal 'the instance is known to be dead' "$(state_of two)" dead
check 'and comes up again' "$control_plane" up --name two

processes_of two >"$scratch/processes"
kill -KILL "$(awk '$3 == "etcd" { print $1 }' "$scratch/processes")"
until_true 'the end of one process is the end of all' none_lives "$scratch/processes"
equal 'the instance is known to have failed' "$(state_of two)" failed
contains 'and why' "$(cat "$instances/two/failure")" 'etcd has ended (signal: killed)'

sleep 1000 &
owner_process=$!
check 'an instance can have an owner' "$control_plane" up --name two --owner-pid "$owner_process" --restart
ended=$(processes_of two | awk '$3 == "kube-scheduler" { print $1 }')
kill -KILL "$ended"
until_true 'with --restart, a process that ends is followed by another' another_runs two kube-scheduler "$ended"
equal 'and the instance goes on' "$(state_of two)" running
processes_of two >"$scratch/processes"
kill "$owner_process"
until_true 'and ends with it' none_lives "$scratch/processes"
until_true 'leaving nothing' state_is two absent

for signal in TERM KILL; do
  "$control_plane" up --name two --foreground >/dev/null 2>&1 &
  foreground_process=$!
  disown "$foreground_process" # so that the shell does not report how it ends
  until_true 'an instance in the foreground comes up' state_is two running
  processes_of two >"$scratch/processes"
  kill "-$signal" "$foreground_process"
  until_true "and ends when it gets SIG$signal" none_lives "$scratch/processes"
  until_true 'leaving nothing' state_is two absent
done

"$control_plane" up --name two >/dev/null 2>&1 &
starting=$!
until_true 'a start is under way' test -e "$instances/two/processes"
processes_of two >"$scratch/processes"
kill -TERM "$starting"
until_true 'and leaves no process when it is interrupted' none_lives "$scratch/processes"
until_true 'and no folder' state_is two absent

processes_of one >"$scratch/processes"
check 'down ends an instance' "$control_plane" down --name one --keep
check 'and all of its processes' none_lives "$scratch/processes"
equal 'with --keep the logs stay' "$(find "$instances/one" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs)" 'audit.log logs'
check 'without it' "$control_plane" down --name one
equal 'nothing does' "$(find "$instances" -mindepth 1)" ''
contains 'down of what is not up says so' "$("$control_plane" down --name one)" 'is not up'
equal 'the kubeconfig of the user is as it was' "$(cat "$scratch/home/.kube/config")" 'not a kubeconfig'
equal 'and alone' "$(find "$scratch/home" -type f)" "$scratch/home/.kube/config"
