module gitmoor.dev/hack/git-server

go 1.22
