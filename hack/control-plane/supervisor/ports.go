package main

import (
	"context"
	"fmt"
	"net"
	"syscall"
)

// SO_REUSEPORT on Linux (the syscall package lacks it on some architectures).
const soReusePort = 0xf

// reservePort takes a free port of 127.0.0.1 for as long as the supervisor lives.
//
// Looking for a free port and handing over its number is a race: another process may
// bind it in between. So the supervisor binds it, without listening, and lets the
// server bind it a second time: with SO_REUSEPORT on both sides the kernel allows that
// to processes of one user, gives the port to nobody who asks for any free one, and
// sends connections only to the socket that listens.
func reservePort() (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("failed to open a socket: %w", err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soReusePort, 1); err != nil {
		return 0, fmt.Errorf("failed to share a port: %w", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, fmt.Errorf("failed to bind a free port of 127.0.0.1: %w", err)
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, fmt.Errorf("failed to learn the port: %w", err)
	}
	return address.(*syscall.SockaddrInet4).Port, nil
}

// listening tells whether something answers on the port.
func listening(ctx context.Context, port int) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	return conn.Close()
}
