module gitmoor.dev/hack/control-plane/supervisor

go 1.26.0
