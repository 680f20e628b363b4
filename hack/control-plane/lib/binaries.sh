# shellcheck shell=bash
# Where the programs come from: given folders, the cache, a download, a build.

# In the order in which they are obtained: what many others share is built first.
readonly programs=(etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok)
readonly -A packages=(
  [etcd]=go.etcd.io/etcd/server/v3
  [kube-apiserver]=k8s.io/kubernetes/cmd/kube-apiserver
  [kube-controller-manager]=k8s.io/kubernetes/cmd/kube-controller-manager
  [kube-scheduler]=k8s.io/kubernetes/cmd/kube-scheduler
  [kubectl]=k8s.io/kubernetes/cmd/kubectl
  [kwok]=sigs.k8s.io/kwok/cmd/kwok
)

command_binaries() {
  obtain_programs
  printf '%s\n' "$programs_folder"
}

# obtain_programs sets programs_folder, with all the programs in it, and supervisor.
obtain_programs() {
  local program supervisor_name
  if [[ -n ${GITMOOR_CP_BIN:-} && ! -d ${GITMOOR_CP_BIN:-} ]]; then
    die "GITMOOR_CP_BIN names $GITMOOR_CP_BIN, which is no folder"
  fi
  cached=$cache/bin/$(cache_key)
  # The supervisor is named after its source, so that an older one is never taken for it.
  supervisor_name=supervisor-$(digest "$here"/supervisor/*.go "$here/supervisor/go.mod")

  if ! locate_all "$supervisor_name"; then
    mkdir -p -- "$cached"
    local lock
    exec {lock}>"$cached.lock"
    flock --nonblock "$lock" || {
      note "waiting for another process that is obtaining the programs …"
      flock "$lock"
    }
    for program in "${programs[@]}"; do
      locate "$program" >/dev/null || obtain "$program"
    done
    locate "$supervisor_name" >/dev/null || build_supervisor "$supervisor_name"
    exec {lock}>&-
    locate_all "$supervisor_name" || die "the programs are gone from $cached"
  fi
  gather "$supervisor_name"
}

locate_all() {
  local program
  for program in "${programs[@]}" "$@"; do
    locate "$program" >/dev/null || return 1
  done
}

# locate PROGRAM: prints the path of a program that is there already.
locate() {
  local program=$1
  if [[ -n ${GITMOOR_CP_BIN:-} && -x ${GITMOOR_CP_BIN:-}/$program ]]; then
    realpath -s -- "$GITMOOR_CP_BIN/$program"
  elif kubebuilder_has "$program"; then
    realpath -s -- "$KUBEBUILDER_ASSETS/$program"
  elif [[ -x $cached/$program ]]; then
    printf '%s\n' "$cached/$program"
  else
    return 1
  fi
}

# kubebuilder_has PROGRAM: whether KUBEBUILDER_ASSETS has it in a version that goes with the
# others: the controllers may not be newer than the API server.
kubebuilder_has() {
  local path=${KUBEBUILDER_ASSETS:-}/$1 minor
  [[ -n ${KUBEBUILDER_ASSETS:-} && -x $path ]] || return 1
  minor=$(kubernetes_version)
  minor=${minor%.*}
  case $1 in
    etcd) [[ $("$path" --version 2>/dev/null) == *'etcd Version: 3.'[5-9]* ]] ;;
    kube-apiserver) [[ $("$path" --version 2>/dev/null) == "Kubernetes $minor."* ]] ;;
    kubectl) [[ $(HOME=/nonexistent KUBECONFIG=/dev/null "$path" version --client 2>/dev/null) == *"Client Version: $minor."* ]] ;;
    *) return 1 ;;
  esac
}

# gather sets programs_folder: that of the programs if they are all in one, else a folder
# with links to them.
gather() {
  local program path paths=()
  supervisor=$(locate "$1")
  for program in "${programs[@]}"; do
    path=$(locate "$program")
    paths+=("$path")
  done
  programs_folder=${paths[0]%/*}
  for path in "${paths[@]}"; do
    [[ ${path%/*} == "$programs_folder" ]] || programs_folder=''
  done
  [[ -z $programs_folder ]] || return 0

  programs_folder=$cache/sets/$(printf '%s\n' "${paths[@]}" | sha256sum | cut -c 1-12)
  mkdir -p -- "$programs_folder"
  for path in "${paths[@]}"; do
    ln -sfn -- "$path" "$programs_folder/${path##*/}"
  done
}

# obtain PROGRAM: puts a program into the cache, all of it or nothing.
obtain() {
  local program=$1 draft=$cached/.$1.draft
  drafts+=("$draft" "$draft.log" "$draft.checksum")
  if ! download "$program" "$draft"; then
    require_go "$program"
    build "$program" "$draft" "$here/tools" "${packages[$program]}" "$(version_flags)"
  fi
  mv -- "$draft" "$cached/$program"
}

build_supervisor() {
  local draft=$cached/.$1.draft
  drafts+=("$draft" "$draft.log")
  require_go supervisor
  build supervisor "$draft" "$here/supervisor" . ''
  mv -- "$draft" "$cached/$1"
}

# build NAME DRAFT MODULE-FOLDER PACKAGE LDFLAGS
build() {
  local name=$1 draft=$2 module=$3 package=$4 ldflags=$5
  with_progress "building $name" "$draft.log" \
    env -u GOOS -u GOARCH GOFLAGS='' GOWORK=off CGO_ENABLED=0 go -C "$module" build -mod=readonly \
    -trimpath -buildvcs=false -ldflags "-s -w $ldflags" -o "$draft" "$package" || {
    tail -n 20 -- "$draft.log" >&2
    die "failed to build $name"
  }
  rm -f -- "$draft.log"
}

# version_flags: what the servers tell their version by. Without it clients cannot parse it.
version_flags() {
  local version major minor package flags=''
  version=$(kubernetes_version)
  IFS=. read -r major minor _ <<<"${version#v}"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
  done
  printf '%s\n' "$flags"
}

# require_go WHAT-FOR
require_go() {
  local needed have problem
  needed=$(awk '$1 == "go" { print $2; exit }' "$here/tools/go.mod")
  if ! command -v go >/dev/null; then
    problem="there is no \`go\` on the PATH"
  elif ! have=$(cd -- "$here/tools" && GOFLAGS='' GOWORK=off go env GOVERSION 2>&1); then
    problem=${have##*$'\n'}
  elif [[ $(printf '%s\n' "$needed" "${have#go}" | sort -V | head -n 1) != "$needed" ]]; then
    problem="\`go\` is of version ${have#go}"
  else
    return 0
  fi
  die "Go $needed or later is needed to build $1, and $problem" \
    "Install Go from https://go.dev/dl/ and try again," \
    "or set GITMOOR_CP_BIN to a folder that \`control-plane binaries\` has printed on a like machine."
}

kubernetes_version() {
  awk '$1 == "k8s.io/kubernetes" && $2 ~ /^v/ { print $2; exit }' "$here/tools/go.mod"
}

platform() {
  case $(uname -m) in
    x86_64) printf 'linux/amd64\n' ;;
    aarch64 | arm64) printf 'linux/arm64\n' ;;
    *) printf 'linux/%s\n' "$(uname -m)" ;;
  esac
}

# cache_key names the folder of programs by what goes into them.
cache_key() {
  local platform
  platform=$(platform)
  printf '%s-%s-%s\n' "$(kubernetes_version)" "${platform#*/}" \
    "$(digest "$here/tools/go.mod" "$here/tools/go.sum")"
}

# digest FILE...
digest() { cat -- "$@" | sha256sum | cut -c 1-12; }
