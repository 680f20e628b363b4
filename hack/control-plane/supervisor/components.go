package main

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
)

// component is one program of the control plane and how it is run.
type component struct {
	name string
	path string
	args []string
}

type ports struct{ etcd, apiserver int }

// layout is all that the components' flags are made of.
type layout struct {
	bin         string
	folder      instanceFolder
	ports       ports
	credentials *credentials
	auditPolicy string
	stages      []string
}

func (l layout) component(name string, args ...string) component {
	return component{name, filepath.Join(l.bin, name), args}
}

func (l layout) auditLog() string { return l.folder.path("audit.log") }

func serverURL(p ports) string { return fmt.Sprintf("https://127.0.0.1:%d", p.apiserver) }

func (l layout) etcd() component {
	clients := fmt.Sprintf("http://127.0.0.1:%d", l.ports.etcd)
	// A cluster of one: nobody dials the peer URL, so any port will do.
	const peers = "http://127.0.0.1:2380"
	return l.component("etcd",
		"--name=default",
		"--data-dir="+l.folder.path("etcd"),
		"--listen-client-urls="+clients,
		"--advertise-client-urls="+clients,
		"--listen-peer-urls=http://127.0.0.1:0",
		"--initial-advertise-peer-urls="+peers,
		"--initial-cluster=default="+peers,
		"--socket-reuse-port=true",
		// Its data is thrown away with the instance.
		"--unsafe-no-fsync=true",
		"--log-level=warn",
	)
}

func (l layout) apiserver() component {
	return l.component("kube-apiserver",
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", l.ports.etcd),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", l.ports.apiserver),
		"--permit-port-sharing=true",
		"--endpoint-reconciler-type=none",
		"--cert-dir="+l.folder.path("pki"),
		"--tls-cert-file="+l.credentials.servingCert,
		"--tls-private-key-file="+l.credentials.servingKey,
		"--token-auth-file="+l.credentials.tokens,
		"--client-ca-file="+l.credentials.clientCA,
		"--authorization-mode=RBAC",
		"--allow-privileged=true",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+l.credentials.serviceAccountKey,
		"--service-account-signing-key-file="+l.credentials.serviceAccountKey,
		"--service-cluster-ip-range=10.96.0.0/16",
		"--audit-policy-file="+l.auditPolicy,
		"--audit-log-path="+l.auditLog(),
		"--audit-log-maxsize=1000",
	)
}

func (l layout) controllerManager() component {
	return l.component("kube-controller-manager",
		"--kubeconfig="+l.credentials.kubeconfigs["kube-controller-manager"],
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+l.credentials.serviceAccountKey,
		"--root-ca-file="+l.credentials.ca,
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
	)
}

func (l layout) scheduler() component {
	return l.component("kube-scheduler",
		"--kubeconfig="+l.credentials.kubeconfigs["kube-scheduler"],
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
	)
}

// kwok acts for the kubelets of all nodes. It does what the stages say, and without
// leases it picks up the nodes at once after a restart.
func (l layout) kwok() component {
	args := []string{
		"--kubeconfig=" + l.credentials.kubeconfigs["kwok"],
		"--manage-all-nodes=true",
		"--node-lease-duration-seconds=0",
	}
	for _, stage := range l.stages {
		args = append(args, "--config="+stage)
	}
	return l.component("kwok", args...)
}

func kubeconfig(server string, caPEM []byte, user, token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: gitmoor-control-plane
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: %s
  user:
    token: %s
contexts:
- name: gitmoor-control-plane
  context:
    cluster: gitmoor-control-plane
    user: %s
current-context: gitmoor-control-plane
`, server, base64.StdEncoding.EncodeToString(caPEM), user, token, user)
}
