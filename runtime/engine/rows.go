package engine

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// A program whose outputs have a row for each row of the inputs, computed from that row alone, can be run on some rows after
// others: what passes between operators then stays in the cache, and several threads can each take some.

// blockBytes is how much memory the widest value of a block of rows may take, so that a block and the weights stay in the
// cache that a core has for itself.
const blockBytes = 128 << 10

// The bounds of a block's number of rows.
const (
	leastRows = 48
	mostRows  = 768
	// leastShare is the least that a thread takes.
	leastShare = 42
)

// rowBlock is how many rows of a program are run at a time, or 0 where it is not one of rows.
func rowBlock(nodes []graph.Node, constants map[graph.Value]*tensor.Tensor, inputs []graph.Input, outputs []graph.Output) int {
	known := inferShapes(nodes, constants, inputs)
	a := alignment{known: known, constants: constants, aligned: map[graph.Value]bool{}}
	for _, input := range inputs {
		if len(input.Shape) == 0 || input.Shape[0] != graph.Any {
			return 0
		}
		a.aligned[input.Value] = true
	}
	widest := 1
	made := map[graph.Value]bool{}
	for i := range nodes {
		node := &nodes[i]
		if len(node.Out) != 1 || !a.keeps(node) {
			return 0
		}
		a.aligned[node.Out[0]], made[node.Out[0]] = true, true
		if shape := known[node.Out[0]]; len(shape) > 0 {
			widest = max(widest, count(shape[1:]))
		}
	}
	for _, output := range outputs {
		if !made[output.Value] {
			return 0
		}
	}
	return min(max(blockBytes/4/widest, leastRows), mostRows)
}

// alignment knows which values have a row for each row of the inputs.
type alignment struct {
	known     shapes
	constants map[graph.Value]*tensor.Tensor
	aligned   map[graph.Value]bool
}

// keeps says whether the output of a node has a row for each row of the inputs, computed from those alone.
func (a *alignment) keeps(node *graph.Node) bool {
	if len(node.In) == 0 {
		return false
	}
	first := node.In[0]
	switch o := node.Op.(type) {
	case *dense:
		return a.rows(first, 2)
	case *join:
		return o.rank >= 2 && a.parts(o, node)
	case op.MatMul:
		return a.rows(first, 2) && a.matrix(second(node))
	case op.Gather:
		return o.Axis == 0 && a.rows(second(node), 1) && a.constants[first] != nil
	case op.Concat:
		return o.Axis > 0 && !slices.ContainsFunc(node.In, func(v graph.Value) bool { return !a.rows(v, 2) })
	case op.Reshape:
		return a.rows(first, 1) && a.reshaped(node)
	case op.Flatten:
		return o.Axis == 1 && a.rows(first, 1)
	case op.Softmax:
		return o.Axis == -1 && a.rows(first, 2)
	case op.BatchNormalization:
		return a.rows(first, 2) && a.restConstant(node)
	case op.Squeeze, op.Unsqueeze:
		// The rows stay the first dimension.
		axes, constant := squeezed(a.constants, node)
		return a.rows(first, 1) && constant && !slices.ContainsFunc(axes, func(axis int) bool { return axis <= 0 })
	}
	if broadcasts(node.Op) {
		return a.together(node)
	}
	return elementwise(node.Op) && a.rows(first, 1) && a.restConstant(node)
}

// restConstant says whether all inputs but the first are constant.
func (a *alignment) restConstant(node *graph.Node) bool {
	return !slices.ContainsFunc(node.In[1:], func(v graph.Value) bool { return a.constants[v] == nil })
}

// rows says whether a value is one of rows, of so many dimensions at least.
func (a *alignment) rows(v graph.Value, rank int) bool {
	return a.aligned[v] && len(a.known[v]) >= rank
}

// matrix says whether a value is a constant matrix.
func (a *alignment) matrix(v graph.Value) bool {
	t := a.constants[v]
	return t != nil && t.Rank() == 2
}

