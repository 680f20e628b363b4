#!/usr/bin/env bash
# Given folders come before the cache, builds happen once, and without Go the way on is told.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"

export GITMOOR_CP_OFFLINE=1 FAKE_GO_LOG=$scratch/built XDG_CACHE_HOME=$scratch/cache
mkdir "$scratch/path" "$scratch/given"
ln -s "$tests/fake-go" "$scratch/path/go"
readonly with_go=$scratch/path:$PATH

# All that the script needs, and no Go.
mkdir "$scratch/without-go"
for tool in bash basename awk cat cut curl dirname env find flock head mkdir mktemp mv readlink \
  realpath rm sed sha256sum sleep sort tail tar uname; do
  ln -s "$(type -P "$tool")" "$scratch/without-go/$tool"
done

# fake PATH ANSWER: a program that gives the answer to whatever it is asked.
fake() {
  printf '#!/bin/sh\necho "%s"\n' "$2" >"$1"
  chmod +x "$1"
}

message=$(PATH=$scratch/without-go "$control_plane" binaries 2>&1) && fail 'built without Go'
contains 'without Go the error tells the version' "$message" 'Go 1.26.0 or later is needed to build etcd'
contains 'and the other way' "$message" 'set GITMOOR_CP_BIN'
message=$(PATH=$with_go FAKE_GO_VERSION=1.25.9 "$control_plane" binaries 2>&1) && fail 'built with an old Go'
contains 'an old Go is told' "$message" 'is of version 1.25.9'
message=$(GITMOOR_CP_BIN=$scratch/nowhere "$control_plane" binaries 2>&1) && fail 'took no folder for one'
contains 'a given folder that is none is told' "$message" 'which is no folder'

PATH=$with_go "$control_plane" binaries >"$scratch/one" 2>/dev/null &
one=$!
PATH=$with_go "$control_plane" binaries >"$scratch/two" 2>/dev/null &
two=$!
wait "$one" || fail 'the first of two at the same time failed'
wait "$two" || fail 'the second of two at the same time failed'
equal 'two at the same time find the same' "$(cat "$scratch/one")" "$(cat "$scratch/two")"
equal 'and build each program once' "$(sort "$scratch/built" | uniq -d)" ''
equal 'which are six, and the supervisor' "$(wc -l <"$scratch/built")" 7
folder=$(cat "$scratch/one")
equal 'the folder is in the cache' "${folder%/*}" "$scratch/cache/gitmoor/control-plane/bin"

check 'what is in the cache needs no Go' env PATH="$scratch/without-go" "$control_plane" binaries
cp "$folder"/* "$scratch/given"
check 'nor does a folder that was filled elsewhere' \
  env PATH="$scratch/without-go" XDG_CACHE_HOME="$scratch/empty" GITMOOR_CP_BIN="$scratch/given" "$control_plane" binaries
equal 'which is then the folder' "$(GITMOOR_CP_BIN=$scratch/given "$control_plane" binaries)" "$scratch/given"

find "$scratch/given" -type f ! -name kwok -delete
mixed=$(GITMOOR_CP_BIN=$scratch/given "$control_plane" binaries)
equal 'a given program is used with the others of the cache' "$(readlink "$mixed/kwok")" "$scratch/given/kwok"
equal 'and they with it' "$(readlink "$mixed/etcd")" "$folder/etcd"

mkdir "$scratch/assets"
fake "$scratch/assets/etcd" 'etcd Version: 3.6.5'
fake "$scratch/assets/kube-apiserver" 'Kubernetes v1.37.9'
fake "$scratch/assets/kubectl" 'Client Version: v1.31.0'
mixed=$(KUBEBUILDER_ASSETS=$scratch/assets "$control_plane" binaries)
equal "envtest's API server of the same minor version is used" \
  "$(readlink "$mixed/kube-apiserver")" "$scratch/assets/kube-apiserver"
equal 'and its etcd' "$(readlink "$mixed/etcd")" "$scratch/assets/etcd"
equal 'but not a kubectl of another' "$(readlink "$mixed/kubectl")" "$folder/kubectl"
