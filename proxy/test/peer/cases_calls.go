package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
)

func plainCases() []testCase {
	one := patterns(1, 100)
	return []testCase{
		{"unary", func(c *client) (any, error) {
			var header, trailer metadata.MD
			in, out := one[0], []byte(nil)
			steps := []step{{Op: "header", MD: md("x-h", "1")}, {Op: "trailer", MD: md("x-t", "2")}, {Op: "echo"}}
			err := c.cc.Invoke(withScript(c.ctx, c.id, steps), "/"+serviceName+"/Run", &in, &out,
				grpc.Header(&header), grpc.Trailer(&trailer))
			return map[string]any{"header": printable(header), "trailer": printable(trailer), "reply": shaOf(out)}, err
		}},
		exchanging("empty message", "OK", [][]byte{{}}, step{Op: "echo"}),
		exchanging("no message at all", "OK", nil, step{Op: "drain"}),
		exchanging("client stream", "OK", patterns(300, 5000), step{Op: "drain"}, step{Op: "digest"}),
		exchanging("server stream", "OK", one, step{Op: "recv", N: 1}, step{Op: "send", N: 300, Size: 5000}),
		exchanging("bidirectional stream", "OK", patterns(300, 500), step{Op: "echo"}),
		exchanging("messages of many sizes", "OK",
			[][]byte{pattern(1, 1), {}, pattern(2, 16379), pattern(3, 16384), pattern(4, 65535), pattern(5, 1<<20)}, step{Op: "echo"}),
		{"gzip messages stay as they are", gzipped},
	}
}

func gzipped(c *client) (any, error) {
	s, err := open(c.ctx, c.cc, c.id, []step{{Op: "echo"}}, grpc.UseCompressor(gzip.Name))
	if err != nil {
		return nil, err
	}
	text := []byte(strings.Repeat("compress me ", 5000))
	if err := errors.Join(s.send(text), s.CloseSend()); err != nil {
		return nil, err
	}
	out := s.finish()
	saw, err := journalOf(c.ctx, c.cc, c.id)
	if saw.Compression != gzip.Name || len(saw.CompressedSize) != 1 || saw.CompressedSize[0] >= len(text) {
		err = errors.Join(err, fmt.Errorf("server saw %q, sizes %v", saw.Compression, saw.CompressedSize))
	}
	sizes, _ := s.Context().Value(payloadKey{}).(*payloads)
	return map[string]any{"outcome": out, "server": saw, "client": sizes.sizes}, err
}

func md(key string, values ...string) map[string][]string { return map[string][]string{key: values} }

// Every byte value, and lengths with each remainder by three, which base64 pads differently.
func binaries() []string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return []string{string(all), string(all[:1]), string(all[:2]), ""}
}

