package torchx

// #include "torchx.h"
import "C"

import (
	"os"
	"runtime"
	"strings"
)

// DebugVariable is the environment variable that, set to anything, keeps the C++ stack trace in the text of an [Error].
const DebugVariable = "LENET_DEBUG"

// Error is a C++ exception, thrown by libtorch or by cc/, or a check that failed in gotorch.
type Error struct {
	// Text is what the exception said: one line, unless DebugVariable is set.
	Text string
}

func (e *Error) Error() string { return "libtorch: " + e.Text }

// OutOfMemory says whether there was not enough memory, on the CPU or on a CUDA device.
func (e *Error) OutOfMemory() bool {
	return strings.Contains(e.Text, "out of memory") || strings.Contains(e.Text, "not enough memory") || strings.Contains(e.Text, "can't allocate memory")
}

// OutOfThreads says whether the system gave no more threads.
func (e *Error) OutOfThreads() bool {
	return strings.Contains(e.Text, "Resource temporarily unavailable")
}

func newError(text string) *Error {
	if os.Getenv(DebugVariable) == "" {
		text = oneLine(text)
	}
	return &Error{text}
}

// oneLine removes the source position and the stack trace that libtorch appends to its messages, and joins the remaining lines.
func oneLine(text string) string {
	for _, trace := range []string{"\nException raised from ", "\nDevice-side assertion", "\nSearch for `cuda", "\nCUDA kernel errors", "\nframe #0: "} {
		text, _, _ = strings.Cut(text, trace)
	}
	return strings.Join(strings.Fields(text), " ")
}

// check turns the text that a C function returned into an error, and frees it.
func check(text *C.char) error {
	if text == nil {
		return nil
	}
	defer C.torchx_free_text(text)
	return newError(C.GoString(text))
}

// must panics with the text of an [Error], as gotorch does. It serves functions that are used in expressions, inside of [Do].
func must(err error) {
	if err != nil {
		panic(err.(*Error).Text)
	}
}

// recovered stores such a panic as an [Error] in *err. Any other panic is a bug in Go code and goes on.
func recovered(err *error) {
	switch p := recover().(type) {
	case nil:
	case runtime.Error:
		panic(p)
	case string:
		*err = newError(p)
	default:
		panic(p)
	}
}
