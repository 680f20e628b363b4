package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"text/template"
	"time"
)

const pollInterval = 25 * time.Millisecond

// bringUp starts the components in the order in which they need each other:
//
//  1. credentials and ports
//  2. etcd, until it listens
//  3. the API server, until it is ready
//  4. controllers, scheduler, kwok and the nodes, until a Pod could be created and run
func bringUp(ctx context.Context, o options, folder instanceFolder, processes *processes) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()

	layout, err := prepare(o, folder)
	if err != nil {
		return err
	}

	folder.phase("starting etcd")
	if err := processes.start(layout.etcd()); err != nil {
		return err
	}
	err = until(ctx, "etcd listens", func() error { return listening(ctx, layout.ports.etcd) })
	if err != nil {
		return err
	}

	folder.phase("starting kube-apiserver")
	if err := processes.start(layout.apiserver()); err != nil {
		return err
	}
	api, err := newAPI(serverURL(layout.ports), layout.credentials)
	if err != nil {
		return err
	}
	err = until(ctx, "the API server is ready", func() error { return api.get(ctx, "/readyz", nil) })
	if err != nil {
		return err
	}

	folder.phase("starting the controllers and nodes")
	for _, component := range []component{layout.controllerManager(), layout.scheduler(), layout.kwok()} {
		if err := processes.start(component); err != nil {
			return err
		}
	}
	if err := api.createNodes(ctx, o.node, o.nodes); err != nil {
		return err
	}
	err = until(ctx, "all nodes are ready", func() error { return api.nodesReady(ctx, o.nodes) })
	if err != nil {
		return err
	}
	err = until(ctx, "the default namespace has its service account", func() error {
		return api.get(ctx, "/api/v1/namespaces/default/serviceaccounts/default", nil)
	})
	if err != nil {
		return err
	}

	err = folder.publish(connection{
		Name:           o.name,
		Server:         serverURL(layout.ports),
		Kubeconfig:     layout.credentials.kubeconfigs[admin],
		Kubectl:        filepath.Join(o.bin, "kubectl"),
		Token:          layout.credentials.adminToken,
		CA:             layout.credentials.ca,
		AuditLog:       layout.auditLog(),
		Logs:           folder.path("logs"),
		Version:        api.version(ctx),
		SupervisorPID:  os.Getpid(),
		Since:          timestamp(),
		InstanceFolder: string(folder),
	})
	if err != nil {
		return err
	}
	log.Printf("ready after %.1f s", time.Since(began).Seconds())
	folder.phase("ready")
	return nil
}

func prepare(o options, folder instanceFolder) (*layout, error) {
	for _, name := range []string{"logs", "home"} {
		if err := os.MkdirAll(folder.path(name), 0o700); err != nil {
			return nil, err
		}
	}
	stages, err := filepath.Glob(filepath.Join(o.stages, "*.yaml"))
	if err != nil || len(stages) == 0 {
		return nil, errors.Join(fmt.Errorf("no stages in %s", o.stages), err)
	}
	var ports ports
	for _, port := range []*int{&ports.etcd, &ports.apiserver} {
		if *port, err = reservePort(); err != nil {
			return nil, err
		}
	}
	credentials, err := makeCredentials(folder, serverURL(ports))
	if err != nil {
		return nil, err
	}
	return &layout{o.bin, folder, ports, credentials, o.audit, stages}, nil
}

// until polls a condition. It gives up when the context ends, and then tells both why
// that was and what the condition lacked last.
func until(ctx context.Context, what string, condition func() error) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		lacking := condition()
		if lacking == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting until %s: %w; last: %v", what, context.Cause(ctx), lacking)
		case <-tick.C:
		}
	}
}

// api is a client of the API server with an administrator's rights.
type api struct {
	server string
	token  string
	http   *http.Client
}

func newAPI(server string, c *credentials) (*api, error) {
	ca, err := os.ReadFile(c.ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	// Without Proxy, so that a proxy of the environment is not asked for loopback.
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	return &api{server, c.adminToken, &http.Client{Transport: transport, Timeout: 10 * time.Second}}, nil
}

func (a *api) get(ctx context.Context, path string, into any) error {
	return a.call(ctx, http.MethodGet, path, nil, into)
}

func (a *api) call(ctx context.Context, method, path string, yaml []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, a.server+path, bytes.NewReader(yaml))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("User-Agent", "gitmoor-control-plane-supervisor")
	if yaml != nil {
		request.Header.Set("Content-Type", "application/yaml")
	}
	response, err := a.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(body))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

func (a *api) version(ctx context.Context) string {
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := a.get(ctx, "/version", &version); err != nil {
		log.Print(err)
	}
	return version.GitVersion
}

// createNodes fills the template with a number from 1 on and the letter of a zone.
func (a *api) createNodes(ctx context.Context, path string, count int) error {
	node, err := template.ParseFiles(path)
	if err != nil {
		return err
	}
	for number := 1; number <= count; number++ {
		var yaml bytes.Buffer
		zone := string(rune('a' + (number-1)%3))
		if err := node.Execute(&yaml, map[string]any{"Number": number, "Zone": zone}); err != nil {
			return err
		}
		if err := a.call(ctx, http.MethodPost, "/api/v1/nodes", yaml.Bytes(), nil); err != nil {
			return fmt.Errorf("failed to create node %d: %w", number, err)
		}
	}
	return nil
}

// nodesReady fails until the nodes are Ready and accept Pods: the taint that keeps
// Pods from a node that is not ready is taken away a little after it is.
func (a *api) nodesReady(ctx context.Context, count int) error {
	var nodes struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct {
				Taints []struct{ Key string }
			}
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
	}
	if err := a.get(ctx, "/api/v1/nodes", &nodes); err != nil {
		return err
	}
	if len(nodes.Items) < count {
		return fmt.Errorf("%d of %d nodes exist", len(nodes.Items), count)
	}
	for _, node := range nodes.Items {
		ready := false
		for _, condition := range node.Status.Conditions {
			ready = ready || (condition.Type == "Ready" && condition.Status == "True")
		}
		if !ready || len(node.Spec.Taints) > 0 {
			return fmt.Errorf("node %s is not ready", node.Metadata.Name)
		}
	}
	return nil
}
