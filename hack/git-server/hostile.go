package main

import (
	"crypto/sha1"
	"fmt"
	"net/http"
)

// What a hostile or broken server does. Each is shown in the answer to the request that it is about; all others are
// answered by the real Git.
const (
	// Refs without end.
	endlessRefs = "endless-refs"
	// Words about the progress without end, and never a pack.
	endlessProgress = "endless-progress"
	// A pack that is whole and has nothing of what was asked for.
	emptyPack = "empty-pack"
	// One byte of the pack is another.
	corrupt = "corrupt"
	// The connection is closed after some bytes of the pack.
	cut = "cut"
)

// hostile answers a request, where it is one that the fault is about.
func hostile(w http.ResponseWriter, fault, kind string) bool {
	switch {
	case fault == endlessRefs && kind == "ls-refs":
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		for number := 0; ; number++ {
			if _, err := w.Write(packet(fmt.Sprintf("%040x refs/heads/main/%d\n", number+1, number))); err != nil {
				return true
			}
		}
	case fault == endlessProgress && kind == "fetch":
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		w.Write(packet("packfile\n"))
		for {
			if _, err := w.Write(packet("\x02Counting objects without end\n")); err != nil {
				return true
			}
		}
	case fault == emptyPack && kind == "fetch":
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		w.Write(packet("packfile\n"))
		pack := []byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00")
		sum := sha1.Sum(pack)
		w.Write(packet("\x01" + string(append(pack, sum[:]...))))
		w.Write([]byte("0000"))
		return true
	}
	return false
}

// packet is a line as Git sends it.
func packet(line string) []byte {
	return []byte(fmt.Sprintf("%04x%s", len(line)+4, line))
}

// spoiling changes or cuts what comes after the first bytes of an answer.
type spoiling struct {
	http.ResponseWriter
	cut  bool
	left int
}

func (s *spoiling) Write(p []byte) (int, error) {
	if s.left >= len(p) {
		s.left -= len(p)
		return s.ResponseWriter.Write(p)
	}
	if s.cut {
		s.ResponseWriter.Write(p[:s.left])
		s.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	if s.left >= 0 {
		p = append([]byte(nil), p...)
		p[s.left] ^= 0x55
		s.left = 1 << 62
	}
	return s.ResponseWriter.Write(p)
}
