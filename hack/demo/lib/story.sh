# shellcheck shell=bash
# The story that AUTO=1 plays. Each step fails unless it shows what it should.

readonly is_current='generation == observed && ready == "True"'
times=() # WHAT<tab>MICROSECONDS, for the table at the end

# took WHAT: from `began` to `at`, on the screen and in the table.
took() {
  saw "$1" $((at - began))
  times+=("$2"$'\t'$((at - began)))
}

play_the_story() {
  story_begins
  a_commit
  hand_edits
  drift_that_is_only_reported
  a_broken_image
  a_bad_manifest
  a_deleted_file
  the_end
}

story_begins() {
  title '1  From a repository to running services'
  began=$sync_created
  await_all "$services services are declared" "$services" 'image != ""'
  took "$services MicroServices are in the cluster" 'GitSync → all applied'
  await_all "$services services are ready" "$services" "$is_current"
  took 'all of them are ready' 'GitSync → all ready'
  "$kubectl" get microservices --all-namespaces \
    --output custom-columns='NAMESPACE:.metadata.namespace,NAME:.metadata.name,READY:.status.replicasSummary,IMAGE:.spec.image' |
    cut -c 1-76 | sed 's/^/    /'
}

a_commit() {
  title '2  A commit'
  sed -i 's/shop-web:3.11.0/shop-web:3.12.0/' "$clone/shop/web.yaml"
  push 'web 3.12.0'
  await 'the new image is declared in the cluster' microservices 'name == "shop/web" && image ~ /:3\.12\.0$/'
  took 'MicroService shop/web has the new image' 'push → applied'
  await 'the new version runs' microservices "name == \"shop/web\" && running ~ /:3\\.12\\.0\$/ && $is_current"
  took "and is ready ($(column 13))" 'push → ready'
}

hand_edits() {
  title '3  Edits by hand are reported and put back'
  local first_edit
  edit --namespace shop scale deployment catalog --replicas=7
  first_edit=$began
  healed deployments shop/catalog Deployment /spec/replicas 'replicas == 3' 'kubectl scale'
  edit --namespace shop patch deployment cart --field-manager=hotfix --patch \
    '{"spec":{"template":{"spec":{"containers":[{"name":"cart","image":"ghcr.io/acme/shop-cart:hotfix"}]}}}}'
  healed deployments shop/cart Deployment /image 'image ~ /:1\.9\.0$/' 'kubectl patch deployment'
  edit --namespace shop patch microservice web --type=merge --field-manager=jane --patch '{"spec":{"replicas":1}}'
  healed microservices shop/web MicroService /spec/replicas 'replicas == 4' 'kubectl patch microservice'
  began=$first_edit
  await_event 'an Event tells it' shop WorkloadDrift cart
  saw 'Event WorkloadDrift on microservice/cart:'
  say "  $line"
  await_all 'all services are ready again' "$services" "$is_current"
}

# healed KIND NAME OBJECTKIND PATH CONDITION WHAT: the drift is logged with who did it, and then gone.
healed() {
  await_log "the drift of $2 is logged" " drift .*kind=\"$3\" object=\"$2\" path=\"[^\"]*$4\""
  took "WARN drift $2 $(field path)" "$6 → reported"
  say "  live $(field live), declared $(field declared), by $(field manager), $(field operation)"
  # The line of the edit itself comes first: what fits after it is the correction.
  poll "$2 is as declared again" first_after "$1" "$2" "$5"
  at=$found
  took 'and put back' "$6 → put back"
}

first_after() {
  awk -F '\037' -v since="$began" -v object="$2" "$(named "$1") \$1 >= since && name == object {
    if (!($3)) edited = 1; else if (edited) { print \$1; exit } }" "$folder/$1.seen"
}

# field KEY: of the log line.
field() { sed -nE "s/.* $1=\"(([^\"\\\\]|\\\\.)*)\".*/\1/; T; s/\\\\?\"//g; p" <<<"$line"; }
# column N: of the line that was awaited.
column() { cut -d "$unit" -f "$1" <<<"$line"; }

drift_that_is_only_reported() {
  title '4  Drift that is only reported: pay/ledger asks for that in Git'
  edit --namespace pay scale deployment ledger --replicas=2
  await_log 'the drift is logged' ' drift .*object="pay/ledger" path="/spec/replicas".*policy="Report"'
  took 'WARN drift pay/ledger /spec/replicas … policy Report' 'kubectl scale, policy Report → reported'
  await 'the MicroService says so' microservices 'name == "pay/ledger" && drifted == "True"'
  saw 'condition Drifted is True, and the two replicas stay'
  edit --namespace pay scale deployment ledger --replicas=1
  await 'the drift is over' microservices 'name == "pay/ledger" && drifted == "False"'
  saw 'once undone by hand, Drifted is False'
}

