package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
)

// ended is the outcome of a call that somebody broke off: who ended it decides the text, so only the code counts.
type ended struct {
	Code     string
	Messages messages
	Server   seen
}

func cancelCases() []testCase {
	return []testCase{
		{"client cancels a running call", func(c *client) (any, error) {
			return c.breakOff([]step{{Op: "header"}, {Op: "send", N: 2, Size: 100}, {Op: "wait-end"}}, false)
		}},
		{"client cancels after its half-close", func(c *client) (any, error) {
			return c.breakOff([]step{{Op: "header"}, {Op: "send", N: 2, Size: 100}, {Op: "wait-end"}}, true)
		}},
		{"client closes its connection", clientGone},
		{"deadline passes", deadlinePasses},
		{"server ends before the client half-closes", serverEndsFirst},
		{"server fails while the client still sends", serverFailsFirst},
		{"half-close of a tunnel brings its trailers back", halfClose},
	}
}

// breakOff cancels a call once two messages have arrived; the server must see it as a cancel.
func (c *client) breakOff(steps []step, halfClosed bool) (any, error) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	s, err := open(ctx, c.cc, c.id, steps)
	if err != nil {
		return nil, err
	}
	if halfClosed {
		if err := s.CloseSend(); err != nil {
			return nil, err
		}
	}
	for range 2 {
		if _, err := s.recv(); err != nil {
			return nil, err
		}
	}
	cancel()
	out := s.finish()
	saw, err := journalOf(c.ctx, c.cc, c.id)
	if saw.Context != context.Canceled.Error() {
		err = errors.Join(err, fmt.Errorf("server saw %+v", saw))
	}
	return ended{out.Code, out.Messages, saw}, errors.Join(err, expect(out, "Canceled"))
}

func clientGone(c *client) (any, error) {
	cc, err := c.dial()
	if err != nil {
		return nil, err
	}
	s, err := open(c.ctx, cc, c.id, []step{{Op: "header"}, {Op: "wait-end"}})
	if err != nil {
		return nil, err
	}
	if _, err := s.Header(); err != nil {
		return nil, err
	}
	if err := cc.Close(); err != nil {
		return nil, err
	}
	saw, err := journalOf(c.ctx, c.cc, c.id)
	if saw.Context != context.Canceled.Error() {
		err = errors.Join(err, fmt.Errorf("server saw %+v", saw))
	}
	return saw, err
}

func deadlinePasses(c *client) (any, error) {
	ctx, cancel := context.WithTimeout(c.ctx, 300*time.Millisecond)
	defer cancel()
	s, err := open(ctx, c.cc, c.id, []step{{Op: "header"}, {Op: "wait-end"}})
	if err != nil {
		return nil, err
	}
	out := s.finish()
	saw, err := journalOf(c.ctx, c.cc, c.id)
	// The client's reset and the server's own timer race; both end the call.
	if saw.Context == "" {
		err = errors.Join(err, errors.New("the call went on at the server"))
	}
	return ended{Code: out.Code, Messages: out.Messages}, errors.Join(err, expect(out, "DeadlineExceeded"))
}

func serverEndsFirst(c *client) (any, error) {
	s, err := open(c.ctx, c.cc, c.id, []step{{Op: "recv", N: 1}, {Op: "send", N: 1, Size: 50}, {Op: "trailer", MD: md("x-t", "bye")}})
	if err != nil {
		return nil, err
	}
	if err := s.send([]byte("only one")); err != nil {
		return nil, err
	}
	out := s.finish()
	return out, expect(out, "OK")
}

// serverFailsFirst keeps sending until the server's answer stops it.
func serverFailsFirst(c *client) (any, error) {
	s, err := open(c.ctx, c.cc, c.id,
		[]step{{Op: "recv", N: 3}, {Op: "status", Code: uint32(codes.PermissionDenied), Text: "read-only", Size: 200}})
	if err != nil {
		return nil, err
	}
	message := pattern(1, 32<<10)
	for range 10_000 {
		if s.send(message) != nil {
			out := s.finish()
			return out, expect(out, "PermissionDenied")
		}
	}
	return nil, errors.New("the server's answer did not stop the client")
}

