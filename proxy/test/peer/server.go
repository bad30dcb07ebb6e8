package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

const serviceName = "memobuild.test.v1.Peer"

// What buildkitd allows.
const maxMessageSize = 16 << 20

// peer is what one server serves; a restart makes the next generation.
type peer struct {
	journal    *journal
	generation int
	restart    func(graceful bool)
}

func (p *peer) describe() *grpc.ServiceDesc {
	both := func(name string, handler grpc.StreamHandler) grpc.StreamDesc {
		return grpc.StreamDesc{StreamName: name, Handler: handler, ServerStreams: true, ClientStreams: true}
	}
	// On the wire a unary call is a stream with one message each way, so one kind of handler serves all four kinds.
	return &grpc.ServiceDesc{
		ServiceName: serviceName,
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{
			both("Run", func(_ any, stream grpc.ServerStream) error { return p.run(stream) }),
			both("Journal", func(_ any, stream grpc.ServerStream) error { return p.tell(stream) }),
			both("Release", func(_ any, stream grpc.ServerStream) error { return p.release(stream) }),
		},
	}
}

// describeControl answers the one call by which health is checked, with one worker.
func (p *peer) describeControl() *grpc.ServiceDesc {
	listWorkers := func(_ any, stream grpc.ServerStream) error {
		worker := []byte{0x0a, 4, 0x0a, 2, 'w', '1'} // ListWorkersResponse{Record: {ID: "w1"}}
		return stream.SendMsg(&worker)
	}
	return &grpc.ServiceDesc{
		ServiceName: "moby.buildkit.v1.Control",
		HandlerType: (*any)(nil),
		Streams:     []grpc.StreamDesc{{StreamName: "ListWorkers", Handler: listWorkers, ServerStreams: true}},
	}
}

func (p *peer) tell(stream grpc.ServerStream) error {
	var id []byte
	if err := stream.RecvMsg(&id); err != nil {
		return err
	}
	saw, err := p.journal.wait(stream.Context(), string(id))
	if err != nil {
		return status.Errorf(codes.NotFound, "call %s: %v", id, err)
	}
	return sendJSON(stream, saw)
}

func (p *peer) release(stream grpc.ServerStream) error {
	var key []byte
	if err := stream.RecvMsg(&key); err != nil {
		return err
	}
	p.journal.release(string(key))
	return sendJSON(stream, struct{}{})
}

func sendJSON(stream grpc.ServerStream, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return stream.SendMsg(&data)
}

func listen(address string) (net.Listener, error) {
	network, rest, ok := strings.Cut(address, "://")
	if !ok {
		return nil, fmt.Errorf("address %q is neither unix://PATH nor tcp://HOST:PORT", address)
	}
	return net.Listen(network, rest)
}

// serve runs until its standard input ends: the process that started it is gone then.
func serve(address string) error {
	listener, err := listen(address)
	if err != nil {
		return err
	}
	shared := newSharedListener(listener)
	book := newJournal()
	servers := make(chan *grpc.Server, 1)
	var start func(generation int)
	start = func(generation int) {
		lease := shared.lease()
		p := &peer{journal: book, generation: generation, restart: func(graceful bool) {
			old := <-servers
			start(generation + 1)
			if graceful {
				old.GracefulStop()
			} else {
				old.Stop()
			}
		}}
		server := grpc.NewServer(
			grpc.MaxRecvMsgSize(maxMessageSize), grpc.MaxSendMsgSize(maxMessageSize), grpc.StatsHandler(wireSizes{}),
		)
		server.RegisterService(p.describe(), p)
		server.RegisterService(p.describeControl(), p)
		healthpb.RegisterHealthServer(server, health.NewServer())
		reflection.Register(server)
		servers <- server
		go func() { _ = server.Serve(lease) }() // ends with an error only after Stop
	}
	start(1)
	network := listener.Addr().Network()
	emit(map[string]any{"event": "listening", "address": network + "://" + listener.Addr().String()})
	_, err = io.Copy(io.Discard, os.Stdin)
	(<-servers).Stop()
	return errors.Join(err, listener.Close())
}

// emit prints one event as a line of JSON.
func emit(event any) {
	if err := json.NewEncoder(os.Stdout).Encode(event); err != nil {
		panic(err)
	}
}
