package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

const (
	// listenerDescriptor is where the forwarder finds its listening socket.
	listenerDescriptor = 3
	dialPatience       = 5 * time.Second
)

// forwardCommand is a process of the native cluster. It runs inside the node's network, and is handed a socket that `up` opened
// outside of it: that is all it takes to lead from the machine's loopback to the API server.
func forwardCommand() *cobra.Command {
	return &cobra.Command{
		Use: "forward ADDRESS", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			listener, err := net.FileListener(os.NewFile(listenerDescriptor, "listener"))
			if err != nil {
				return err
			}
			return forward(cmd.Context(), listener, args[0])
		},
	}
}

// forward joins every accepted connection with one to the address, until ctx ends.
func forward(ctx context.Context, listener net.Listener, address string) error {
	var connections sync.WaitGroup
	defer connections.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	for {
		accepted, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		connections.Go(func() { join(ctx, accepted, address) })
	}
}

// join copies both ways until both sides have said all, or ctx ends.
func join(ctx context.Context, near net.Conn, address string) {
	defer near.Close() // the other side has gone, one way or the other
	dialer := net.Dialer{Timeout: dialPatience}
	far, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return // the caller sees the connection close, as it would from a server that is not up
	}
	defer far.Close() // see above
	stop := context.AfterFunc(ctx, func() { _, _ = near.Close(), far.Close() })
	defer stop()
	var copies sync.WaitGroup
	copies.Go(func() { copyHalf(far, near) })
	copies.Go(func() { copyHalf(near, far) })
	copies.Wait()
}

// copyHalf copies one direction and passes its end on; the other direction stays open.
func copyHalf(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
