package torchx

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// mostStackReads says how many multiply-adds of all kernels for some vector instructions may read the stack. Each is a sum or a weight that the
// compiler could not keep in a register; in an early version of these kernels there were 41, and a step took 5 % longer. It holds for the
// compiler that the project is built with elsewhere, too: another one spills other values.
var mostStackReads = map[string]int{"avx2": 8, "avx512": 2}

const compiler = "GCC: (Debian 12."

var (
	multiplyAdd = regexp.MustCompile(`\tvfn?m(add|sub)\d+ps `)
	stack       = regexp.MustCompile(`\(%r[sb]p\b`)
)

func TestTheKernelsSumsStayInRegisters(t *testing.T) {
	for level, most := range mostStackReads {
		object := "../build/obj/cpu/kernels-" + level + ".o"
		text, err := exec.Command("objdump", "--disassemble", "--no-show-raw-insn", object).CombinedOutput()
		if err != nil {
			t.Fatalf("objdump of %s: %v: %s", object, err, text)
		}
		all, read := 0, 0
		for line := range strings.Lines(string(text)) {
			if multiplyAdd.MatchString(line) {
				all++
				if stack.MatchString(line) {
					read++
				}
			}
		}
		made, err := exec.Command("objdump", "--full-contents", "--section=.comment", object).CombinedOutput()
		if err != nil {
			t.Fatalf("objdump of %s: %v", object, err)
		}
		ours := strings.Contains(dumped(string(made)), compiler)
		t.Logf("%s: %d of %d multiply-adds read the stack (the project's compiler: %v)", level, read, all, ours)
		if all < 500 {
			t.Errorf("%s has %d multiply-adds: is this the right file?", object, all)
		}
		if read > most && ours {
			t.Errorf("%s: %d multiply-adds read the stack, and %d may", object, read, most)
		}
	}
}

// dumped joins the right column of objdump's lines, which is the text.
func dumped(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, " ") && len(line) > 43 {
			b.WriteString(line[43:])
		}
	}
	return b.String()
}
