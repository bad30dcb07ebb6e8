package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// commands are the lines of standard input; the channel is closed at its end.
func commands() <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

// runScript makes one call and prints headers, messages and the end as they come; a line of input half-closes it.
func runScript(ctx context.Context, cc *grpc.ClientConn, id, script string) error {
	var steps []step
	if err := json.Unmarshal([]byte(script), &steps); err != nil {
		return err
	}
	s, err := open(ctx, cc, id, steps)
	if err != nil {
		st := status.Convert(err)
		emit(map[string]any{"event": "end", "outcome": outcome{Code: st.Code().String(), Message: st.Message()}})
		return nil
	}
	go func() {
		<-commands()
		_ = s.CloseSend() // the end is reported by receiving
	}()
	if header, err := s.Header(); err == nil && header != nil {
		emit(map[string]any{"event": "header", "header": printable(header)})
	}
	for {
		message, err := s.recv()
		if err != nil {
			emit(map[string]any{"event": "end", "outcome": s.outcome(err)})
			return nil
		}
		emit(map[string]any{"event": "message", "bytes": len(message)})
	}
}

const tickEvery = 20 * time.Millisecond

// ticks keeps a bidirectional stream busy until a line of input, then half-closes; every message must come back.
func ticks(ctx context.Context, cc *grpc.ClientConn) error {
	s, err := open(ctx, cc, "", []step{{Op: "header"}, {Op: "echo"}})
	if err != nil {
		return err
	}
	if _, err := s.Header(); err != nil {
		return err
	}
	stop := commands()
	timer := time.NewTicker(tickEvery)
	defer timer.Stop()
	slowest, sent := time.Duration(0), newMessages()
	for running := true; running; {
		message := pattern(sent.Count, 200)
		asked := time.Now()
		if err := s.send(message); err != nil {
			break
		}
		sent.add(message)
		if _, err := s.recv(); err != nil {
			emit(map[string]any{"event": "end", "outcome": s.outcome(err), "sent": sent.sum()})
			return nil
		}
		slowest = max(slowest, time.Since(asked))
		if sent.Count == 1 {
			emit(map[string]any{"event": "open"})
		}
		select {
		case <-timer.C:
		case <-stop:
			running = false
		}
	}
	_ = s.CloseSend() // the end is reported by receiving
	emit(map[string]any{"event": "end", "outcome": s.finish(), "sent": sent.sum(), "slowestMs": slowest.Milliseconds()})
	return nil
}

const floodChunk = 1 << 20

// download reads a flood, stopping once after pauseAfter bytes until a line of input comes.
func download(ctx context.Context, cc *grpc.ClientConn, size, pauseAfter int) error {
	s, err := open(ctx, cc, "", []step{{Op: "header"}, {Op: "send", N: size / floodChunk, Size: floodChunk}})
	if err != nil {
		return err
	}
	lines := commands()
	for paused := pauseAfter == 0; ; {
		if _, err := s.recv(); err != nil {
			emit(map[string]any{"event": "end", "outcome": s.outcome(err)})
			return nil
		}
		if !paused && s.received.Bytes >= pauseAfter {
			emit(map[string]any{"event": "paused", "bytes": s.received.Bytes})
			<-lines
			paused = true
		}
	}
}

// upload sends a flood that the server does not read before the gate is released, and prints how far it got.
func upload(ctx context.Context, cc *grpc.ClientConn, size int, gate string) error {
	steps := []step{{Op: "header"}, {Op: "hold", Text: gate}, {Op: "drain"}, {Op: "digest"}}
	s, err := open(ctx, cc, "", steps)
	if err != nil {
		return err
	}
	var sentBytes atomic.Int64
	progress := time.NewTicker(100 * time.Millisecond)
	defer progress.Stop()
	go func() {
		for range progress.C {
			emit(map[string]any{"event": "progress", "bytes": sentBytes.Load()})
		}
	}()
	sent := newMessages()
	for i := range size / floodChunk {
		message := pattern(i, floodChunk)
		if err := s.send(message); err != nil {
			break
		}
		sent.add(message)
		sentBytes.Add(floodChunk)
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	out := s.finish()
	var got messages
	if err := json.Unmarshal([]byte(out.Text), &got); err != nil && out.Code == "OK" {
		return fmt.Errorf("digest %q: %w", out.Text, err)
	}
	whole := got.Sha == sent.sum().Sha
	emit(map[string]any{"event": "end", "outcome": out, "whole": whole})
	return nil
}