// parts says whether all parts of a join are of rows.
func (a *alignment) parts(j *join, node *graph.Node) bool {
	for i := range j.parts {
		p := &j.parts[i]
		v := node.In[p.in]
		if !a.rows(v, 1) || (!p.table && !a.rows(v, 2)) {
			return false
		}
		if !p.table || p.shape != split {
			continue
		}
		// As many are looked up for each row as the part is wide.
		table, known := a.known.input(node, p.in+1)
		if !known || len(table) != 2 || count(a.known[v][1:])*table[1] != p.width {
			return false
		}
	}
	return true
}

// reshaped says whether a Reshape leaves each row's elements with it.
func (a *alignment) reshaped(node *graph.Node) bool {
	sizes, constant := integers(a.constants[second(node)])
	if !constant || len(sizes) == 0 || sizes[0] > 0 {
		return false
	}
	to, known := a.known[node.Out[0]]
	if !known {
		return false
	}
	before, after := count(a.known[node.In[0]][1:]), count(to[1:])
	return before == after && before > 0
}

// together says whether values are combined row by row: each has rows, and as many dimensions as the others, or is constant,
// and the same for all rows. One at least has rows.
func (a *alignment) together(node *graph.Node) bool {
	rank := 0
	for _, v := range node.In {
		switch {
		case !a.aligned[v]:
		case len(a.known[v]) == 0 || (rank > 0 && len(a.known[v]) != rank):
			return false
		default:
			rank = len(a.known[v])
		}
	}
	for _, v := range node.In {
		if a.aligned[v] {
			continue
		}
		t := a.constants[v]
		if t == nil || t.Rank() > rank || (t.Rank() == rank && rank > 0 && t.Shape()[0] != 1) {
			return false
		}
	}
	return rank > 0
}

// blocks is a run of a program block by block. It belongs to a Run.
type blocks struct {
	run *Run
	// rows is how many there are, next the first that nobody has taken.
	rows int
	next atomic.Int64
	// mu guards sized, which says that the outputs have their size, and err, the error of the first rows that had one.
	mu      sync.Mutex
	sized   bool
	err     error
	errFrom int
	done    sync.WaitGroup
	// working is how many helpers are at it.
	working atomic.Int64
	// help is (*blocks).helped of this one, made once.
	help func()
}

// rowCount is how many rows the inputs have, where the run is worth being split.
func (r *Run) rowCount() (rows int, split bool) {
	block := r.program.block
	if block == 0 {
		return 0, false
	}
	for i := range r.program.inputs {
		shape := r.Input(i).Shape()
		if len(shape) == 0 || (i > 0 && shape[0] != rows) {
			return 0, false
		}
		rows = shape[0]
	}
	return rows, rows >= 2*block
}

// doBlocks computes the outputs of all rows, with the help of other threads where they are free.
func (r *Run) doBlocks(rows int) error {
	b := &r.blocks
	p := r.program
	b.run, b.rows, b.sized, b.err, b.errFrom = r, rows, false, nil, math.MaxInt
	b.next.Store(0)
	if b.help == nil {
		b.help = b.helped
	}
	for range min(p.threads, rows/leastRows) - 1 {
		if p.idle.take() {
			b.done.Add(1)
			b.working.Add(1)
			p.jobs <- b
			continue
		}
		if p.helpers.Add(1) >= int64(p.threads) {
			p.helpers.Add(-1)
			break
		}
		b.done.Add(1)
		b.working.Add(1)
		go b.help()
		// A goroutine that was started last is not taken over by another thread for a while. This one may wait.
		go nothing()
	}
	b.work()
	b.wait()
	return b.err
}

func nothing() {}

// wait waits for the helpers. They are in their last blocks, which are short, so that it is worth looking for a while before
// going to sleep.
func (b *blocks) wait() {
	for begin := time.Now(); b.working.Load() > 0 && time.Since(begin) < patience; {
		// Yielding would let this thread take the helper's goroutine, or go to sleep.
	}
	b.done.Wait()
}

