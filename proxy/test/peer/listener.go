package main

import (
	"net"
	"sync"
)

// sharedListener lets one server after another accept from the same socket, so that a restart refuses nobody.
type sharedListener struct {
	inner    net.Listener
	accepted chan net.Conn
	current  *lease
}

func newSharedListener(inner net.Listener) *sharedListener {
	s := &sharedListener{inner: inner, accepted: make(chan net.Conn)}
	go func() {
		for {
			conn, err := inner.Accept()
			if err != nil {
				return
			}
			s.accepted <- conn
		}
	}()
	return s
}

// lease takes the socket from the server that had it; only one restart runs at a time.
func (s *sharedListener) lease() net.Listener {
	if s.current != nil {
		_ = s.current.Close() // cannot fail
	}
	s.current = &lease{shared: s, closed: make(chan struct{})}
	return s.current
}

type lease struct {
	shared *sharedListener
	closed chan struct{}
	once   sync.Once
}

func (l *lease) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	case conn := <-l.shared.accepted:
		select {
		case <-l.closed:
			// Both were ready: the connection belongs to the next server.
			go func() { l.shared.accepted <- conn }()
			return nil, net.ErrClosed
		default:
			return conn, nil
		}
	}
}

func (l *lease) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *lease) Addr() net.Addr { return l.shared.inner.Addr() }
