package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// messages is a fingerprint of a sequence of messages: their number, their bytes, and a hash that also covers their borders.
type messages struct {
	Count int    `json:"count"`
	Bytes int    `json:"bytes"`
	Sha   string `json:"sha256"`
	hash  hash.Hash
}

func newMessages() *messages { return &messages{hash: sha256.New()} }

func (m *messages) add(message []byte) {
	m.Count++
	m.Bytes += len(message)
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(message)))
	m.hash.Write(length[:])
	m.hash.Write(message)
}

func (m *messages) sum() messages {
	return messages{Count: m.Count, Bytes: m.Bytes, Sha: hex.EncodeToString(m.hash.Sum(nil))}
}

func shaOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// pattern is the i-th test message of a size: no two alike, none compressible to nothing.
func pattern(i, size int) []byte {
	data := make([]byte, size)
	state := uint32(i)*2654435761 + 1
	for k := range data {
		state = state*1664525 + 1013904223
		data[k] = byte(state >> 24)
	}
	return data
}
