package main

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

func init() { encoding.RegisterCodecV2(codec{}) }

// codec passes *[]byte through untouched and treats everything else as protobuf. It takes the name of
// the standard codec, so that the content type on the wire is the usual one.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	if raw, ok := v.(*[]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(*raw)}, nil
	}
	message, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("cannot marshal %T", v)
	}
	data, err := proto.Marshal(message)
	return mem.BufferSlice{mem.SliceBuffer(data)}, err
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, ok := v.(*[]byte); ok {
		*raw = data.Materialize()
		return nil
	}
	message, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("cannot unmarshal %T", v)
	}
	return proto.Unmarshal(data.Materialize(), message)
}
