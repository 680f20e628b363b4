// Where the custom resource definitions of optional kinds come from. Nothing here is
// compiled: `control-plane crds` downloads the modules and takes one file out of each.
module gitmoor.dev/hack/control-plane/crds

go 1.26.0

require (
	github.com/prometheus-operator/prometheus-operator v0.85.0
	sigs.k8s.io/gateway-api v1.6.0
)
