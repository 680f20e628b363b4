# shellcheck shell=bash
# What people see.

bold='' dim='' green='' red='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '  %s\n' "$*"; }

# did COMMAND: what a person would type.
did() { printf '  %s$ %s%s\n' "$dim" "$*" "$plain"; }

# saw WHAT [MICROSECONDS]
saw() {
  local time=''
  if [[ $# -gt 1 ]]; then time=$(milliseconds "$2"); fi
  printf '  %s✔%s %-66s %s%9s%s\n' "$green" "$plain" "$1" "$bold" "$time" "$plain"
}

milliseconds() { printf '%d ms' $((($1 + 500) / 1000)); }

# fail WHAT: the end of the demo.
fail() {
  printf '  %s✘ %s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# now: sets REPLY to the time in microseconds.
now() { REPLY=${EPOCHREALTIME//[!0-9]/}; }
