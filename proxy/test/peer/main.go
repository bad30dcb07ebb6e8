// Command grpc-peer is both ends of the relay's tests: a gRPC server that does what its caller asks for, and clients that
// report as JSON lines what they observe.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const usage = "usage: grpc-peer serve|names|call|run|ticks|download|upload|release|journal [flags]"

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	var t target
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	listen := flags.String("listen", "", "address to serve on: unix://PATH or tcp://HOST:PORT")
	flags.StringVar(&t.address, "addr", "", "address to call: unix://PATH or tcp://HOST:PORT")
	flags.StringVar(&t.caCert, "cacert", "", "speak TLS and trust this CA")
	flags.StringVar(&t.cert, "cert", "", "client certificate")
	flags.StringVar(&t.key, "key", "", "its key")
	flags.BoolVar(&t.noALPN, "no-alpn", false, "speak TLS without ALPN, as buildx does")
	only := flags.String("only", "", "run this case of the table alone")
	script := flags.String("script", "[]", "JSON list of steps for the server")
	id := flags.String("id", "", "name of the call in the server's journal, or of the gate to release")
	size := flags.Int("bytes", 1<<30, "bytes to move")
	pauseAfter := flags.Int("pause-after", 0, "stop reading after this many bytes until a line comes in")
	timeout := flags.Duration("timeout", 10*time.Minute, "limit for the whole run")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	switch args[0] {
	case "serve":
		return serve(*listen)
	case "names":
		for _, row := range table() {
			fmt.Println(row.name)
		}
		return nil
	case "call":
		return runTable(t, *only)
	}
	cc, err := t.dial()
	if err != nil {
		return err
	}
	defer cc.Close()
	switch args[0] {
	case "run":
		return runScript(ctx, cc, *id, *script)
	case "ticks":
		return ticks(ctx, cc)
	case "download":
		return download(ctx, cc, *size, *pauseAfter)
	case "upload":
		return upload(ctx, cc, *size, *id)
	case "release":
		return release(ctx, cc, *id)
	case "journal":
		saw, err := journalOf(ctx, cc, *id)
		if err == nil {
			emit(saw)
		}
		return err
	}
	return errors.New(usage)
}
