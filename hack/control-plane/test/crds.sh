#!/usr/bin/env bash
# The definitions of optional kinds are real ones, which the API server takes.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"

export GITMOOR_CP_DIR=$scratch/cp
tear_down() { "$control_plane" down --all >/dev/null; }

mapfile -t definitions < <("$control_plane" crds)
equal 'there are four' "${#definitions[@]}" 4
"$control_plane" up >/dev/null
eval "$("$control_plane" env)"
for definition in "${definitions[@]}"; do
  check "$(basename "$definition") is taken" "$GITMOOR_CP_KUBECTL" create -f "$definition"
done
check 'and all are served' "$GITMOOR_CP_KUBECTL" wait --for=condition=Established --timeout=60s \
  crd/httproutes.gateway.networking.k8s.io crd/servicemonitors.monitoring.coreos.com \
  crd/prometheusrules.monitoring.coreos.com crd/podmonitors.monitoring.coreos.com
