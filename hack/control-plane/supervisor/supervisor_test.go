package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestStartTimeIsReadPastAnyProgramName(t *testing.T) {
	check := func(stat string, want uint64, ok bool) {
		t.Helper()
		got, err := parseStartTime(stat)
		if got != want || (err == nil) != ok {
			t.Errorf("parseStartTime(%q) = %d, %v; want %d, ok %v", stat, got, err, want, ok)
		}
	}
	const rest = " 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 1"
	check("7 (etcd) S"+rest, 4711, true)
	check("7 (a) R b) S"+rest, 4711, true)
	check("7 (gone) Z"+rest, 0, false)
	check("7 (etcd) S 1 2", 0, false)
	check("", 0, false)
}

func TestShellGetsBackWhatWasQuoted(t *testing.T) {
	for _, value := range []string{"", "plain", "two words", "it's", `$HOME "x" \`, "line\nline"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shellQuote(value)).Output()
		if err != nil || string(out) != value {
			t.Errorf("the shell read %q as %q (%v)", value, out, err)
		}
	}
}

func TestReservedPortsDiffer(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port, err := reservePort()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] {
			t.Fatalf("port %d was reserved twice", port)
		}
		seen[port] = true
	}
}

func TestFilesOfAnInstanceAreForItsOwnerOnly(t *testing.T) {
	folder := instanceFolder(t.TempDir())
	if _, err := makeCredentials(folder, "https://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	err := filepath.Walk(folder.path(), func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