func metadataCases() []testCase {
	methods := make([]string, 25)
	for i := range methods {
		methods[i] = fmt.Sprintf("/moby.filesync.v1.FileSync/Method%d", 24-i)
	}
	inBase64 := binaries()
	for i, value := range inBase64 {
		inBase64[i] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	both := map[string][]string{"x-many": methods, "x-bytes-bin": inBase64, "x-odd": {"a, b", "", "100% ~!"}}
	cases := []testCase{
		reporting("25 values of one key keep their order", map[string][]string{"x-docker-expose-session-grpc-method": methods}),
		reporting("binary metadata reaches the server", map[string][]string{"x-bytes-bin": binaries()}),
		reporting("commas and empty values stay as they are", md("x-odd", "a, b", "", "c,d", "100% ~!")),
		reporting("trace context and session keys", map[string][]string{
			"traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, "tracestate": {"a=1,b=2"}, "baggage": {"k=v;p"},
			"buildkit-controlapi-buildid": {"q1w2e3"}, "x-docker-expose-session-uuid": {"u-1"}, "containerd-namespace": {"buildkit"},
		}),
		exchanging("repeated and binary metadata come back in headers and trailers", "OK", nil,
			step{Op: "header", MD: both}, step{Op: "send", N: 1, Size: 10}, step{Op: "trailer", MD: both}),
		exchanging("headers without a message", "OK", nil, step{Op: "header", MD: md("x-only", "h")}, step{Op: "drain"}),
		{"headers come long before the first message", headersFirst},
	}
	for _, n := range []int{130, 400, 1000} {
		cases = append(cases,
			reporting(fmt.Sprintf("request with %d header pairs", n), manyPairs(n)),
			exchanging(fmt.Sprintf("headers and trailers of %d pairs", n), "OK", nil,
				step{Op: "header", Pairs: n}, step{Op: "send", N: 1, Size: 10}, step{Op: "trailer", Pairs: n}))
	}
	return cases
}

// reporting is a case whose point is what the server sees of the request: metadata, authority, user agent, deadline.
func reporting(name string, sent map[string][]string) testCase {
	return testCase{name, func(c *client) (any, error) {
		own := *c
		own.ctx = metadata.NewOutgoingContext(c.ctx, metadata.MD(sent))
		out, err := own.exchange([]step{{Op: "report"}}, nil)
		if err != nil {
			return nil, err
		}
		return out, expect(out, "OK")
	}}
}

// headersFirst sends its message only after it has seen headers: it ends in time only if nobody holds them back.
func headersFirst(c *client) (any, error) {
	s, err := open(c.ctx, c.cc, c.id, []step{
		{Op: "header", MD: md("buildkit-current-timestamp", "2026-01-02T03:04:05Z")}, {Op: "recv", N: 1}, {Op: "send", N: 1, Size: 10},
	})
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	header, err := s.Header()
	if err != nil {
		return nil, err
	}
	if waited := time.Since(asked); waited > 5*time.Second {
		return nil, fmt.Errorf("headers came after %v", waited)
	}
	if err := errors.Join(s.send([]byte("go on")), s.CloseSend()); err != nil {
		return nil, err
	}
	out := s.finish()
	return map[string]any{"header": printable(header), "outcome": out}, expect(out, "OK")
}

func statusCases() []testCase {
	notFound := step{Op: "status", Code: uint32(codes.NotFound), Text: "no such job"}
	cases := []testCase{
		exchanging("trailers-only error", "NotFound", nil, notFound),
		exchanging("error after headers", "NotFound", nil, step{Op: "header"}, notFound),
		exchanging("error after messages", "NotFound", nil, step{Op: "send", N: 3, Size: 100}, notFound),
		exchanging("error with details and trailers", "Unknown", patterns(1, 10), step{Op: "recv", N: 1},
			step{Op: "trailer", MD: md("x-t", "1", "2")},
			step{Op: "status", Code: uint32(codes.Unknown), Text: "dockerfile parse error on line 3", Size: 300}),
		exchanging("status message in any script", "Aborted", nil,
			step{Op: "status", Code: uint32(codes.Aborted), Text: "fehl\ngeschlagen: 100 % ✓ \x01 " + strings.Repeat("long ", 1000)}),
		exchanging("status code that gRPC does not know", "Code(42)", nil, step{Op: "status", Code: 42, Text: "odd"}),
	}
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1 KB", 1000}, {"60 KB", 60_000}, {"100 KB", 100_000}, {"1 MB", 1_000_000}} {
		details := step{Op: "status", Code: uint32(codes.Unknown), Text: "failed to solve", Size: size.bytes}
		cases = append(cases,
			exchanging("details of "+size.name, "Unknown", nil, details),
			exchanging("details of "+size.name+" after a message", "Unknown", nil, step{Op: "send", N: 1, Size: 10}, details))
	}
	return cases
}

func sizeCases() []testCase {
	const tooBig = maxMessageSize + 1
	return []testCase{
		exchanging("16 MiB to the server", "OK", patterns(1, maxMessageSize), step{Op: "drain"}, step{Op: "digest"}),
		exchanging("16 MiB to the client", "OK", nil, step{Op: "send", N: 1, Size: maxMessageSize}),
		exchanging("16 MiB both ways", "OK", patterns(1, maxMessageSize), step{Op: "echo"}),
		exchanging("more than 16 MiB to the server", "ResourceExhausted", patterns(1, tooBig), step{Op: "drain"}),
		exchanging("more than 16 MiB to the client", "ResourceExhausted", nil, step{Op: "send", N: 1, Size: tooBig}),
	}
}
