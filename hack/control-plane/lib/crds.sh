# shellcheck shell=bash
# The definitions of the kinds that a cluster may or may not have.

readonly definitions=(
  'sigs.k8s.io/gateway-api config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'
  'github.com/prometheus-operator/prometheus-operator example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml'
  'github.com/prometheus-operator/prometheus-operator example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml'
  'github.com/prometheus-operator/prometheus-operator example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml'
)

command_crds() {
  local folder definition module path file
  folder=$cache/crds/$(digest "$here/crds/go.mod" "$here/crds/go.sum")
  mkdir -p -- "$folder"
  for definition in "${definitions[@]}"; do
    read -r module path <<<"$definition"
    file=$folder/${path##*/}
    [[ -s $file ]] || obtain_definition "$module" "$path" "$file"
    printf '%s\n' "$file"
  done
}

# obtain_definition MODULE PATH FILE
obtain_definition() {
  local module=$1 path=$2 file=$3 source log
  require_go "the definitions (it downloads $module)"
  log=$(mktemp -- "$file.XXXXXX")
  drafts+=("$log")
  with_progress "downloading $module" "$log" \
    env GOFLAGS='' GOWORK=off go -C "$here/crds" mod download -json "$module" || {
    cat -- "$log" >&2
    die "failed to download $module"
  }
  source=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' "$log")
  cp -- "$source/$path" "$log"
  chmod 0644 "$log"
  mv -- "$log" "$file"
}
