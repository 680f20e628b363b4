# shellcheck shell=bash
# What a person tries, and what changes meanwhile.

show_the_tour() {
  began=$sync_created
  await_all "$services services are ready" "$services" 'generation == observed && ready == "True"'
  saw "$services services are ready" $((at - began))
  mkdir "$folder/bin"
  ln -s "$gitmoor" "$folder/bin/gitmoor"
  ln -s "$kubectl" "$folder/bin/kubectl"
  {
    printf "export KUBECONFIG='%s' KUBECACHEDIR='%s' KUBERC=off\n" "$KUBECONFIG" "$KUBECACHEDIR"
    printf "export PATH='%s':\"\$PATH\"\n" "$folder/bin"
    printf "cd '%s'\n" "$clone"
  } >"$folder/env"
  title 'Your turn: in another terminal'
  cat <<TEXT

  . $folder/env      ${dim}# KUBECONFIG, kubectl, gitmoor, and into the clone${plain}

  ${bold}commit${plain}              sed -i 's/shop-web:.*/shop-web:3.12.0/' shop/web.yaml && git commit -qam 'web 3.12.0' && git push -q
  ${bold}edit by hand${plain}        kubectl -n shop scale deployment catalog --replicas=7
                      kubectl -n shop edit microservice web
  ${bold}break an image${plain}      sed -i 's/shop-web:.*/shop-web:does-not-exist/' shop/web.yaml && git commit -qam 'a typo' && git push -q
  ${bold}make a mistake${plain}      sed -i 's/replicas/replcias/' shop/cart.yaml && git commit -qam 'another' && git push -q
  ${bold}delete a file${plain}       git rm -q shop/catalog.yaml && git commit -qm 'no catalog' && git push -q
  ${bold}go back${plain}             git revert --no-edit HEAD && git push -q

  ${bold}look${plain}                gitmoor status -A --watch
                      gitmoor drift -A --recent
                      gitmoor diff . --sync $system/$sync     ${dim}# before you push${plain}
                      kubectl -n shop describe microservice web
                      tail -f $folder/gitmoor.log

  Containers do not run here: what a kubelet would report is made up (hack/control-plane/README.md).
  Ctrl-C ends everything.
TEXT
  title 'What changes'
  start tail --lines=0 --follow "$folder/gitmoor.log" </dev/null 2>/dev/null > >(show_log)
  start tail --lines=0 --follow "$folder/microservices.seen" </dev/null 2>/dev/null > >(show_services)
  # Ctrl-C reaches it as well, and it ends in good order.
  wait "$gitmoor_id" || fail "gitmoor has ended with $?"
}

# The lines of the log that tell what was decided. (Not awk: some of them wait for more input than a line.)
show_log() {
  local line shown
  trap '' INT
  while IFS= read -r line; do
    case $line in
      *' drift '* | *' revision applied '* | *' WARN '* | *' ERROR '*)
        shown=$(sed -E 's/^[^ ]+ +[A-Z]+ +//; s/^.*gitmoor::[a-z:_]+: //' <<<"$line")
        printf '  %s  %sgitmoor%s  %s\n' "${line:11:8}" "$bold" "$plain" "$shown"
        ;;
    esac
  done
}

# One line per service whose state, in words, is another.
show_services() {
  local -A before=()
  local line time change name generation observed image replicas ready reason message drifted driftreason serving running state
  trap '' INT
  while IFS= read -r line; do
    # shellcheck disable=SC2086,SC2229 # the names of the columns
    IFS=$unit read -r time $columns_microservices <<<"$line"
    state="$reason: $message"
    if [[ $ready == True ]]; then state='ready'; fi
    # Its status speaks of an earlier spec.
    if [[ $generation != "$observed" ]]; then state='changed'; fi
    if [[ $drifted == True ]]; then state+=', drifted'; fi
    state+="  $serving  $image"
    if [[ $change == DELETED ]]; then state='is gone'; fi
    [[ $state != "${before[$name]:-}" ]] || continue
    before[$name]=$state
    printf '  %(%H:%M:%S)T  %s  %s\n' "$((time / 1000000))" "$name" "$state"
  done
}
