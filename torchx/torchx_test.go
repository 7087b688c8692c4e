package torchx

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	torch "github.com/wangkuiyi/gotorch"
)

// residentBytes returns how much of this process's memory is in RAM, without mapped files.
func residentBytes(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc on this system")
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); f[0] == "RssAnon:" {
			kb := 0
			for _, c := range f[1] {
				kb = kb*10 + int(c-'0')
			}
			return kb << 10
		}
	}
	t.Fatal("no RssAnon")
	return 0
}

// A scope that kept its tensor would leave 160 MiB of every ten. The C++ heap keeps what was freed, for reuse, and may take more once: so the
// least of three tens counts, and may not be one tensor.
func TestDoFreesWhatItsScopeOwns(t *testing.T) {
	const tensor = 16 << 20
	ten := func() int {
		before := residentBytes(t)
		for range 10 {
			if err := Do(func(s *Scope) error {
				s.Own(torch.Full([]int64{tensor / 4}, 1, false)) // written, so that it is in RAM
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return residentBytes(t) - before
	}
	ten() // the first calls load libtorch's code and fill the heap
	if grown := []int{ten(), ten(), ten()}; slices.Min(grown) >= tensor {
		t.Errorf("ten scopes of 16 MiB left %d bytes, three times", grown)
	}
}

func TestAClosedScopeLeavesNilHandlesAndCanBeUsedAgain(t *testing.T) {
	var s Scope
	for range 2 {
		x := s.Own(torch.Full([]int64{2}, 1, false))
		y := s.Own(x.Sigmoid())
		s.Close()
		if *x.T != nil || *y.T != nil {
			t.Fatal("a freed tensor still has its handle")
		}
	}
	s.Close()
}

func TestDoTurnsGotorchsPanicIntoAnErrorOfOneLine(t *testing.T) {
	multiply := func(s *Scope) error {
		a := s.Own(torch.Full([]int64{2, 3}, 1, false))
		s.Own(torch.MM(a, a))
		return nil
	}
	err := Do(multiply)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("Do returned %v, not an *Error", err)
	}
	if want := "libtorch: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	t.Setenv(DebugVariable, "1")
	if err := Do(multiply); !strings.Contains(err.Error(), "frame #0") {
		t.Errorf("with %s set there is no stack trace: %q", DebugVariable, err)
	}
}

func TestDoPassesOtherPanicsOn(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Do swallowed a panic of Go code")
		}
	}()
	_ = Do(func(*Scope) error {
		var p *int
		*p = 1
		return nil
	})
}

