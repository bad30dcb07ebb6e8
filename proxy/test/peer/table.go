package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"
)

// No case takes long; one that hangs must say so itself.
const caseTimeout = 40 * time.Second

// testCase is one row of the table. What run returns is compared with what it returns on another path to the server,
// so it holds nothing that differs between two runs; the error says that the case itself did not come out as it must.
type testCase struct {
	name string
	run  func(*client) (any, error)
}

// client is what a case works with.
type client struct {
	ctx  context.Context
	cc   *grpc.ClientConn
	dial func() (*grpc.ClientConn, error)
	id   string // of the case in this run; names its calls and gates at the server
}

func table() []testCase {
	return slices.Concat(
		plainCases(), metadataCases(), statusCases(), sizeCases(), cancelCases(), flowCases(), serviceCases(), connectionCases(),
	)
}

// runTable prints one line of JSON per case, and fails when a case does.
func runTable(t target, only string) error {
	cc, err := t.dial()
	if err != nil {
		return err
	}
	defer cc.Close()
	failed := 0
	for _, row := range table() {
		if only != "" && row.name != only {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), caseTimeout)
		id := fmt.Sprintf("%d-%d-%s", os.Getpid(), time.Now().UnixNano(), row.name)
		result, err := row.run(&client{ctx: ctx, cc: cc, dial: t.dial, id: id})
		cancel()
		line := map[string]any{"name": row.name, "result": result}
		if err != nil {
			line["error"] = err.Error()
			failed++
		}
		emit(line)
	}
	if failed > 0 {
		return fmt.Errorf("%d cases failed", failed)
	}
	return nil
}

// exchange makes one call: sends all messages, half-closes, reads to the end.
func (c *client) exchange(steps []step, sent [][]byte, opts ...grpc.CallOption) (outcome, error) {
	s, err := open(c.ctx, c.cc, c.id, steps, opts...)
	if err != nil {
		return outcome{}, err
	}
	for _, message := range sent {
		// A server that has ended the call already makes sending fail; finish reports how it ended.
		if s.send(message) != nil {
			break
		}
	}
	if err := s.CloseSend(); err != nil {
		return outcome{}, err
	}
	return s.finish(), nil
}

// expect checks the status that a case must end with on any path.
func expect(out outcome, code string) error {
	if out.Code != code {
		return fmt.Errorf("ended with %s (%s), want %s", out.Code, out.Message, code)
	}
	return nil
}

// exchanging is a case that is one exchange and must end with code.
func exchanging(name, code string, sent [][]byte, steps ...step) testCase {
	return testCase{name, func(c *client) (any, error) {
		out, err := c.exchange(steps, sent)
		return out, errors.Join(err, expectUnless(err, out, code))
	}}
}

func expectUnless(err error, out outcome, code string) error {
	if err != nil {
		return nil
	}
	return expect(out, code)
}

func patterns(n, size int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = pattern(i, size)
	}
	return out
}
