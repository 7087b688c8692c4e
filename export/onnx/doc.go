// Package onnx is the protocol buffers of ONNX (https://onnx.ai), compiled.
//
// onnx.proto is that of ONNX 1.23.2, unchanged. To make onnx.pb.go anew after a change of it, or of protobuf's version in go.mod, run
// `go generate ./export/onnx`.
package onnx

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate --path onnx.proto .
