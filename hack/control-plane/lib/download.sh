# shellcheck shell=bash
# Downloads programs as downloads.txt says. A file without a matching checksum is not
# used, and a network that is not there costs a few seconds in all.

# Seconds, for a connection and for a checksum; a program may take as long as it likes
# while bytes arrive.
readonly connect_timeout=3 checksum_timeout=4 stall_timeout=4

network=untried

# downloads_table gives downloads.txt; a test has its own.
downloads_table() { cat -- "${GITMOOR_CP_DOWNLOADS:-$here/downloads.txt}"; }

# download NAME DRAFT: fetches a program for this machine into the draft file. Fails,
# with nothing left behind, if there is none to be had.
download() {
  local name=$1 draft=$2 url='' checksum member
  [[ ${GITMOOR_CP_OFFLINE:-} != 1 && $network != absent ]] || return 1
  command -v curl >/dev/null || return 1
  local row_name row_platform row_url row_checksum row_member
  while read -r row_name row_platform row_url row_checksum row_member; do
    if [[ $row_name == "$name" && $row_platform == "$(platform)" ]]; then
      url=$row_url checksum=$row_checksum member=$row_member
      break
    fi
  done < <(downloads_table)
  [[ -n $url ]] || return 1

  local expected
  expected=$(expected_checksum "$url" "$checksum" "$draft.checksum") || { remember_failure $?; return 1; }
  fetch_verified "$name" "$url" "$expected" "$draft" || { rm -f -- "$draft"; return 1; }
  [[ -z $member ]] || unpack "$draft" "$member" || { rm -f -- "$draft"; return 1; }
  chmod 0755 "$draft"
}

# expected_checksum URL CHECKSUM SCRATCH: prints ALGORITHM:HEX. The table has either that
# or ALGORITHM@URL, a file that is published beside the program and holds the sum alone
# or a list of sums and file names. Fails with curl's status, or 1 if there is no sum.
expected_checksum() {
  local url=$1 checksum=$2 scratch=$3 algorithm sum status=0
  case $checksum in
    sha256:* | sha512:*) printf '%s\n' "$checksum"; return ;;
    sha256@* | sha512@*) ;;
    *) return 1 ;;
  esac
  algorithm=${checksum%%@*}
  fetch "${checksum#*@}" "$scratch" --max-time "$checksum_timeout" || status=$?
  if [[ $status -eq 0 ]]; then
    sum=$(awk -v file="${url##*/}" 'NF == 1 || $2 == file || $2 == "*" file { print $1; exit }' "$scratch")
  fi
  rm -f -- "$scratch"
  [[ $status -eq 0 ]] || return "$status"
  [[ $sum =~ ^[0-9a-fA-F]+$ ]] || return 1
  printf '%s:%s\n' "$algorithm" "${sum,,}"
}

# fetch_verified NAME URL ALGORITHM:HEX DRAFT
fetch_verified() {
  local name=$1 url=$2 algorithm=${3%%:*} expected=${3#*:} draft=$4 status=0 actual
  with_progress "downloading $name" "$draft.log" \
    fetch "$url" "$draft" --speed-limit 1024 --speed-time "$stall_timeout" || status=$?
  rm -f -- "$draft.log"
  if [[ $status -ne 0 ]]; then
    remember_failure "$status"
    note "downloading $name: gave up (curl's status $status)"
    return 1
  fi
  actual=$("${algorithm}sum" -- "$draft" | cut -d ' ' -f 1)
  if [[ $actual != "$expected" ]]; then
    note "downloading $name: REFUSED, its $algorithm is $actual and should be $expected"
    return 1
  fi
}

# fetch URL FILE CURL-OPTION...
fetch() {
  local url=$1 file=$2 protocols='=https'
  shift 2
  if [[ -n ${GITMOOR_CP_MIRROR:-} ]]; then
    url=${GITMOOR_CP_MIRROR%/}/${url#https://}
    protocols='=http,https'
  fi
  curl -q --fail --silent --location --proto "$protocols" --proto-redir "$protocols" \
    --connect-timeout "$connect_timeout" "$@" --output "$file" -- "$url"
}

# remember_failure CURL-STATUS: after anything but a server's own "no" (22) or a missing
# checksum (1), nothing else is asked of the network in this run.
remember_failure() {
  case $1 in
    1 | 22) ;;
    *) network=absent ;;
  esac
}

# unpack ARCHIVE MEMBER: puts the member in the archive's place.
unpack() {
  if ! tar --extract --gzip --to-stdout --file "$1" -- "$2" >"$1.member"; then
    rm -f -- "$1.member"
    return 1
  fi
  mv -- "$1.member" "$1"
}
