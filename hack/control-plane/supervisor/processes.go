package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// processes are those of one instance. They are started and stopped from the main
// thread; only the end of each is awaited elsewhere.
type processes struct {
	folder   instanceFolder
	end      context.CancelCauseFunc
	started  []process
	recorded strings.Builder
	restarts atomic.Bool
	ended    chan component
}

type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
}

func newProcesses(folder instanceFolder, end context.CancelCauseFunc) *processes {
	// Nobody who tells that a process has ended waits until it is heard.
	return &processes{folder: folder, end: end, ended: make(chan component, 64)}
}

// keep waits until the instance ends. Where restart says so, it starts again what ends before.
func (p *processes) keep(ctx context.Context, restart bool) {
	p.restarts.Store(restart)
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-p.ended:
			log.Printf("%s has ended and is started again", c.name)
			if err := p.start(c); err != nil {
				p.end(err)
				return
			}
		}
	}
}

// start runs a component until the instance ends. If the component ends first, the
// instance ends with it, unless it is to be started again.
func (p *processes) start(c component) error {
	logPath := p.folder.path("logs", c.name+".log")
	logFile, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()

	cmd := exec.Command(c.path, c.args...)
	cmd.Dir = string(p.folder)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	// Nothing of the caller's environment is handed on, and above all no
	// KUBECONFIG and no HOME with a ~/.kube in it.
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + p.folder.path("home")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("failed to start %s: %w", c.name, err)
	}
	if err := p.record(c.name, cmd.Process.Pid); err != nil {
		return err
	}
	log.Printf("started %s as process %d: %s %s", c.name, cmd.Process.Pid, c.path, strings.Join(c.args, " "))

	done := make(chan struct{})
	p.note(process{c.name, cmd, done})
	go func() {
		err := cmd.Wait()
		close(done)
		if p.restarts.Load() {
			p.ended <- c
			return
		}
		how := "exit status 0"
		if err != nil {
			how = err.Error()
		}
		p.end(fmt.Errorf("%s has ended (%s), and all of the instance with it; the end of %s:\n%s",
			c.name, how, logPath, tail(logPath, 15)))
	}()
	return nil
}

// note keeps the order in which components were first started.
func (p *processes) note(started process) {
	same := func(other process) bool { return other.name == started.name }
	if at := slices.IndexFunc(p.started, same); at >= 0 {
		p.started[at] = started
		return
	}
	p.started = append(p.started, started)
}

// record lets `control-plane down` check that nothing was left.
func (p *processes) record(name string, pid int) error {
	born, err := startTime(pid)
	if err != nil {
		// It has ended already, which is told by whoever waits for it.
		return nil
	}
	fmt.Fprintf(&p.recorded, "%d %d %s\n", pid, born, name)
	return p.folder.write("processes", p.recorded.String())
}

// stop ends all processes, last started first. The first one, etcd, goes when the others
// are gone, so that their logs do not end in a storm of its absence; it gets no grace,
// because its data is thrown away.
func (p *processes) stop(grace time.Duration) {
	if len(p.started) == 0 {
		return
	}
	stopAll(p.started[1:], grace)
	stopAll(p.started[:1], 0)
}

func stopAll(processes []process, grace time.Duration) {
	for i := len(processes) - 1; i >= 0; i-- {
		processes[i].cmd.Process.Signal(syscall.SIGTERM)
	}
	late := time.After(grace)
	for _, process := range processes {
		select {
		case <-process.done:
			continue
		case <-late:
			// From here on none gets more time.
			closed := make(chan time.Time)
			close(closed)
			late = closed
		}
		process.cmd.Process.Kill()
		<-process.done
	}
}
