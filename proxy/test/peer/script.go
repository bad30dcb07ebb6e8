package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"
)

// The server does what the client asks for in this request header: a JSON list of steps.
const scriptKey = "x-peer-script"

// Names the call in the server's journal.
const callKey = "x-peer-call"

// step is one thing that the server does within a call; see the switch in server.go.
type step struct {
	Op    string              `json:"op"`
	N     int                 `json:"n,omitempty"`
	Size  int                 `json:"size,omitempty"`
	Code  uint32              `json:"code,omitempty"`
	Text  string              `json:"text,omitempty"`
	Pairs int                 `json:"pairs,omitempty"`
	MD    map[string][]string `json:"md,omitempty"` // values of -bin keys in base64
}

func encodeScript(steps []step) string {
	data, err := json.Marshal(steps)
	if err != nil {
		panic(err) // steps hold nothing that JSON cannot
	}
	// Metadata values are printable ASCII.
	return base64.StdEncoding.EncodeToString(data)
}

func decodeScript(md metadata.MD) ([]step, error) {
	values := md.Get(scriptKey)
	if len(values) != 1 {
		return nil, fmt.Errorf("%d values of %s, want 1", len(values), scriptKey)
	}
	data, err := base64.StdEncoding.DecodeString(values[0])
	if err != nil {
		return nil, err
	}
	var steps []step
	return steps, json.Unmarshal(data, &steps)
}

// metadata builds what a header or trailer step asks for.
func (s step) metadata() (metadata.MD, error) {
	md := manyPairs(s.Pairs)
	for key, values := range s.MD {
		for _, value := range values {
			if strings.HasSuffix(key, "-bin") {
				raw, err := base64.StdEncoding.DecodeString(value)
				if err != nil {
					return nil, err
				}
				value = string(raw)
			}
			md.Append(key, value)
		}
	}
	return md, nil
}

func manyPairs(n int) metadata.MD {
	md := metadata.MD{}
	for i := range n {
		md.Set(fmt.Sprintf("x-pair-%04d", i), fmt.Sprintf("value %d of %d", i, n))
	}
	return md
}

// Longer metadata values are printed as their hash.
const maxPrinted = 1000

// printable turns binary values into base64, so that JSON loses nothing; it drops the keys that only steer the peer.
func printable(md metadata.MD) map[string][]string {
	out := map[string][]string{}
	for key, values := range md {
		if key == scriptKey || key == callKey {
			continue
		}
		values = slices.Clone(values)
		if strings.HasSuffix(key, "-bin") {
			for i, value := range values {
				values[i] = base64.StdEncoding.EncodeToString([]byte(value))
			}
		}
		for i, value := range values {
			if len(value) > maxPrinted {
				values[i] = fmt.Sprintf("%d bytes, sha256 %s", len(value), shaOf([]byte(value)))
			}
		}
		out[key] = values
	}
	return out
}
