//go:build gpu

package torchx

// With the tag gpu, the operators' tests also run on the first GPU: `make gpu-check`.
func init() {
	if _, err := CUDADevices(); err != nil {
		panic(err)
	}
	if err := UseCUDA(0); err != nil {
		panic(err)
	}
	gpus = []string{"cuda:0"}
}
