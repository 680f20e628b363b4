package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// stats counts requests by what they ask for.
type stats struct {
	InfoRefs int `json:"info_refs"`
	LsRefs   int `json:"ls_refs"`
	Fetch    int `json:"fetch"`
	Other    int `json:"other"`
	// Told counts requests that said who is reading, whatever came of it.
	Told int `json:"told"`
}

type faults struct {
	HangAfterBytes int64 `json:"hang_after_bytes"`
	Status         int   `json:"status"`
	// RetryAfter is said with the status, where it is not empty.
	RetryAfter string `json:"retry_after"`
	// Hostile is one of the words of hostile.go.
	Hostile string `json:"hostile"`
	// Kill is a process that is killed, once, when somebody fetches a commit; KillAfterBytes of the answer are sent first.
	Kill           int `json:"kill"`
	KillAfterBytes int `json:"kill_after_bytes"`
}

type gitServer struct {
	root, backend string
	push          bool
	oldProtocol   bool
	basic, bearer string
	elsewhere     string

	mu     sync.Mutex
	stats  stats
	faults faults
}

var protocol = regexp.MustCompile(`^[a-z0-9=:]*$`)

func (s *gitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/_stats":
		s.mu.Lock()
		defer s.mu.Unlock()
		json.NewEncoder(w).Encode(s.stats)
		return
	case r.URL.Path == "/_faults" && r.Method == http.MethodPut:
		wanted := faults{HangAfterBytes: -1}
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = wanted
		return
	case r.URL.Path == "/_basic" && r.Method == http.MethodPut:
		basic, err := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.basic = string(basic)
		return
	case strings.HasPrefix(r.URL.Path, "/_moved/"):
		http.Redirect(w, r, strings.Replace(r.URL.RequestURI(), "/_moved", "", 1), http.StatusMovedPermanently)
		return
	case strings.HasPrefix(r.URL.Path, "/_elsewhere/"):
		http.Redirect(w, r, s.elsewhere+strings.Replace(r.URL.RequestURI(), "/_elsewhere", "", 1), http.StatusFound)
		return
	}
	faults, kind := s.note(r)
	if !s.knows(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
		return
	}
	if faults.Status != 0 {
		if faults.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		}
		if faults.RetryAfter != "" {
			w.Header().Set("Retry-After", faults.RetryAfter)
		}
		http.Error(w, http.StatusText(faults.Status), faults.Status)
		return
	}
	if faults.HangAfterBytes >= 0 {
		w = &hanging{ResponseWriter: w, left: faults.HangAfterBytes, gone: r.Context().Done()}
	}
	if hostile(w, faults.Hostile, kind) {
		return
	}
	if kind == "fetch" && (faults.Hostile == corrupt || faults.Hostile == cut) {
		w = &spoiling{ResponseWriter: w, cut: faults.Hostile == cut, left: 600}
	}
	if faults.Kill > 0 && kind == "fetch" && s.disarm() {
		w = &killing{ResponseWriter: w, process: faults.Kill, left: faults.KillAfterBytes}
	}
	s.serveGit(w, r)
}

// disarm tells whether nobody was killed yet, and sees to it that nobody is killed again.
func (s *gitServer) disarm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	armed := s.faults.Kill > 0
	s.faults.Kill = 0
	return armed
}

// knows tells whether a request says who is reading, where somebody wants to know.
func (s *gitServer) knows(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	s.mu.Lock()
	defer s.mu.Unlock()
	basic := s.basic != "" && user+":"+password == s.basic
	bearer := s.bearer != "" && r.Header.Get("Authorization") == "Bearer "+s.bearer
	return s.basic == "" && s.bearer == "" || basic || bearer
}

// note counts a request; it peeks at a body to tell a listing from a fetch.
func (s *gitServer) note(r *http.Request) (faults, string) {
	body := bufio.NewReader(r.Body)
	var head []byte
	if r.Method == http.MethodPost {
		head, _ = body.Peek(32)
	}
	r.Body = io.NopCloser(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "" {
		s.stats.Told++
	}
	kind := "other"
	switch {
	case strings.HasSuffix(r.URL.Path, "/info/refs"):
		s.stats.InfoRefs++
		kind = "info-refs"
	case bytes.Contains(head, []byte("command=ls-refs")):
		s.stats.LsRefs++
		kind = "ls-refs"
	case bytes.Contains(head, []byte("command=fetch")):
		s.stats.Fetch++
		kind = "fetch"
	default:
		s.stats.Other++
	}
	return s.faults, kind
}

func (s *gitServer) serveGit(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength < 0 {
		// CGI needs a length, and a large push has none.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	}
	if s.oldProtocol {
		r.Header.Del("Git-Protocol")
	}
	env := []string{"GIT_PROJECT_ROOT=" + s.root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME=/nonexistent"}
	if version := r.Header.Get("Git-Protocol"); protocol.MatchString(version) {
		env = append(env, "GIT_PROTOCOL="+version)
	}
	if s.push {
		env = append(env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.receivepack", "GIT_CONFIG_VALUE_0=true")
	}
	quiet := log.New(io.Discard, "", 0)
	(&cgi.Handler{Path: s.backend, Dir: s.root, Env: env, Stderr: io.Discard, Logger: quiet}).ServeHTTP(w, r)
}

// hanging sends the first bytes of an answer and then nothing, until the client is gone.
type hanging struct {
	http.ResponseWriter
	left int64
	gone <-chan struct{}
}

func (h *hanging) Write(p []byte) (int, error) {
	if int64(len(p)) <= h.left {
		h.left -= int64(len(p))
		return h.ResponseWriter.Write(p)
	}
	if h.left > 0 {
		h.ResponseWriter.Write(p[:h.left])
		h.left = 0
		h.ResponseWriter.(http.Flusher).Flush()
	}
	<-h.gone
	return 0, io.ErrClosedPipe
}

func (h *hanging) WriteHeader(code int) {
	if h.left > 0 {
		h.ResponseWriter.WriteHeader(code)
	}
}

// killing kills a process when it has sent it the first bytes of an answer.
type killing struct {
	http.ResponseWriter
	process, left int
}

func (k *killing) Write(p []byte) (int, error) {
	if len(p) < k.left {
		k.left -= len(p)
		return k.ResponseWriter.Write(p)
	}
	k.ResponseWriter.Write(p[:k.left])
	k.ResponseWriter.(http.Flusher).Flush()
	syscall.Kill(k.process, syscall.SIGKILL)
	panic(http.ErrAbortHandler)
}