// halfClose is the life of a session tunnel: messages both ways, then the client half-closes and waits for trailers.
func halfClose(c *client) (any, error) {
	s, err := open(c.ctx, c.cc, c.id, []step{{Op: "header"}, {Op: "echo"}, {Op: "trailer", MD: md("x-tunnel", "closed")}})
	if err != nil {
		return nil, err
	}
	for _, message := range patterns(5, 300) {
		if err := s.send(message); err != nil {
			return nil, err
		}
		if _, err := s.recv(); err != nil {
			return nil, err
		}
	}
	if err := s.CloseSend(); err != nil {
		return nil, err
	}
	out := s.finish()
	saw, err := journalOf(c.ctx, c.cc, c.id)
	if saw.RecvEnd != "EOF" {
		err = errors.Join(err, fmt.Errorf("server saw the end as %q", saw.RecvEnd))
	}
	return map[string]any{"outcome": out, "server": saw}, errors.Join(err, expect(out, "OK"))
}

func flowCases() []testCase {
	const chunk = 32 << 10
	return []testCase{
		exchanging("64 MiB to the server", "OK", patterns(64<<20/chunk, chunk), step{Op: "drain"}, step{Op: "digest"}),
		exchanging("64 MiB to the client", "OK", nil, step{Op: "send", N: 64 << 20 / chunk, Size: chunk}),
		{"slow reader", slowReader},
		{"200 concurrent calls", func(c *client) (any, error) { return c.concurrently(200) }},
		{"200 calls open at once", func(c *client) (any, error) { return c.openAtOnce(200) }},
	}
}

func slowReader(c *client) (any, error) {
	s, err := open(c.ctx, c.cc, c.id, []step{{Op: "send", N: 16 << 5, Size: 32 << 10}})
	if err != nil {
		return nil, err
	}
	for i := 0; ; i++ {
		if _, err := s.recv(); err != nil {
			out := s.outcome(err)
			return out, expect(out, "OK")
		}
		if i%32 == 0 {
			time.Sleep(50 * time.Millisecond) // is the slowness under test
		}
	}
}

// fanOut runs n calls at once and returns their outcomes in order.
func (c *client) fanOut(n int, call func(*client, int) (outcome, error)) ([]outcome, error) {
	outs, errs := make([]outcome, n), make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			own := *c
			own.id = fmt.Sprintf("%s-%d", c.id, i)
			outs[i], errs[i] = call(&own, i)
		})
	}
	group.Wait()
	return outs, errors.Join(errs...)
}

// concurrently mixes calls whose contents all differ, so that bytes of one that reach another are seen.
func (c *client) concurrently(n int) (any, error) {
	outs, err := c.fanOut(n, func(own *client, i int) (outcome, error) {
		sent := [][]byte{pattern(i, 100+i*37), pattern(i+1, i)}
		out, err := own.exchange([]step{{Op: "echo"}, {Op: "trailer", MD: md("x-call", fmt.Sprint(i))}}, sent)
		want := newMessages()
		for _, message := range sent {
			want.add(message)
		}
		if err == nil && out.Messages.Sha != want.sum().Sha {
			err = fmt.Errorf("call %d: messages of another call", i)
		}
		return out, errors.Join(err, expectUnless(err, out, "OK"))
	})
	return outs, err
}

// openAtOnce ends no call before all of them have their headers.
func (c *client) openAtOnce(n int) (any, error) {
	gate := c.id + "-gate"
	var opened sync.WaitGroup
	opened.Add(n)
	released := make(chan error, 1)
	go func() {
		opened.Wait()
		released <- release(c.ctx, c.cc, gate)
	}()
	outs, err := c.fanOut(n, func(own *client, _ int) (outcome, error) {
		s, err := open(own.ctx, own.cc, own.id, []step{{Op: "header"}, {Op: "hold", Text: gate}, {Op: "send", N: 1, Size: 10}})
		if err != nil {
			opened.Done()
			return outcome{}, err
		}
		_, err = s.Header()
		opened.Done()
		out := s.finish()
		return out, errors.Join(err, expect(out, "OK"))
	})
	return outs, errors.Join(err, <-released)
}

