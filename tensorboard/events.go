// Package tensorboard writes scalars as TensorBoard reads them: a file of records
// (https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto, summary.proto).
//
// Of TensorBoard's messages it needs a handful of fields, which it encodes by their numbers, so that no generated code is needed.
package tensorboard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of Event, Summary and Summary.Value.
const (
	eventWallTime    protowire.Number = 1 // double, seconds since 1970
	eventStep        protowire.Number = 2 // int64
	eventFileVersion protowire.Number = 3 // string, in the first event alone
	eventSummary     protowire.Number = 5 // Summary
	summaryValue     protowire.Number = 1 // repeated Summary.Value
	valueTag         protowire.Number = 1 // string
	valueSimple      protowire.Number = 2 // float
)

// A Writer appends events to a file.
type Writer struct{ file *os.File }

// Create makes an event file in dir. TensorBoard knows it by its name.
func Create(dir string) (*Writer, error) {
	file, err := os.Create(filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%d.lenet", time.Now().Unix())))
	if err != nil {
		return nil, fmt.Errorf("tensorboard: %w", err)
	}
	w := &Writer{file}
	version := protowire.AppendTag(nil, eventFileVersion, protowire.BytesType)
	if err := w.write(protowire.AppendString(version, "brain.Event:2")); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Scalars appends values at a step, by their tags.
func (w *Writer) Scalars(step int, values map[string]float64) error {
	var summary []byte
	tags := make([]string, 0, len(values))
	for tag := range values {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	for _, tag := range tags {
		value := protowire.AppendTag(nil, valueTag, protowire.BytesType)
		value = protowire.AppendString(value, tag)
		value = protowire.AppendTag(value, valueSimple, protowire.Fixed32Type)
		value = protowire.AppendFixed32(value, math.Float32bits(float32(values[tag])))
		summary = protowire.AppendTag(summary, summaryValue, protowire.BytesType)
		summary = protowire.AppendBytes(summary, value)
	}
	event := protowire.AppendTag(nil, eventStep, protowire.VarintType)
	event = protowire.AppendVarint(event, uint64(step))
	event = protowire.AppendTag(event, eventSummary, protowire.BytesType)
	return w.write(protowire.AppendBytes(event, summary))
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

// write appends an event, with the time, as a record: its length, a checksum of that, itself, a checksum of it
// (https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details).
func (w *Writer) write(event []byte) error {
	event = protowire.AppendTag(event, eventWallTime, protowire.Fixed64Type)
	event = protowire.AppendFixed64(event, math.Float64bits(float64(time.Now().UnixMicro())/1e6))
	record := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	record = binary.LittleEndian.AppendUint32(record, masked(record))
	record = append(record, event...)
	record = binary.LittleEndian.AppendUint32(record, masked(event))
	if _, err := w.file.Write(record); err != nil {
		return fmt.Errorf("tensorboard: %w", err)
	}
	return nil
}

// masked returns the checksum that records have: CRC-32C, turned and shifted, since records may hold checksums themselves.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (c>>15 | c<<17) + 0xa282ead8
}
