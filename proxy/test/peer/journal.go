package main

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

// seen is what the server saw of one call, for cases whose point is what happens there.
type seen struct {
	Received       messages `json:"received"`
	RecvEnd        string   `json:"recvEnd"` // how receiving ended: "EOF" is a half-close, else a status code
	Context        string   `json:"context"` // why the call's context ended before the handler did
	Compression    string   `json:"compression"`
	CompressedSize []int    `json:"compressedSize"`
}

type entry struct {
	seen
	done chan struct{}
	once sync.Once
}

func (e *entry) close() { e.once.Do(func() { close(e.done) }) }

// journal outlives the server's restarts.
type journal struct {
	mu      sync.Mutex
	entries map[string]*entry
	gates   map[string]chan struct{}
}

func newJournal() *journal {
	return &journal{entries: map[string]*entry{}, gates: map[string]chan struct{}{}}
}

// entry finds or makes the entry of a call: whoever asks about a call may come before the call does.
func (j *journal) entry(id string) *entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.entries[id]
	if !ok {
		e = &entry{done: make(chan struct{})}
		j.entries[id] = e
	}
	return e
}

// gate is closed by release; steps that hold wait for it.
func (j *journal) gate(key string) chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	g, ok := j.gates[key]
	if !ok {
		g = make(chan struct{})
		j.gates[key] = g
	}
	return g
}

func (j *journal) release(key string) {
	g := j.gate(key)
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case <-g:
	default:
		close(g)
	}
}

// wait returns what the server saw once the call's handler has returned.
func (j *journal) wait(ctx context.Context, id string) (seen, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	e := j.entry(id)
	select {
	case <-e.done:
		return e.seen, nil
	case <-ctx.Done():
		return seen{}, ctx.Err()
	}
}

type payloadKey struct{}

// payloads collects the sizes of messages as they were on the wire.
type payloads struct {
	compression string
	sizes       []int
}

// wireSizes is a stats handler for both ends: it shows whether compressed messages stay as they are.
type wireSizes struct{}

func (wireSizes) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if ctx.Value(payloadKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, payloadKey{}, &payloads{})
}

func (wireSizes) HandleRPC(ctx context.Context, s stats.RPCStats) {
	p, ok := ctx.Value(payloadKey{}).(*payloads)
	if !ok {
		return
	}
	switch s := s.(type) {
	case *stats.InHeader:
		p.compression = s.Compression
	case *stats.InPayload:
		p.sizes = append(p.sizes, s.CompressedLength)
	}
}

func (wireSizes) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (wireSizes) HandleConn(context.Context, stats.ConnStats)                       {}