func TestBackwardAndStepReportExceptions(t *testing.T) {
	err := Do(func(s *Scope) error {
		x := s.Own(torch.Full([]int64{2}, 3, true))
		if err := Backward(x); err == nil || !strings.Contains(err.Error(), "scalar outputs") {
			t.Errorf("Backward of two elements: %v", err)
		}
		opt, err := NewOptimizer([]torch.Tensor{x}, OptimizerOptions{Kind: "sgd", LearningRate: 1})
		if err != nil {
			return err
		}
		defer opt.Close()
		if err := opt.Step(); err != nil {
			t.Errorf("Step without gradients: %v", err)
		}
		if err := opt.ZeroGrad(); err != nil {
			t.Errorf("ZeroGrad: %v", err)
		}
		_, err = NewOptimizer([]torch.Tensor{s.Own(x.Sigmoid())}, OptimizerOptions{Kind: "sgd", LearningRate: 1}) // not a leaf
		if err == nil {
			t.Error("an optimizer took a tensor that is not a leaf")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNoGradRecordsNothing(t *testing.T) {
	err := Do(func(s *Scope) error {
		w := s.Own(torch.Full([]int64{1}, 3, true))
		var y torch.Tensor
		_ = NoGrad(func() error {
			y = s.Own(w.Mul(w))
			return nil
		})
		if err := Backward(y); err == nil {
			t.Error("Backward went through an operation under NoGrad")
		}
		return Backward(s.Own(w.Mul(w))) // recorded again
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadAndWriteCopyAndCheckTheSize(t *testing.T) {
	err := Do(func(s *Scope) error {
		x := s.Own(torch.Full([]int64{2, 3}, 0, false))
		want := []float32{1, 2, 3, 4, 5, 6}
		if err := Write(x, want); err != nil {
			return err
		}
		got := make([]float32, 6)
		if err := Read(got, s.Own(s.Own(x.Transpose(0, 1)).Transpose(0, 1))); err != nil {
			return err
		}
		if !slices.Equal(got, want) {
			t.Errorf("read %v, wrote %v", got, want)
		}
		if err := Read(got[:5], x); err == nil || err.Error() != "libtorch: the tensor has 6 elements, not 5" {
			t.Errorf("Read of 5 from 6: %v", err)
		}
		if err := Write(Bytes(s, []byte{1, 2}, 2), []float32{1, 2}); err == nil || !strings.Contains(err.Error(), "not float32") {
			t.Errorf("Write to uint8: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnAccumulatorAddsMeanLossesAndRightAnswersOverImages(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		err := Do(func(s *Scope) error {
			accumulator, err := NewAccumulator(device)
			if err != nil {
				return err
			}
			defer accumulator.Close()
			full := func(value float32, shape ...int64) torch.Tensor {
				return To(s, s.Own(torch.Full(shape, value, false)), device)
			}
			labels := func(values ...uint8) torch.Tensor {
				return To(s, Bytes(s, values, int64(len(values))), device)
			}
			loss, logits := full(1, 1), full(0, 3, 10)
			values := make([]float32, 30)
			values[4], values[10+9], values[20+1], values[20+2] = 1, 1, 1, 2 // the rows' largest: 4, 9, 2
			if err := Write(logits, values); err != nil {
				return err
			}
			for range 2 { // and once more after Reset
				// The second batch is one image with loss 5 and a wrong answer (the first of ten equal logits): the mean is over images, not over batches.
				if err := errors.Join(accumulator.Add(loss, logits, labels(4, 9, 1)), accumulator.Add(full(5, 1), full(0, 1, 10), labels(1))); err != nil {
					return err
				}
				if sums, err := accumulator.Read(); err != nil || sums != (Sums{Images: 4, Loss: 2, Accuracy: 0.5}) {
					t.Errorf("%+v (%v), want loss 2 and accuracy 0.5 of 4 images", sums, err)
				}
				if err := accumulator.Reset(); err != nil {
					return err
				}
			}
			if err := accumulator.Add(loss, logits, labels(1)); err == nil {
				t.Error("1 label for 3 rows was accepted")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestBytesSharesMemory(t *testing.T) {
	err := Do(func(s *Scope) error {
		values := []uint8{1, 2, 3}
		x := Bytes(s, values, 3)
		values[1] = 7
		if got := x.Index(1).Item().(uint8); got != 7 {
			t.Errorf("the tensor has %d, the slice 7", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestManualSeedFixesTheRandomNumbers(t *testing.T) {
	draw := func(seed uint64) []float32 {
		v := make([]float32, 4)
		if err := Do(func(s *Scope) error {
			if err := ManualSeed(seed); err != nil {
				return err
			}
			return Read(v, s.Own(torch.Rand([]int64{4}, false)))
		}); err != nil {
			t.Fatal(err)
		}
		return v
	}
	a, b, c := draw(1), draw(1), draw(2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("seed 1: %v and %v, seed 2: %v", a, b, c)
	}
}

func TestSetNumThreads(t *testing.T) {
	before := NumThreads()
	defer func() {
		if err := SetNumThreads(before); err != nil {
			t.Error(err)
		}
	}()
	if err := SetNumThreads(3); err != nil || NumThreads() != 3 {
		t.Errorf("SetNumThreads(3): %v, and NumThreads is %d", err, NumThreads())
	}
	if err := SetNumThreads(0); err == nil {
		t.Error("0 threads accepted")
	}
}

// The version in go.mod and libtorch.mk is the one that runs.
func TestVersionsAreThePinnedOnes(t *testing.T) {
	mk, err := os.ReadFile(filepath.Join("..", "libtorch.mk"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "LIBTORCH_VERSION := " + LibtorchVersion() + "\n"; !strings.Contains(string(mk), want) {
		t.Errorf("libtorch.mk has no line %q", want)
	}
	if c := CPUCapability(); !slices.Contains([]string{"DEFAULT", "AVX2", "AVX512", "NEON", "SVE256"}, c) {
		t.Errorf("CPU capability %q", c)
	}
}
