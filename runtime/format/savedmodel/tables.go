package savedmodel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/format/tftype"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// What a table's keys and values can be of a line, beside the number of a column.
const (
	wholeLine  = -2
	lineNumber = -1
)

// MaxAsset is how many bytes a file of a table has at most.
const MaxAsset = 1 << 30

// textTable is a table that comes from a file with a line for each entry.
type textTable struct {
	// source is the file's name, perhaps by way of a variable.
	source               value
	name                 string
	keyIndex, valueIndex int
	size, offset         int
	delimiter            string
}

// contents are a table's keys and values.
func (l *lowering) contents(r *resource) (keys, values graph.Value, err error) {
	if !r.filled {
		return 0, 0, fault(Malformed, "the table %.200q is never filled", r.name)
	}
	if r.file != nil {
		if err := l.readTable(r); err != nil {
			return 0, 0, fmt.Errorf("table %.200q: %w", r.name, err)
		}
	}
	if keys, err = l.tensor(r.keys); err != nil {
		return 0, 0, err
	}
	values, err = l.tensor(r.values)
	return keys, values, err
}

// readTable reads a table's file, and makes its columns the keys and the values.
func (l *lowering) readTable(r *resource) error {
	source := r.file.source
	if source.kind == isResource && !source.resource.table {
		source = source.resource.content
	}
	if source.kind != isAsset {
		return fault(Unsafe, "it is read from a file that is not among the model's assets")
	}
	r.file.name = source.text
	lines, err := l.lines(r.file)
	if err != nil {
		return err
	}
	keys, err := r.file.column(lines, r.file.keyIndex, r.keyType)
	if err != nil {
		return err
	}
	values, err := r.file.column(lines, r.file.valueIndex, r.valueType)
	if err != nil {
		return err
	}
	r.keys, r.values, r.file = tensorValue(l.b.Constant(keys)), tensorValue(l.b.Constant(values)), nil
	return nil
}

// lines reads an asset file, which must be in the model's folder.
func (l *lowering) lines(t *textTable) ([]string, error) {
	name := path.Join("assets", t.name)
	malformed := func(format string, args ...any) error {
		return &Error{Kind: Malformed, File: name, Message: fmt.Sprintf(format, args...)}
	}
	if !fs.ValidPath(t.name) || !fs.ValidPath(name) {
		return nil, &Error{Kind: Unsafe, File: graphFile, Message: fmt.Sprintf("the asset %.200q is not in the model's folder", t.name)}
	}
	file, err := l.files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, malformed("there is no such file")
	}
	if err != nil {
		return nil, fmt.Errorf("opening an asset: %w", err)
	}
	defer file.Close()
	var raw strings.Builder
	n, err := io.Copy(&raw, io.LimitReader(file, MaxAsset+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if n > MaxAsset {
		return nil, &Error{Kind: TooLarge, File: name, Message: fmt.Sprintf("a table's file has %d bytes at most", MaxAsset)}
	}
	lines := strings.Split(raw.String(), "\n")
	if last := len(lines) - 1; lines[last] == "" || lines[last] == "\r" {
		lines = lines[:last]
	}
	if t.size >= 0 {
		if t.size > len(lines) {
			return nil, malformed("it has %d lines, and %d are asked for", len(lines), t.size)
		}
		lines = lines[:t.size]
	}
	return lines, nil
}

// column makes a tensor of what one column is of each line.
func (t *textTable) column(lines []string, index, dtype int) (*tensor.Tensor, error) {
	texts := make([]string, len(lines))
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		switch index {
		case lineNumber:
			texts[i] = strconv.Itoa(i + t.offset)
		case wholeLine:
			texts[i] = line
		default:
			fields := strings.Split(line, t.delimiter)
			if index < 0 || index >= len(fields) {
				return nil, &Error{
					Kind: Malformed, File: path.Join("assets", t.name),
					Message: fmt.Sprintf("the line %d has %d columns, and column %d is asked for", i+1, len(fields), index+1),
				}
			}
			texts[i] = fields[index]
		}
	}
	column, err := parse(texts, dtype)
	if err != nil {
		return nil, &Error{Kind: Malformed, File: path.Join("assets", t.name), Message: err.Error()}
	}
	return column, nil
}

// parse makes values of a type of their texts.
func parse(texts []string, dtype int) (*tensor.Tensor, error) {
	switch dtype {
	case tftype.String:
		return tensor.Of(texts, len(texts)), nil
	case tftype.Int64:
		return parseEach(texts, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
	case tftype.Int32:
		return parseEach(texts, func(s string) (int32, error) {
			v, err := strconv.ParseInt(s, 10, 32)
			return int32(v), err
		})
	case tftype.Float:
		return parseEach(texts, func(s string) (float32, error) {
			v, err := strconv.ParseFloat(s, 32)
			return float32(v), err
		})
	case tftype.Double:
		return parseEach(texts, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	default:
		return nil, fmt.Errorf("a table's keys and values cannot be %s", tftype.Name(dtype))
	}
}

func parseEach[T tensor.Element](texts []string, one func(string) (T, error)) (*tensor.Tensor, error) {
	values := make([]T, len(texts))
	for i, text := range texts {
		v, err := one(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("line %d: %.50q is no %v", i+1, text, tensor.TypeOf[T]())
		}
		values[i] = v
	}
	return tensor.Of(values, len(values)), nil
}

// lookup lowers LookupTableFindV2.
func lookup(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 3 || in[0].kind != isResource || !in[0].resource.table {
		return result{}, fault(Malformed, "looks up in something that is no table")
	}
	keys, values, err := l.contents(in[0].resource)
	if err != nil {
		return result{}, err
	}
	rest, err := l.tensors(in[1:])
	if err != nil {
		return result{}, err
	}
	return l.add(n, op.TableLookup{Replace: in[0].resource.mutable}, rest[0], keys, values, rest[1]), nil
}

// tableSize lowers LookupTableSizeV2.
func tableSize(l *lowering, n *node, in []value) (result, error) {
	if len(in) != 1 || in[0].kind != isResource || !in[0].resource.table {
		return result{}, fault(Malformed, "takes the size of something that is no table")
	}
	keys, _, err := l.contents(in[0].resource)
	if err != nil {
		return result{}, err
	}
	return l.add(n, op.Size{}, keys), nil
}