func serviceCases() []testCase {
	unknown := func(name, method string) testCase {
		return testCase{name, func(c *client) (any, error) {
			in, out := []byte("hello"), []byte(nil)
			st := status.Convert(c.cc.Invoke(c.ctx, method, &in, &out))
			if st.Code() != codes.Unimplemented {
				return nil, st.Err()
			}
			return st.Message(), nil
		}}
	}
	return []testCase{
		unknown("unknown service", "/memobuild.test.v1.Nobody/Nothing"),
		unknown("unknown method", "/"+serviceName+"/Nothing"),
		{"reflection lists the services", listServices},
		{"health check", func(c *client) (any, error) {
			reply, err := healthpb.NewHealthClient(c.cc).Check(c.ctx, &healthpb.HealthCheckRequest{})
			return reply.GetStatus().String(), err
		}},
		{"health watch", watchHealth},
	}
}

func listServices(c *client) (any, error) {
	s, err := reflectionpb.NewServerReflectionClient(c.cc).ServerReflectionInfo(c.ctx)
	if err != nil {
		return nil, err
	}
	list := &reflectionpb.ServerReflectionRequest_ListServices{ListServices: "*"}
	if err := s.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: list}); err != nil {
		return nil, err
	}
	reply, err := s.Recv()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, service := range reply.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	if !slices.Contains(names, serviceName) {
		return nil, fmt.Errorf("%s is not among %v", serviceName, names)
	}
	return names, s.CloseSend()
}

func watchHealth(c *client) (any, error) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	watch, err := healthpb.NewHealthClient(c.cc).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return nil, err
	}
	first, err := watch.Recv()
	if err != nil {
		return nil, err
	}
	cancel()
	_, err = watch.Recv()
	return []string{first.GetStatus().String(), status.Code(err).String()}, nil
}

func connectionCases() []testCase {
	return []testCase{
		{"server goes away gracefully in mid-stream", func(c *client) (any, error) {
			s, generation, err := c.restartInMidStream("graceful")
			if err != nil {
				return nil, err
			}
			if err := errors.Join(s.send([]byte("still here")), s.CloseSend()); err != nil {
				return nil, err
			}
			out := s.finish()
			return out, errors.Join(expect(out, "OK"), c.reachesAfter(generation))
		}},
		{"server dies in mid-stream", func(c *client) (any, error) {
			s, generation, err := c.restartInMidStream("now")
			if err != nil {
				return nil, err
			}
			out := s.finish()
			return ended{Code: out.Code, Messages: out.Messages}, errors.Join(expect(out, "Unavailable"), c.reachesAfter(generation))
		}},
	}
}

// restartInMidStream returns a stream that was running when the server was told to restart, and that server's generation.
func (c *client) restartInMidStream(how string) (*stream, string, error) {
	s, err := open(c.ctx, c.cc, c.id, []step{{Op: "header"}, {Op: "echo"}})
	if err != nil {
		return nil, "", err
	}
	if err := s.send([]byte("before")); err != nil {
		return nil, "", err
	}
	if _, err := s.recv(); err != nil {
		return nil, "", err
	}
	own := *c
	own.id += "-asks"
	out, err := own.exchange([]step{{Op: "generation"}}, nil)
	if err != nil {
		return nil, "", err
	}
	own.id += "-restart"
	_, _ = own.exchange([]step{{Op: "restart", Text: how}}, nil) // a server that dies at once may take the answer with it
	return s, out.Text, nil
}

// reachesAfter makes calls until a later generation serves one; those that meet the dying connection may fail.
func (c *client) reachesAfter(generation string) error {
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	for n := 0; ; n++ {
		own := *c
		own.ctx, own.id = ctx, fmt.Sprintf("%s-back-%d", c.id, n)
		out, err := own.exchange([]step{{Op: "generation"}}, nil, grpc.WaitForReady(true))
		if err == nil && out.Code == "OK" && out.Text != generation {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("nothing later than generation %s is reached: %v %s %s", generation, err, out.Code, out.Message)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
