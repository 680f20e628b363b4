// The web server of test/download.sh: the files of a folder, on loopback.
//
// A file beside the asked one, with `.hang` or `.stall` added to its name, makes the
// server never answer, or stop in the middle of the answer. Each request is a line of
// the log. The server prints its address and ends with its standard input.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	root, logPath := os.Args[1], os.Args[2]
	requests, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()

	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(requests, r.URL.Path)
		path := filepath.Join(root, filepath.Clean("/"+r.URL.Path))
		if exists(path + ".hang") {
			<-r.Context().Done()
			return
		}
		if exists(path + ".stall") {
			w.Header().Set("Content-Length", "1000000")
			w.Write([]byte("the beginning"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		http.ServeFile(w, r, path)
	})))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
