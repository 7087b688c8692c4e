package dataset

import (
	"slices"
	"sync"
	"unsafe"
)

// A Mapping is a file that is mapped into memory until the process ends. Where the file becomes shorter, a read of its memory ends the process
// with SIGBUS.
type Mapping struct {
	Path    string
	Memory  []uint8 // the whole file
	version identity
}

// mappings are all of the process.
var mappings struct {
	sync.Mutex
	all []Mapping
}

func addMapping(m Mapping) {
	mappings.Lock()
	defer mappings.Unlock()
	mappings.all = append(mappings.all, m)
}

// mappedAlready returns the memory of a version of a file, or nil.
func mappedAlready(version identity) []uint8 {
	mappings.Lock()
	defer mappings.Unlock()
	if i := slices.IndexFunc(mappings.all, func(m Mapping) bool { return m.version == version }); i >= 0 {
		return mappings.all[i].Memory
	}
	return nil
}

// Mappings returns the files from which images and labels are read while they are used.
func (d *Data) Mappings() (all []Mapping) {
	mappings.Lock()
	defer mappings.Unlock()
	for _, m := range mappings.all {
		used := func(values []uint8) bool { return m.holds(values) }
		if slices.ContainsFunc([][]uint8{d.Train.Images, d.Train.Labels, d.Test.Images, d.Test.Labels}, used) {
			all = append(all, m)
		}
	}
	return all
}

// holds says whether values are in the file's memory.
func (m Mapping) holds(values []uint8) bool {
	first, begin := uintptr(unsafe.Pointer(unsafe.SliceData(values))), uintptr(unsafe.Pointer(unsafe.SliceData(m.Memory)))
	return len(values) > 0 && first >= begin && first-begin < uintptr(len(m.Memory))
}
