// The supervisor of one control-plane instance: it starts etcd, the Kubernetes
// components and kwok, waits until the cluster is usable, and then only watches.
//
// Its one promise is that nothing outlives it. Every process is started with a
// parent-death signal from a thread that lives as long as the supervisor, so even
// `kill -9` on the supervisor ends them all. It restarts nothing unless it is asked to:
// when one process ends, all end, and the reason is left in the instance folder.
//
// It uses the standard library only, and Linux only (as the Kubernetes server does).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// Why an instance ends without anything being wrong.
var (
	errAskedToStop = errors.New("asked to stop")
	errOwnerEnded  = errors.New("the process that owns this instance has ended")
)

// How long the processes get to end by themselves.
const stopGrace = 500 * time.Millisecond

type options struct {
	name     string
	instance string // the instance's folder; everything written goes there
	bin      string // folder of the binaries
	stages   string // folder of the kwok Stage documents
	node     string // template of a Node
	nodes    int
	audit    string // audit policy
	lock     string // held by whoever changes the instance folder
	ownerPID int
	restart  bool // start again what ends, once the instance is up
	timeout  time.Duration
}

func main() {
	// The parent-death signal is sent when the *thread* that forked ends, so all
	// processes are started from the main thread, which never ends before the process.
	runtime.LockOSThread()

	opts := parseOptions()
	log.SetFlags(log.Ldate | log.Ltime)
	log.SetPrefix("supervisor: ")
	if err := run(opts); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

func parseOptions() options {
	var o options
	flag.StringVar(&o.name, "name", "default", "name of the instance")
	flag.StringVar(&o.instance, "instance", "", "folder of the instance")
	flag.StringVar(&o.bin, "bin", "", "folder of the binaries")
	flag.StringVar(&o.stages, "stages", "", "folder of the kwok Stage documents")
	flag.StringVar(&o.node, "node", "", "template of a Node")
	flag.IntVar(&o.nodes, "nodes", 3, "how many nodes there are")
	flag.StringVar(&o.audit, "audit-policy", "", "audit policy of the API server")
	flag.StringVar(&o.lock, "lock", "", "file that is locked while the instance folder is removed")
	flag.IntVar(&o.ownerPID, "owner-pid", 0, "end, and remove the folder, when this process ends")
	flag.BoolVar(&o.restart, "restart", false, "start a process again when it ends, once all are up")
	flag.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long the start may take")
	flag.Parse()
	return o
}

// run brings the instance up and keeps it until there is a reason to end it.
func run(o options) error {
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)

	folder := instanceFolder(o.instance)
	if err := folder.claim(); err != nil {
		return err
	}

	// Watch for the reasons to end before anything is started.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		end(errAskedToStop)
	}()
	if o.ownerPID != 0 {
		if err := watchOwner(ctx, o.ownerPID, end); err != nil {
			return folder.fail(err)
		}
	}

	processes := newProcesses(folder, end)
	if err := bringUp(ctx, o, folder, processes); err == nil {
		processes.keep(ctx, o.restart)
	} else if ctx.Err() == nil {
		end(err)
	}

	// A process that ends is the cause, whatever its end broke elsewhere.
	cause := context.Cause(ctx)
	processes.stop(stopGrace)
	switch {
	case errors.Is(cause, errAskedToStop):
		folder.phase("stopped")
		return nil
	case errors.Is(cause, errOwnerEnded):
		log.Print(cause)
		folder.phase("stopped")
		return folder.removeIfUnlocked(o.lock)
	default:
		return folder.fail(cause)
	}
}

// watchOwner ends the instance when the process with this id does. A process that
// later gets the same id is told apart by its start time.
func watchOwner(ctx context.Context, pid int, end context.CancelCauseFunc) error {
	born, err := startTime(pid)
	if err != nil {
		return fmt.Errorf("no process %d to own this instance: %w", pid, err)
	}
	go func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			if now, err := startTime(pid); err != nil || now != born {
				end(errOwnerEnded)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return nil
}
