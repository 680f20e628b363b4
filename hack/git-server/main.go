// git-server serves bare repositories by the real `git http-backend`, for tests: it counts requests and shows
// faults on demand. It ends when its standard input closes, so that a test that dies leaves nothing behind.
//
//	git-server --root DIR [--listen 127.0.0.1:0] [--tls | --ca DIR [--client-certificate]] [--basic USER:PASSWORD]
//		[--bearer TOKEN] [--elsewhere URL] [--push] [--old-protocol] [--hang-after-bytes N] [--status CODE]
//	git-server announce --url URL --token-file FILE    (see announce.go)
//
// When it is ready it prints one line of JSON: {"url": "http://127.0.0.1:1234"}.
// GET /_stats counts requests, PUT /_faults {"hang_after_bytes": N, "status": CODE, "retry_after": VALUE, "hostile": WORD} changes
// the faults (the words are in hostile.go), with "kill": PROCESS and "kill_after_bytes": N a process is killed amid the next fetch,
// PUT /_basic USER:PASSWORD changes who is let in, and
// /_moved/NAME redirects to /NAME, and /_elsewhere/NAME to NAME below the URL of --elsewhere.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("git-server: ")
	if len(os.Args) > 1 && os.Args[1] == "announce" {
		if err := announce(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	root := flag.String("root", "", "folder with bare repositories")
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	useTLS := flag.Bool("tls", false, "serve https with a certificate that nobody trusts")
	ca := flag.String("ca", "", "serve https with a certificate of a new authority, written to this folder as ca.crt with client.crt and client.key")
	clientCertificate := flag.Bool("client-certificate", false, "with --ca: ask for a certificate of that authority")
	basic := flag.String("basic", "", "USER:PASSWORD without which nothing of a repository is told")
	bearer := flag.String("bearer", "", "token without which nothing of a repository is told")
	elsewhere := flag.String("elsewhere", "", "where /_elsewhere/NAME redirects to")
	push := flag.Bool("push", false, "allow pushes")
	oldProtocol := flag.Bool("old-protocol", false, "speak version 0, which gives out only what a ref points to")
	hang := flag.Int64("hang-after-bytes", -1, "stop sending, but stay, after so many bytes of each answer; 0 sends nothing")
	status := flag.Int("status", 0, "answer every request with this status")
	flag.Parse()

	folder, err := filepath.Abs(*root)
	if err != nil || *root == "" {
		log.Fatal("--root is missing")
	}
	backend, err := backendPath()
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	scheme := "http"
	if *useTLS || *ca != "" {
		scheme = "https"
		config, err := tlsConfig(*ca, *clientCertificate)
		if err != nil {
			log.Fatal(err)
		}
		listener = tls.NewListener(listener, config)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	ready := map[string]string{"url": scheme + "://" + listener.Addr().String()}
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		log.Fatal(err)
	}
	server := &gitServer{root: folder, backend: backend, push: *push, oldProtocol: *oldProtocol}
	server.basic, server.bearer, server.elsewhere = *basic, *bearer, *elsewhere
	server.faults = faults{HangAfterBytes: *hang, Status: *status}
	// TLS handshakes that a client breaks off are part of the tests.
	log.Fatal((&http.Server{Handler: server, ErrorLog: log.New(io.Discard, "", 0)}).Serve(listener))
}

func backendPath() (string, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return "", err
	}
	return filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), nil
}