a_broken_image() {
  title '5  An image that does not exist'
  sed -i 's/shop-web:3.12.0/shop-web:does-not-exist/' "$clone/shop/web.yaml"
  push 'web: a typo in the tag'
  await 'the status says what is wrong' microservices 'name == "shop/web" && ready == "False" && reason ~ /ImagePull/ && generation == observed'
  took "Ready is False: $(column 9)" 'push → cause in status'
  say "$(column 10 | cut -c 1-110)"
  local serving
  serving=$("$kubectl" --namespace shop get deployment web --output 'jsonpath={.status.availableReplicas}')
  [[ $serving -ge 4 ]] || fail "the pods of the old version do not serve: $serving of 4"
  saw "the old version serves with $serving pods"
  sed -i 's/shop-web:does-not-exist/shop-web:3.12.1/' "$clone/shop/web.yaml"
  push 'web 3.12.1'
  await 'the service is ready again' microservices "name == \"shop/web\" && running ~ /:3\\.12\\.1\$/ && $is_current"
  took 'the next commit repairs it' 'repair → ready'
}

a_bad_manifest() {
  title '6  A mistake in one manifest stops nothing else'
  local before
  before=$("$kubectl" --namespace shop get microservice cart --output 'jsonpath={.metadata.generation}')
  sed -i 's/^  replicas: 3/  replcias: 5/' "$clone/shop/cart.yaml"
  sed -i 's/shop-catalog:2.7.3/shop-catalog:2.8.0/' "$clone/shop/catalog.yaml"
  push 'catalog 2.8.0; more carts'
  await 'the finding is in the status' gitsyncs 'places ~ /^shop\/cart.yaml:[0-9]+:[0-9]+$/'
  took "quarantined: $(column 9) $(column 10)" 'push → finding in status'
  await 'the other change is applied' microservices 'name == "shop/catalog" && image ~ /:2\.8\.0$/'
  took 'shop/catalog of the same commit is applied' 'beside it, push → applied'
  [[ $("$kubectl" --namespace shop get microservice cart --output 'jsonpath={.metadata.generation}') == "$before" ]] ||
    fail 'the quarantined MicroService was touched'
  saw 'shop/cart is as it was before'
  sed -i 's/^  replcias: 5/  replicas: 5/' "$clone/shop/cart.yaml"
  push 'cart: spelled right'
  await 'the finding is gone' gitsyncs 'findings == "" && ready == "True" && quarantined == 0'
  await 'the repaired manifest is applied' microservices 'name == "shop/cart" && replicas == 5'
  took 'repaired, it is applied' 'repair → applied'
  await_all 'all services are ready' "$services" "$is_current"
}

a_deleted_file() {
  title '7  What a commit removes is removed'
  rm -- "$clone/shop/catalog.yaml"
  push 'the catalog goes'
  await 'the MicroService is deleted' microservices 'name == "shop/catalog" && change == "DELETED"'
  took 'MicroService shop/catalog is deleted' 'push → pruned'
  await 'its Deployment is gone' deployments 'name == "shop/catalog" && change == "DELETED"'
  # The garbage collector of a new cluster looks for new kinds every 30 s.
  saw "its Deployment is gone: Kubernetes' own garbage collection" $((at - began))
  local found
  poll 'all of its children are gone' no_children catalog
  saw 'and its Service, ServiceAccount and PodDisruptionBudget'
  services=$((services - 1))
  await_all 'the others are ready' "$services" "$is_current"
  saw "the other $services services are ready"
}

no_children() {
  local left
  left=$("$kubectl" --namespace shop get deployments,services,serviceaccounts,poddisruptionbudgets \
    --selector "app.kubernetes.io/instance=$1" --output name) && [[ -z $left ]] && echo gone
}

the_end() {
  title '8  The end'
  now
  began=$REPLY
  stop "$gitmoor_id" || fail "gitmoor ended with $?"
  now
  at=$REPLY
  took 'told to end, gitmoor ends' 'SIGTERM → ended'
  local left
  left=$("$kubectl" get deployments --all-namespaces --output name | wc -l)
  [[ $left == "$services" ]] || fail "$left Deployments are left of $services"
  saw "its $left services run on without it"
  title 'Measured'
  local time
  for time in "${times[@]}"; do
    printf '  %-44s %9s\n' "${time%%$'\t'*}" "$(milliseconds "${time##*$'\t'}")"
  done
  printf '\n'
}
