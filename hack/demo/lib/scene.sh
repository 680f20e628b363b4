# shellcheck shell=bash
# The scene: programs, a cluster, a repository over HTTP, and the daemon.

readonly system=gitmoor-system sync=shop

set_the_scene() {
  title 'Programs'
  "$root/hack/setup" demo
  build
  title 'Cluster'
  start_cluster
  title 'Repository'
  start_repository
  title 'Gitmoor'
  start_gitmoor
}

build() {
  if [[ -n ${GITMOOR:-} ]]; then
    gitmoor=$(type -P "$GITMOOR") || fail "GITMOOR is to be a program, and nothing can be run as '$GITMOOR'"
  else
    say 'building gitmoor (the profile that the tests use; minutes the first time) …'
    cargo build --locked || fail 'gitmoor does not build'
    gitmoor=${CARGO_TARGET_DIR:-$root/target}/debug/gitmoor
  fi
  tools=${CARGO_TARGET_DIR:-$root/target}/tools
  "$root/hack/git-server/build" "$tools"
  "$root/hack/control-plane/control-plane" binaries >/dev/null
  say "$("$gitmoor" --version), $(git --version)"
}

start_cluster() {
  local script=$root/hack/control-plane/control-plane
  if [[ $("$script" status --name "$name" --output json) == *'"state":"running"'* ]]; then
    fail "a control plane '$name' is running already: another demo? make demo NAME=two stands beside it"
  fi
  folder=$(mktemp -d "${TMPDIR:-/tmp}/gitmoor-demo.XXXXXX")
  control_plane=yes
  now
  local began=$REPLY
  "$script" up --name "$name" --owner-pid $$ >/dev/null
  eval "$("$script" env --name "$name")"
  kubectl=$GITMOOR_CP_KUBECTL
  now
  saw "$("$kubectl" version | sed -n 's/Server Version: /Kubernetes /p') answers at $GITMOOR_CP_SERVER" $((REPLY - began))
  did 'kubectl apply --server-side -f deploy/crds -f deploy/access.yaml -f deploy/protection.yaml'
  "$kubectl" apply --server-side -f "$root/deploy/crds" -f "$root/deploy/access.yaml" \
    -f "$root/deploy/protection.yaml" >/dev/null
  "$kubectl" wait --for=condition=Established --timeout=30s crd/gitsyncs.gitmoor.dev crd/microservices.gitmoor.dev >/dev/null
  saw 'the kinds GitSync and MicroService are there, and what the daemon may do'
}

# in_clone ARGUMENTS...: git in the working clone, which sees no configuration but its own.
in_clone() { GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git -C "$clone" "$@"; }

start_repository() {
  local bare=$folder/served/shop.git
  clone=$folder/shop
  GIT_CONFIG_GLOBAL=/dev/null git init --quiet --bare --initial-branch=main "$bare"
  mkfifo "$folder/nothing"
  start "$tools/git-server" --root "$folder/served" --push <>"$folder/nothing" >"$folder/git-server.log" 2>&1
  until [[ $(<"$folder/git-server.log") == *'"url"'* ]]; do
    kill -0 "$id" 2>/dev/null || fail "the Git server did not start: $(<"$folder/git-server.log")"
    sleep 0.02
  done
  url=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$folder/git-server.log")/shop.git
  cp -r -- "$root/examples/repo" "$clone"
  GIT_CONFIG_GLOBAL=/dev/null git init --quiet --initial-branch=main "$clone"
  in_clone config user.name 'Ada Lovelace'
  in_clone config user.email ada@example.com
  in_clone config commit.gpgsign false
  in_clone remote add origin "$url"
  in_clone add --all
  in_clone commit --quiet --message 'the shop'
  in_clone push --quiet --set-upstream origin main
  services=$(grep -r --include='*.yaml' -c '^kind: MicroService' "$clone" | awk -F: '{ n += $NF } END { print n }')
  saw "examples/repo, $services services, at $url"
}

start_gitmoor() {
  local log=$folder/gitmoor.log hooks
  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$folder/token"
  "$kubectl" --namespace "$system" create secret generic hook --from-file=token="$folder/token" >/dev/null
  write_kubeconfig
  write_gitsync
  start_watches
  did 'gitmoor run'
  start "$gitmoor" --color never run --namespace "$system" --kubeconfig "$folder/gitmoor.kubeconfig" \
    --cache-dir "$folder/repositories" --hooks-listen 127.0.0.1:0 --ops-listen 127.0.0.1:0 --log-format text \
    </dev/null >"$log" 2>&1
  gitmoor_id=$id
  until hooks=$(sed -n 's/.*listening what="webhooks" address=//p' "$log") && [[ -n $hooks ]]; do
    kill -0 "$gitmoor_id" 2>/dev/null || fail "gitmoor did not start: $(<"$log")"
    sleep 0.02
  done
  # What a forge does after a push: a signed POST. The time is for the measurements.
  cat >"$folder/served/shop.git/hooks/post-receive" <<HOOK
#!/bin/sh
date +%s%6N >'$folder/pushed'
exec '$tools/git-server' announce --url 'http://$hooks/hooks/$system/$sync' --token-file '$folder/token'
HOOK
  chmod +x "$folder/served/shop.git/hooks/post-receive"
  saw "pushes are announced to http://$hooks/hooks/$system/$sync"
  did 'kubectl apply -f gitsync.yaml'
  sed 's/^/    /' "$folder/gitsync.yaml"
  now
  sync_created=$REPLY
  "$kubectl" apply --server-side -f "$folder/gitsync.yaml" >/dev/null
}

# The daemon has the rights of deploy/access.yaml, as in a pod, and no others.
write_kubeconfig() {
  local token
  token=$("$kubectl" --namespace "$system" create token gitmoor)
  cat >"$folder/gitmoor.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: demo
clusters:
- name: demo
  cluster: {server: "$GITMOOR_CP_SERVER", certificate-authority: "$GITMOOR_CP_CA"}
users:
- name: gitmoor
  user: {token: "$token"}
contexts:
- name: demo
  context: {cluster: demo, user: gitmoor}
YAML
}

write_gitsync() {
  cat >"$folder/gitsync.yaml" <<YAML
apiVersion: gitmoor.dev/v1alpha1
kind: GitSync
metadata: {name: $sync, namespace: $system}
spec:
  url: $url
  ref: {branch: main}
  interval: 1h                     # pushes are announced
  webhook: {secretRef: {name: hook}}
  targetNamespace: shop            # for manifests that name none
  allowedNamespaces: [shop, pay]
  createNamespaces: true
YAML
}
