package main

import (
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	spb "google.golang.org/genproto/googleapis/rpc/status"
)

// call is one running script.
type call struct {
	peer     *peer
	stream   grpc.ServerStream
	md       metadata.MD
	received *messages
	entry    *entry
}

func (p *peer) run(stream grpc.ServerStream) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	steps, err := decodeScript(md)
	if err != nil {
		return status.Errorf(codes.InvalidArgument, "script: %v", err)
	}
	c := &call{peer: p, stream: stream, md: md, received: newMessages(), entry: &entry{}}
	if ids := md.Get(callKey); len(ids) == 1 {
		c.entry = p.journal.entry(ids[0])
		defer c.entry.close()
	}
	defer c.note()
	for _, s := range steps {
		if err := c.do(s); err != nil {
			return err
		}
	}
	return nil
}

// note writes what the whole call was like into the journal.
func (c *call) note() {
	c.entry.Received = c.received.sum()
	if err := c.stream.Context().Err(); err != nil {
		c.entry.Context = err.Error()
	}
	if p, ok := c.stream.Context().Value(payloadKey{}).(*payloads); ok {
		c.entry.Compression, c.entry.CompressedSize = p.compression, p.sizes
	}
}

func (c *call) do(s step) error {
	switch s.Op {
	case "header", "trailer":
		return c.sendMetadata(s)
	case "recv":
		for range s.N {
			if _, err := c.recv(); err != nil {
				return err
			}
		}
	case "drain":
		return c.each(func([]byte) error { return nil })
	case "echo":
		return c.each(func(message []byte) error { return c.stream.SendMsg(&message) })
	case "send":
		for i := range s.N {
			message := pattern(i, s.Size)
			if err := c.stream.SendMsg(&message); err != nil {
				return err
			}
		}
	case "report":
		return c.report()
	case "digest":
		return sendJSON(c.stream, c.received.sum())
	case "hold":
		select {
		case <-c.peer.journal.gate(s.Text):
		case <-c.stream.Context().Done():
		}
	case "wait-end":
		return c.waitEnd()
	case "restart":
		go c.peer.restart(s.Text == "graceful") // which waits for this call, too
	case "generation":
		return sendJSON(c.stream, c.peer.generation)
	case "status":
		return statusOf(s)
	default:
		return status.Errorf(codes.InvalidArgument, "no step %q", s.Op)
	}
	return nil
}

func (c *call) sendMetadata(s step) error {
	md, err := s.metadata()
	if err != nil {
		return err
	}
	if s.Op == "header" {
		return c.stream.SendHeader(md)
	}
	c.stream.SetTrailer(md)
	return nil
}

func (c *call) recv() ([]byte, error) {
	var message []byte
	err := c.stream.RecvMsg(&message)
	switch {
	case errors.Is(err, io.EOF):
		c.entry.RecvEnd = "EOF"
	case err != nil:
		c.entry.RecvEnd = status.Code(err).String()
	default:
		c.received.add(message)
	}
	return message, err
}

func (c *call) each(handle func([]byte) error) error {
	for {
		message, err := c.recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := handle(message); err != nil {
			return err
		}
	}
}

// Coarse enough for what is left of caseTimeout to round to the same value on any path.
const deadlineStep = 30 * time.Second

// report tells the client what reached the server of its request headers.
func (c *call) report() error {
	method, _ := grpc.Method(c.stream.Context())
	deadline := ""
	if at, ok := c.stream.Context().Deadline(); ok {
		deadline = time.Until(at).Round(deadlineStep).String()
	}
	return sendJSON(c.stream, map[string]any{"metadata": printable(c.md), "method": method, "deadline": deadline})
}

// waitEnd returns when the client has cancelled, gone away or run out of time; receiving sees it too.
func (c *call) waitEnd() error {
	if err := c.each(func([]byte) error { return nil }); err != nil {
		return err
	}
	<-c.stream.Context().Done()
	return status.FromContextError(c.stream.Context().Err()).Err()
}

func statusOf(s step) error {
	st := &spb.Status{Code: int32(s.Code), Message: s.Text}
	if s.Size > 0 {
		// BuildKit's details are JSON inside an Any, under a type that no registry knows.
		st.Details = []*anypb.Any{
			{TypeUrl: "github.com/moby/buildkit/errdefs.Source+json", Value: pattern(7, s.Size)},
			{TypeUrl: "github.com/moby/buildkit/stack.Stack+json", Value: []byte(`{"frames":[]}`)},
		}
	}
	return status.FromProto(st).Err()
}
