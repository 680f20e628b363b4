#!/usr/bin/env bash
# Downloads are used only with the right checksum, and their absence costs seconds.
# Everything is served on loopback, and what is not downloaded a stand-in for Go builds.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"

readonly v=v1.37.2 etcd=v3.7.0
case $(uname -m) in
  x86_64) arch=amd64 ;;
  *) arch=arm64 ;;
esac
readonly kubernetes=dl.k8s.io/release/$v/bin/linux/$arch
readonly etcd_release=github.com/etcd-io/etcd/releases/download/$etcd

mkdir "$scratch/path"
go build -o "$scratch/server" "$tests/server.go"
ln -s "$tests/fake-go" "$scratch/path/go"
export PATH=$scratch/path:$PATH no_proxy=127.0.0.1 NO_PROXY=127.0.0.1

site=$scratch/site
coproc server { exec "$scratch/server" "$site" "$scratch/requests" 2>"$scratch/server.log"; }
# shellcheck disable=SC2154 # coproc sets it
server_process=$server_PID
tear_down() { kill "$server_process" 2>/dev/null || true; }
# shellcheck disable=SC2154
read -r address <&"${server[0]}"

# publish: all programs, with the right checksums.
publish() {
  local program work=$scratch/etcd-$etcd-linux-$arch
  rm -rf -- "$site"
  mkdir -p -- "$site/$kubernetes" "$site/$etcd_release" "$work"
  for program in kube-apiserver kube-controller-manager kube-scheduler kubectl; do
    printf '#!/bin/sh\n# downloaded %s\n' "$program" >"$site/$kubernetes/$program"
    sha512sum "$site/$kubernetes/$program" | cut -d ' ' -f 1 >"$site/$kubernetes/$program.sha512"
  done
  printf '#!/bin/sh\n# downloaded etcd\n' >"$work/etcd"
  tar -C "$scratch" -czf "$site/$etcd_release/${work##*/}.tar.gz" "${work##*/}/etcd"
  (cd "$site/$etcd_release" && sha256sum -- *.tar.gz >SHA256SUMS)
}

# obtain [VARIABLE=VALUE]...: sets folder and messages, with a cache of its own.
runs=0
obtain() {
  runs=$((runs + 1))
  : >"$scratch/requests"
  : >"$scratch/built"
  folder=$(env XDG_CACHE_HOME="$scratch/cache-$runs" FAKE_GO_LOG="$scratch/built" \
    GITMOOR_CP_MIRROR="$address" "$@" timeout 60 "$control_plane" binaries 2>"$scratch/messages") ||
    fail "binaries failed: $(cat "$scratch/messages")"
  messages=$(cat "$scratch/messages")
}

origin() { sed -n '2s/^# \([a-z]*\) .*/\1/p' "$folder/$1"; }
requests() { wc -l <"$scratch/requests"; }
leftovers() { find "$folder" -name '.*' -type f | wc -l; }

listed=$(grep -v '^#' "$tests/../downloads.txt" | grep -oE 'v[0-9]+\.[0-9]+\.[0-9]+' | sort -u | xargs)
pinned=$(awk '$1 == "k8s.io/kubernetes" || $1 == "go.etcd.io/etcd/server/v3" { if ($2 ~ /^v/) print $2 }' \
  "$tests/../tools/go.mod" | sort -u | xargs)
equal 'downloads.txt lists the versions that tools/go.mod pins' "$listed" "$pinned"
equal 'this test serves them' "$v $etcd" "$pinned"

publish
obtain
for program in etcd kube-apiserver kube-controller-manager kube-scheduler kubectl; do
  equal "$program with the right checksum is used" "$(origin "$program")" downloaded
done
equal 'kwok, which has no published checksum, is built' "$(origin kwok)" built
equal 'nothing else is left in the cache' "$(leftovers)" 0

publish
echo '# and something else' >>"$site/$kubernetes/kube-scheduler"
obtain
contains 'a program with another checksum is refused' "$messages" 'kube-scheduler: REFUSED'
equal 'and built' "$(origin kube-scheduler)" built
equal 'and the refused file is removed' "$(leftovers)" 0
equal 'the next one is downloaded all the same' "$(origin kubectl)" downloaded

publish
rm "$site/$kubernetes/kubectl"
obtain
equal 'a program that is not there is built' "$(origin kubectl)" built
equal 'the others are downloaded' "$(origin kube-scheduler)" downloaded

publish
rm "$site/$kubernetes/kubectl.sha512"
obtain
equal 'a program whose checksum is not there is built' "$(origin kubectl)" built
equal 'it is not even asked for' "$(grep -c 'kubectl$' "$scratch/requests")" 0

publish
echo 'no sum at all' >"$site/$kubernetes/kubectl.sha512"
obtain
equal 'a program whose checksum makes no sense is built' "$(origin kubectl)" built

publish
touch "$site/$etcd_release/SHA256SUMS.hang"
obtain
equal 'with a server that does not answer all is built' "$(wc -l <"$scratch/built")" 7
equal 'and the server is asked once' "$(requests)" 1

publish
touch "$site/$kubernetes/kube-apiserver.stall"
obtain
contains 'a download that stalls is given up' "$messages" 'downloading kube-apiserver: gave up'
equal 'and built' "$(origin kube-apiserver)" built
equal 'and nothing more is asked for' "$(tail -n 1 "$scratch/requests")" "/$kubernetes/kube-apiserver"
equal 'and the part of it is removed' "$(leftovers)" 0

publish
obtain GITMOOR_CP_OFFLINE=1
equal 'offline, nothing is asked for' "$(requests)" 0
obtain GITMOOR_CP_MIRROR=http://127.0.0.1:1
equal 'with nobody there all is built' "$(wc -l <"$scratch/built")" 7

publish
sum=$(sha256sum "$site/$kubernetes/kubectl" | cut -d ' ' -f 1)
echo "kubectl linux/$arch https://$kubernetes/kubectl sha256:$sum" >"$scratch/table"
obtain GITMOOR_CP_DOWNLOADS="$scratch/table"
equal 'a checksum in the table will do' "$(origin kubectl)" downloaded
equal 'and what is not in the table is built' "$(origin etcd)" built
echo "kubectl linux/$arch https://$kubernetes/kubectl sha256:${sum//[0-7]/8}" >"$scratch/table"
obtain GITMOOR_CP_DOWNLOADS="$scratch/table"
equal 'a wrong checksum in the table will not' "$(origin kubectl)" built
echo "kubectl linux/$arch https://$kubernetes/kubectl" >"$scratch/table"
obtain GITMOOR_CP_DOWNLOADS="$scratch/table"
equal 'nor will none' "$(origin kubectl)" built
equal 'and that is not asked for' "$(requests)" 0
