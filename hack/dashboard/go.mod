// Grafana's own definitions, pinned: what loads the dashboard in the tests.
module gitmoor.dev/hack/dashboard

go 1.26.0

require github.com/grafana/grafana-foundation-sdk/go v0.0.22
