package dataset

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A pager steers how the system reads a mapped set's images from the disk.
//
// The system reads a file ahead, 128 KiB or more around each image asked for. That is right for a set that fits into memory: soon all of
// it is there. A set that does not fit would be read a hundred times over, since what was read ahead is forgotten before it is used. How
// much memory there is for it nobody says (a container may have less than the machine), but twice the set's size read from the disk
// says that it was not enough. From then on, only the images of the next batch are read, all of them at once. What counts is what is read
// while images are read: the program itself is read from the disk, too, and so are other sets.
type pager struct {
	images []uint8
	size   int          // of an image
	read   func() int64 // bytes that the process has read from the disk
	total  int64        // of them, while images were read
	sparse bool
}

func newPager(set *Set) *pager {
	return &pager{images: set.Images, size: set.Rows * set.Cols, read: bytesRead}
}

// expect says that the images of these indices will be read soon. Its advice may be ignored; so may its errors.
func (p *pager) expect(indices []uint32) {
	if p.sparse {
		for _, i := range indices {
			_ = unix.Madvise(pages(p.images[int(i)*p.size:][:p.size]), unix.MADV_WILLNEED)
		}
	}
}

// watch calls f, which reads images.
func (p *pager) watch(f func()) {
	if p.sparse {
		f()
		return
	}
	before := p.read()
	f()
	p.total += p.read() - before
	if p.total > 2*int64(len(p.images)) {
		p.sparse = true
		_ = unix.Madvise(pages(p.images), unix.MADV_RANDOM)
	}
}

// pages returns b from the beginning of the page that it begins in.
func pages(b []uint8) []uint8 {
	first := unsafe.Pointer(unsafe.SliceData(b))
	extra := int(uintptr(first) % uintptr(os.Getpagesize()))
	return unsafe.Slice((*uint8)(unsafe.Add(first, -extra)), extra+len(b))
}

// bytesRead returns how much the process has read from disks, by getrusage's count of 512-byte blocks.
func bytesRead() int64 {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return 512 * usage.Inblock
}
