package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// An orientation is how a decoded picture has to be turned, as EXIF numbers it (CIPA DC-008, "Orientation"): 1 not at all, 2 mirrored left to right,
// 3 by 180 degrees, 4 mirrored top to bottom, 5 mirrored along the diagonal, 6 clockwise, 7 mirrored along the other diagonal, 8 counterclockwise.
type orientation uint8

// turned is a picture with its orientation. It is shown as it is stored; [upright] turns it.
type turned struct {
	image.Image
	orientation
}

// plane returns a plane as it has to be shown.
func (o orientation) plane(p plane) plane {
	if o < 2 || o > 8 {
		return p
	}
	out := newPlane(p.w, p.h)
	if o >= 5 {
		out = newPlane(p.h, p.w)
	}
	for y := range out.h {
		for x := range out.w {
			sx, sy := x, y
			if o >= 5 { // rows are columns
				sx, sy = y, x
			}
			if o == 2 || o == 3 || o == 7 || o == 8 {
				sx = p.w - 1 - sx
			}
			if o == 3 || o == 4 || o == 6 || o == 7 {
				sy = p.h - 1 - sy
			}
			out.row(y)[x] = p.v[sy*p.w+sx]
		}
	}
	return out
}

// orientationOf returns the orientation that a file's EXIF data give: in a JPEG, PNG, WebP or TIFF file. It is 1 where there are none, or broken
// ones.
func orientationOf(file []byte) orientation {
	o := orientation(1)
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xd8")):
		o = jpegOrientation(file)
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		o = chunkOrientation(file[8:], binary.BigEndian, 4, "eXIf", 4) // length, name, content, checksum
	case len(file) > 12 && bytes.HasPrefix(file, []byte("RIFF")) && string(file[8:12]) == "WEBP":
		o = chunkOrientation(file[12:], binary.LittleEndian, 0, "EXIF", 0) // name, length, content
	case bytes.HasPrefix(file, []byte("II*\x00")), bytes.HasPrefix(file, []byte("MM\x00*")):
		o = tiffOrientation(file)
	}
	if o < 1 || o > 8 {
		return 1
	}
	return o
}

// jpegOrientation looks through the segments before the picture's data.
func jpegOrientation(file []byte) orientation {
	const (
		app1 = 0xe1
		sos  = 0xda // start of the data
	)
	for rest := file[2:]; len(rest) >= 4 && rest[0] == 0xff && rest[1] != sos; {
		if rest[1] == 0xff { // a fill byte
			rest = rest[1:]
			continue
		}
		length := int(binary.BigEndian.Uint16(rest[2:]))
		if length < 2 || 2+length > len(rest) {
			return 1
		}
		if exif, ok := bytes.CutPrefix(rest[4:2+length], []byte("Exif\x00\x00")); ok && rest[1] == app1 {
			return tiffOrientation(exif)
		}
		rest = rest[2+length:]
	}
	return 1
}

// chunkOrientation looks through chunks that each have a length of four bytes, in a byte order, and a name at an offset. after is how many
// bytes follow a chunk's content.
func chunkOrientation(rest []byte, order binary.ByteOrder, nameAt int, name string, after int) orientation {
	for len(rest) >= 8 {
		length := int64(order.Uint32(rest[4-nameAt:]))
		if 8+length > int64(len(rest)) {
			return 1
		}
		if string(rest[nameAt:nameAt+4]) == name {
			content, _ := bytes.CutPrefix(rest[8:8+length], []byte("Exif\x00\x00"))
			return tiffOrientation(content)
		}
		next := 8 + length + int64(after)
		if after == 0 {
			next += length & 1 // padded to an even length
		}
		if next > int64(len(rest)) {
			return 1
		}
		rest = rest[next:]
	}
	return 1
}

// tiffOrientation reads the orientation from the first directory of a TIFF structure, as which EXIF data are stored.
func tiffOrientation(tiff []byte) orientation {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	const (
		entry = 12 // bytes
		tag   = 0x112
	)
	start := int64(order.Uint32(tiff[4:]))
	if start+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[start+2:]
	for range order.Uint16(tiff[start:]) {
		if len(entries) < entry {
			return 1
		}
		if order.Uint16(entries) == tag {
			switch order.Uint16(entries[2:]) { // the type
			case 3: // short
				return orientation(min(order.Uint16(entries[8:]), 9))
			case 4: // long
				return orientation(min(order.Uint32(entries[8:]), 9))
			}
			return 1
		}
		entries = entries[entry:]
	}
	return 1
}
