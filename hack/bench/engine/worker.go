package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/engine"
	"github.com/ctr-operator/ctr-operator/runtime/format/onnx"
	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/kernel"
	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// runner does the i-th run, and returns its first result.
type runner func(i int) (float64, error)

// worker is our side of a comparison, and speaks as the others do:
//
//	engine MODEL INPUTS EXAMPLES BATCH THREADS   a network, by runtime/format/onnx and runtime/engine
//	streams MODEL INPUTS EXAMPLES BATCH STREAMS  streamBatches batches of a network, so many at a time, a thread each
//	vector MODEL                                 a model of a bare vector, by runtime/model
//	rows MODEL ROWS BATCH                        a model of named fields, by runtime/model
//	fields MODEL INPUTS EXAMPLES BATCH           a network whose inputs are fields, by runtime/model
//
// Beside the time and the result, it says how many allocations a run made. Others say something once, and end:
//
//	limits      what the core can do
//	open MODEL  how long it takes to open a model, and the bytes of its weights
//	read MODEL  how long it takes to read its files
func worker(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) > 0 {
		if done, err := once(ctx, args, out); done || err != nil {
			return err
		}
	}
	kinds := map[string]struct {
		arguments int
		open      func(ctx context.Context, args []string) (runner, error)
	}{
		"engine": {5, openEngine}, "streams": {5, openStreams}, "vector": {1, openVector}, "rows": {3, openRows},
		"fields": {4, openFields},
	}
	if len(args) == 0 {
		return errors.New("a worker of what kind?")
	}
	kind, found := kinds[args[0]]
	if !found || len(args) != 1+kind.arguments {
		return fmt.Errorf("no worker %v", args)
	}
	run, err := kind.open(ctx, args[1:])
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "kernels:", kernel.Best().Name)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		runs, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		if err := timed(out, run, runs); err != nil {
			return err
		}
	}
	return nil
}

// timed does so many runs, and says what they took.
func timed(out io.Writer, run runner, runs int) (err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	first := 0.0
	begin := time.Now()
	for i := range runs {
		if first, err = run(i); err != nil {
			return err
		}
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	_, err = fmt.Fprintln(out, took.Nanoseconds(), first, float64(after.Mallocs-before.Mallocs)/float64(runs))
	return err
}

// once does what is said once, where that is asked for.
func once(ctx context.Context, args []string, out io.Writer) (done bool, err error) {
	switch {
	case len(args) == 1 && args[0] == "limits":
		l := measureLimits()
		_, err = fmt.Fprintln(out, l.flops, l.cache, l.memory)
	case len(args) == 2 && args[0] == "read":
		took, size, err := readFiles(args[1])
		if err != nil {
			return true, err
		}
		_, err = fmt.Fprintln(out, took.Nanoseconds(), size)
		return true, err
	case len(args) == 2 && args[0] == "open":
		begin := time.Now()
		m, err := model.Open(ctx, args[1], model.Options{MaxBytes: 4 << 30})
		if err != nil {
			return true, err
		}
		took := time.Since(begin)
		_, err = fmt.Fprintln(out, took.Nanoseconds(), 4*m.Describe().Parameters)
		return true, err
	default:
		return false, nil
	}
	return true, err
}

func openEngine(ctx context.Context, args []string) (runner, error) {
	count, err := numbers(args[2:])
	if err != nil {
		return nil, err
	}
	p, inputs, err := openNetwork(ctx, args[0], args[1], count[0], count[2])
	if err != nil {
		return nil, err
	}
	return batches(p, inputs, count[0], count[1]), nil
}

// streamBatches is how many batches are one run of streams.
const streamBatches = 100

// openStreams is what a server does that answers several large requests at a time.
func openStreams(ctx context.Context, args []string) (runner, error) {
	count, err := numbers(args[2:])
	if err != nil {
		return nil, err
	}
	p, inputs, err := openNetwork(ctx, args[0], args[1], count[0], 1)
	if err != nil {
		return nil, err
	}
	streams := make([]runner, count[2])
	for i := range streams {
		streams[i] = batches(p, inputs, count[0], count[1])
	}
	return func(int) (float64, error) {
		var all sync.WaitGroup
		results, failures := make([]float64, len(streams)), make([]error, len(streams))
		for i, stream := range streams {
			all.Go(func() {
				for batch := i; batch < streamBatches && failures[i] == nil; batch += len(streams) {
					result, err := stream(batch)
					if batch == 0 {
						results[i] = result
					}
					failures[i] = err
				}
			})
		}
		all.Wait()
		return results[0], errors.Join(failures...)
	}, nil
}

// openNetwork compiles a network, and reads so many examples of its inputs.
func openNetwork(ctx context.Context, path, inputsPath string, rows, threads int) (*engine.Program, []*tensor.Tensor, error) {
	g, err := onnx.Read(ctx, os.DirFS(filepath.Dir(path)), filepath.Base(path), onnx.Limits{})
	if err != nil {
		return nil, nil, err
	}
	p, err := engine.Compile(ctx, g, engine.Options{Threads: threads})
	if err != nil {
		return nil, nil, err
	}
	inputs, err := readInputs(inputsPath, p.Inputs(), rows)
	return p, inputs, err
}

// batches runs batches of the examples in turn.
func batches(p *engine.Program, inputs []*tensor.Tensor, rows, batch int) runner {
	run := p.Acquire()
	return func(i int) (float64, error) {
		from := i % (rows / batch) * batch
		for k := range inputs {
			run.Input(k).ViewRows(inputs[k], from, batch)
		}
		if err := run.Do(); err != nil {
			return 0, err
		}
		return float64(tensor.Data[float32](run.Output(0))[0]), nil
	}
}

func numbers(args []string) ([]int, error) {
	values := make([]int, len(args))
	for i, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return nil, err
		}
		values[i] = n
	}
	return values, nil
}

