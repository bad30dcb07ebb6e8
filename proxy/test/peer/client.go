package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// The authority that every client sends, whatever it dials; test certificates carry it too.
const authority = "localhost"

// target says where and how a client connects.
type target struct {
	address, caCert, cert, key string
	noALPN                     bool
}

func (t target) tlsConfig() (*tls.Config, error) {
	pem, err := os.ReadFile(t.caCert)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: authority, RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(pem)
	if t.cert != "" {
		pair, err := tls.LoadX509KeyPair(t.cert, t.key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (t target) dial() (*grpc.ClientConn, error) {
	network, rest, ok := strings.Cut(t.address, "://")
	if !ok {
		return nil, fmt.Errorf("address %q is neither unix://PATH nor tcp://HOST:PORT", t.address)
	}
	dialer := func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, rest)
	}
	transport := insecure.NewCredentials()
	if t.caCert != "" {
		config, err := t.tlsConfig()
		if err != nil {
			return nil, err
		}
		if t.noALPN {
			// As buildx does it: TLS inside the dialer, nothing offered by ALPN, gRPC believes the connection is plain.
			dialer = func(ctx context.Context, _ string) (net.Conn, error) {
				return (&tls.Dialer{Config: config}).DialContext(ctx, network, rest)
			}
		} else {
			transport = credentials.NewTLS(config)
		}
	}
	return grpc.NewClient("passthrough:///"+authority,
		grpc.WithContextDialer(dialer), grpc.WithTransportCredentials(transport), grpc.WithAuthority(authority),
		grpc.WithUserAgent("peer-client/1"), grpc.WithStatsHandler(wireSizes{}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageSize)),
	)
}

// outcome is everything that a client can observe of one call.
type outcome struct {
	Header   map[string][]string `json:"header"`
	Messages messages            `json:"messages"`
	Text     string              `json:"text,omitempty"` // the last message, when it is short
	Code     string              `json:"code"`
	Message  string              `json:"message"`
	Details  []detail            `json:"details,omitempty"`
	Trailer  map[string][]string `json:"trailer"`
}

type detail struct {
	Type string `json:"type"`
	Size int    `json:"size"`
	Sha  string `json:"sha256"`
}

// stream is a running call with a script for the server.
type stream struct {
	grpc.ClientStream
	id       string
	received *messages
	last     []byte
}

func withScript(ctx context.Context, id string, steps []step) context.Context {
	ctx = metadata.AppendToOutgoingContext(ctx, scriptKey, encodeScript(steps))
	if id == "" {
		return ctx // nobody will ask the journal
	}
	return metadata.AppendToOutgoingContext(ctx, callKey, id)
}

func open(ctx context.Context, cc *grpc.ClientConn, id string, steps []step, opts ...grpc.CallOption) (*stream, error) {
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	cs, err := cc.NewStream(withScript(ctx, id, steps), desc, "/"+serviceName+"/Run", opts...)
	if err != nil {
		return nil, err
	}
	return &stream{ClientStream: cs, id: id, received: newMessages()}, nil
}

func (s *stream) send(message []byte) error { return s.SendMsg(&message) }

// recv returns the next message; io.EOF after a call that ended well.
func (s *stream) recv() ([]byte, error) {
	var message []byte
	if err := s.RecvMsg(&message); err != nil {
		return nil, err
	}
	s.received.add(message)
	s.last = message
	return message, nil
}

// finish reads the stream to its end and tells what was seen.
func (s *stream) finish() outcome {
	for {
		if _, err := s.recv(); err != nil {
			return s.outcome(err)
		}
	}
}

func (s *stream) outcome(err error) outcome {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	header, _ := s.Header() // its error is the call's own, which is reported as the status
	st := status.Convert(err)
	out := outcome{
		Header: printable(header), Trailer: printable(s.Trailer()),
		Messages: s.received.sum(), Code: st.Code().String(), Message: st.Message(),
	}
	if len(s.last) < 4096 && json.Valid(s.last) {
		out.Text = string(s.last)
	}
	for _, d := range st.Proto().GetDetails() {
		out.Details = append(out.Details, detail{Type: d.GetTypeUrl(), Size: len(d.GetValue()), Sha: shaOf(d.GetValue())})
	}
	return out
}

// ask makes a unary call to one of the peer's steering methods.
func ask(ctx context.Context, cc *grpc.ClientConn, method, request string, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	in, out := []byte(request), []byte(nil)
	if err := cc.Invoke(ctx, "/"+serviceName+"/"+method, &in, &out, grpc.WaitForReady(true)); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return json.Unmarshal(out, reply)
}

func journalOf(ctx context.Context, cc *grpc.ClientConn, id string) (seen, error) {
	var saw seen
	return saw, ask(ctx, cc, "Journal", id, &saw)
}

func release(ctx context.Context, cc *grpc.ClientConn, key string) error {
	return ask(ctx, cc, "Release", key, &struct{}{})
}