// helped is a helper's life: these blocks, and those of other runs that begin before it has waited for long.
func (b *blocks) helped() {
	p := b.run.program
	defer p.helpers.Add(-1)
	for b != nil {
		b.helper()
		b = p.linger()
	}
}

func (b *blocks) helper() {
	// The other way round, who sees that nobody is working might still have to sleep.
	defer b.working.Add(-1)
	defer b.done.Done()
	b.work()
}

// patience is how long a helper waits for more to do: about as long as it takes to wake a thread, so that waiting in vain costs
// at most what it may save.
const patience = 20 * time.Microsecond

// linger waits for the blocks of another run, and returns nil where none came.
func (p *Program) linger() *blocks {
	p.idle.put()
	for begin := time.Now(); time.Since(begin) < patience; {
		select {
		case b := <-p.jobs:
			return b
		default:
			// Yielding would hand this goroutine to the thread that is to be helped.
		}
	}
	if p.idle.take() {
		return nil
	}
	// Somebody counts on this helper.
	return <-p.jobs
}

// tokens is a number of helpers that wait, each of which is for one taker.
type tokens struct{ n atomic.Int64 }

func (t *tokens) put() { t.n.Add(1) }

// take takes one, if there is any.
func (t *tokens) take() bool {
	for {
		n := t.n.Load()
		if n == 0 {
			return false
		}
		if t.n.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// take takes a block: of as many rows as stay in the cache or, where several threads share them, of a part of what is left,
// so that all end at about the same time.
func (b *blocks) take() (from, n int, more bool) {
	const together = 6 // what the kernels do at once
	p := b.run.program
	for {
		from := int(b.next.Load())
		left := b.rows - from
		if left <= 0 {
			return 0, 0, false
		}
		n := p.block
		if p.threads > 1 {
			share := left / (2 * p.threads) / together * together
			n = min(n, max(share, leastShare))
		}
		n = min(n, left)
		if b.next.CompareAndSwap(int64(from), int64(from+n)) {
			return from, n, true
		}
	}
}

// work takes blocks until there are none.
func (b *blocks) work() {
	p := b.run.program
	part := p.Acquire()
	defer part.Release()
	part.frame.Follow(b.run.frame)
	for {
		from, n, more := b.take()
		if !more {
			return
		}
		if err := b.block(part, from, n); err != nil {
			b.fail(from, err)
			return
		}
	}
}

// fail keeps the error of the first rows, and leaves the rest undone.
func (b *blocks) fail(from int, err error) {
	b.next.Store(int64(b.rows))
	b.mu.Lock()
	defer b.mu.Unlock()
	if from < b.errFrom {
		b.err, b.errFrom = err, from
	}
}

// block computes n rows, and copies them to the outputs.
func (b *blocks) block(part *Run, from, n int) error {
	r := b.run
	for i := range r.program.inputs {
		part.Input(i).ViewRows(r.Input(i), from, n)
	}
	part.begin()
	if err := part.nodes(); err != nil {
		return err
	}
	if err := b.size(part); err != nil {
		return err
	}
	for i := range r.program.outputs {
		if !r.Output(i).SetRows(from, part.Output(i)) {
			// The inputs are not as they were declared.
			return errNotRows
		}
	}
	return nil
}

// size gives the outputs their sizes, once.
func (b *blocks) size(part *Run) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sized {
		return nil
	}
	for i := range b.run.program.outputs {
		like := part.Output(i)
		if like.Rank() == 0 {
			return errNotRows
		}
		var buf [tensor.MaxRank]int
		shape := append(append(buf[:0], b.rows), like.Shape()[1:]...)
		if err := b.run.frame.Resize(b.run.Output(i), like.DType(), shape...); err != nil {
			return err
		}
	}
	b.sized = true
	return nil
}

// errNotRows says that an output turned out not to have a row for each of the inputs'.
var errNotRows = errors.New("the inputs do not have the dimensions that the graph declares")