// readInputs reads what models.py writes: the values of each input in turn, for so many examples.
func readInputs(path string, inputs []graph.Input, rows int) ([]*tensor.Tensor, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []*tensor.Tensor
	for _, input := range inputs {
		n := rows * input.Shape[1]
		if len(content) < 4*n {
			return nil, fmt.Errorf("%s ends before %s does", path, input.Name)
		}
		t := tensor.New(input.DType, rows, input.Shape[1])
		for i := range n {
			bits := binary.LittleEndian.Uint32(content[4*i:])
			if input.DType == tensor.Float32 {
				tensor.Data[float32](t)[i] = math.Float32frombits(bits)
			} else {
				tensor.Data[int32](t)[i] = int32(bits)
			}
		}
		all, content = append(all, t), content[4*n:]
	}
	return all, nil
}

func openVector(ctx context.Context, args []string) (runner, error) {
	m, err := model.Open(ctx, args[0], model.Options{})
	if err != nil {
		return nil, err
	}
	features := make([]float64, m.Signature().Features)
	if len(features) == 0 {
		return nil, fmt.Errorf("%s takes no vector", args[0])
	}
	for i := range features {
		features[i] = float64(i%3) + 0.5
	}
	row := model.Row{Features: features}
	return func(int) (float64, error) { return m.Predict(&row) }, nil
}

func openRows(ctx context.Context, args []string) (runner, error) {
	batch, err := strconv.Atoi(args[2])
	if err != nil {
		return nil, err
	}
	m, err := model.Open(ctx, args[0], model.Options{})
	if err != nil {
		return nil, err
	}
	rows, err := readRows(args[1], m.Signature())
	if err != nil {
		return nil, err
	}
	return predicting(m, rows, batch), nil
}

// predicting predicts rows, so many at a time.
func predicting(m *model.Model, rows []model.Row, batch int) runner {
	out := make([]float64, batch)
	return func(i int) (float64, error) {
		from := i % (len(rows) / batch) * batch
		if batch == 1 {
			return m.Predict(&rows[from])
		}
		err := m.PredictBatch(rows[from:from+batch], out)
		return out[0], err
	}
}

func openFields(ctx context.Context, args []string) (runner, error) {
	count, err := numbers(args[2:])
	if err != nil {
		return nil, err
	}
	m, err := model.Open(ctx, args[0], model.Options{})
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(args[1])
	if err != nil {
		return nil, err
	}
	examples, batch := count[0], count[1]
	var columns []column
	for _, field := range m.Signature().Fields {
		c := column{kind: field.Kind, each: field.Count()}
		if c.each < 1 || len(content) < 4*c.each*examples {
			return nil, fmt.Errorf("no values for %s", field.Name)
		}
		c.values, content = content[:4*c.each*examples], content[4*c.each*examples:]
		columns = append(columns, c)
	}
	// As a server does, rows are used again, with other values.
	rows := make([]model.Row, batch)
	for r := range rows {
		rows[r].Values = make([]model.Value, len(columns))
	}
	predict := predicting(m, rows, batch)
	return func(i int) (float64, error) {
		from := i % (examples / batch) * batch
		for r := range rows {
			for k := range columns {
				columns[k].set(&rows[r].Values[k], from+r)
			}
		}
		return predict(0)
	}, nil
}

// column are the values of a field for all examples: floats or integers of 32 bits, so many for each.
type column struct {
	kind   model.Kind
	each   int
	values []byte
}

// set makes a value that of an example. A list keeps its memory.
func (c *column) set(v *model.Value, example int) {
	v.Set = true
	content := c.values[4*c.each*example:][:4*c.each]
	if bits := binary.LittleEndian.Uint32(content); c.each == 1 {
		v.Num, v.Int = float64(math.Float32frombits(bits)), int64(int32(bits))
		return
	}
	v.Nums, v.Ints = v.Nums[:0], v.Ints[:0]
	for ; len(content) > 0; content = content[4:] {
		bits := binary.LittleEndian.Uint32(content)
		if c.kind == model.Integer {
			v.Ints = append(v.Ints, int64(int32(bits)))
		} else {
			v.Nums = append(v.Nums, float64(math.Float32frombits(bits)))
		}
	}
}

// readRows reads what pipeline.py writes: rows of columns, in the order of the signature's fields.
func readRows(path string, s model.Signature) ([]model.Row, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct{ Rows [][]any }
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, err
	}
	rows := make([]model.Row, len(file.Rows))
	for r, columns := range file.Rows {
		if len(columns) != len(s.Fields) {
			return nil, fmt.Errorf("%d columns for %d fields", len(columns), len(s.Fields))
		}
		rows[r].Values = make([]model.Value, len(columns))
		for i, column := range columns {
			value := model.Value{Set: true}
			switch v := column.(type) {
			case string:
				value.Str = v
			case float64:
				value.Num = v
			}
			rows[r].Values[i] = value
		}
	}
	return rows, nil
}
