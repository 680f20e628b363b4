package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// instanceFolder is the folder of one instance, and its files are the whole
// interface between the supervisor and the `control-plane` script:
//
//	pid         id and start time of the supervisor
//	processes   the same for each process it started, one a line, with its name
//	phase       what is happening now: "starting etcd", …, "ready", "failed", "stopped"
//	failure     why the instance ended, if it was not asked to
//	env.sh      the exports of `control-plane env`
//	state.json  the same for programs
type instanceFolder string

func (f instanceFolder) path(elem ...string) string {
	return filepath.Join(append([]string{string(f)}, elem...)...)
}

// claim writes down which process is the supervisor.
func (f instanceFolder) claim() error {
	born, err := startTime(os.Getpid())
	if err != nil {
		return err
	}
	return f.write("pid", fmt.Sprintf("%d %d\n", os.Getpid(), born))
}

func (f instanceFolder) phase(phase string) {
	if err := f.write("phase", phase+"\n"); err != nil {
		log.Print(err)
	}
}

// fail leaves the reason for people to read, and hands it back.
func (f instanceFolder) fail(reason error) error {
	if err := f.write("failure", reason.Error()+"\n"); err != nil {
		log.Print(err)
	}
	f.phase("failed")
	return reason
}

// connection is what a client needs.
type connection struct {
	Name           string `json:"name"`
	Server         string `json:"server"`
	Kubeconfig     string `json:"kubeconfig"`
	Kubectl        string `json:"kubectl"`
	Token          string `json:"token"`
	CA             string `json:"ca"`
	AuditLog       string `json:"auditLog"`
	Logs           string `json:"logs"`
	Version        string `json:"version"`
	SupervisorPID  int    `json:"supervisorPid"`
	Since          string `json:"since"`
	InstanceFolder string `json:"instanceFolder"`
}

func (f instanceFolder) publish(c connection) error {
	state, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := f.write("state.json", string(state)+"\n"); err != nil {
		return err
	}
	exports := []struct{ name, value string }{
		{"KUBECONFIG", c.Kubeconfig},
		// Where kubectl keeps what it has discovered; without it, in ~/.kube.
		{"KUBECACHEDIR", f.path("kubectl-cache")},
		// And without this it reads its preferences there.
		{"KUBERC", "off"},
		{"GITMOOR_CP_NAME", c.Name},
		{"GITMOOR_CP_SERVER", c.Server},
		{"GITMOOR_CP_TOKEN", c.Token},
		{"GITMOOR_CP_CA", c.CA},
		{"GITMOOR_CP_AUDIT_LOG", c.AuditLog},
		{"GITMOOR_CP_KUBECTL", c.Kubectl},
		{"GITMOOR_CP_INSTANCE", c.InstanceFolder},
	}
	var script strings.Builder
	for _, export := range exports {
		fmt.Fprintf(&script, "export %s=%s\n", export.name, shellQuote(export.value))
	}
	return f.write("env.sh", script.String())
}

// write replaces a file at once, readable by its owner only.
func (f instanceFolder) write(name, content string) error {
	final := f.path(name)
	draft := final + ".draft"
	if err := os.WriteFile(draft, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, final)
}

// removeIfUnlocked removes the folder, and then the lock file, unless someone else holds
// the lock: then the folder is theirs to remove.
func (f instanceFolder) removeIfUnlocked(lock string) error {
	file, err := os.OpenFile(lock, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil
	}
	// The one who held the lock may have removed the file, and another may have made the
	// next one, with an instance of its own.
	locked, lockedErr := file.Stat()
	current, currentErr := os.Stat(lock)
	if lockedErr != nil || currentErr != nil || !os.SameFile(locked, current) {
		return nil
	}
	return errors.Join(os.RemoveAll(string(f)), os.Remove(lock))
}

// tail gives the last lines of a file, indented.
func tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return "    " + err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	all = all[max(0, len(all)-lines):]
	return "    " + string(bytes.Join(all, []byte("\n    ")))
}

// startTime tells when a process began, in the kernel's clock ticks since boot:
// together with its id it names one process for good.
func startTime(pid int) (uint64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStartTime(string(stat))
}

// parseStartTime reads field 22. Field 2 is the program's name in parentheses and may
// hold anything, parentheses too, so counting begins after the last one.
func parseStartTime(stat string) (uint64, error) {
	_, rest, ok := cutLast(stat, ")")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, errors.New("not a /proc/PID/stat line")
	}
	if fields[0] == "Z" {
		return 0, errors.New("the process has ended")
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func timestamp() string { return time.Now().UTC().Format(time.RFC3339) }
