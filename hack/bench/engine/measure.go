package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// row is a line of the table, in text.
type row struct {
	what, ours, allocs, peer, ratio, cpuRatio, aim string
	// work is what a run does at least; 0 where that is not known.
	work work
	took float64 // nanoseconds of processor time
}

// work is what limits a run: multiplications and additions, or bytes that are read from a core's second cache.
type work struct {
	flops, cached float64
}

// measurement makes rows of the table.
type measurement struct {
	what    string
	measure func(ctx context.Context) []row
}

// The two networks: their weights and what a row of a batch takes, without the embeddings.
const (
	smallProducts = 28*128 + 128*64 + 64*32 + 38
	largeProducts = 429*256 + 256*128 + 128*64 + 64
	largeName     = "26 embeddings of 100,000 × 16, MLP 256-128-64"
)

func (b *bench) measurements() []measurement {
	all := []measurement{
		{"logistic regression, 12 features, batch 1", b.vector},
		b.network("Wide & Deep, 30,099 parameters", "small", 1, work{cached: 4 * smallProducts}, "≤ 3 µs; ≥ 3 × ONNX Runtime"),
		{"Wide & Deep, batch 1, from named fields", b.fields},
		b.network("Wide & Deep, 30,099 parameters", "small", 1024, work{flops: 2 * 1024 * smallProducts}, "≥ 1 × ONNX Runtime"),
		{"Wide & Deep, batch 1,024, two threads", b.threads},
		{"Wide & Deep, batches of 1,024, two at a time", b.streams},
		b.network(largeName, "large", 1, work{cached: 4 * largeProducts}, "≥ 1.5 × ONNX Runtime"),
		b.network(largeName, "large", 256, work{flops: 2 * 256 * largeProducts}, "≥ 1 × ONNX Runtime"),
		b.tensorFlow(1),
		b.tensorFlow(256),
		b.pipeline(1, "≥ 100 × scikit-learn"),
		b.pipeline(1000, "≥ 5 × scikit-learn"),
		{"memory over 10,000,000 predictions", b.growth},
	}
	if b.options.big {
		all = append(all, measurement{"loading 1 GiB of embeddings", b.loading})
	}
	return all
}

// unmeasured is a row that says why it is empty.
func unmeasured(what, aim string, err error) row {
	return row{what: what, ours: "not measured: " + firstLine(err.Error()), aim: aim}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimPrefix(s, "bench-engine: "), "\n")
	return line
}

// ourSide starts this program as a worker.
func (b *bench) ourSide(ctx context.Context, cores string, args ...string) (*side, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.start(ctx, "ctr-operator", cores, self, append([]string{"worker"}, args...)...)
}

// artifacts are where a model of twelve features is looked for. The first is test data that is not part of the project.
var artifacts = []string{"../shared/data/seed-lr/ctr_model.pkl", "test/testdata/demo/v1/model.pkl"}

// single measures our side alone.
func (b *bench) single(ctx context.Context, what, aim string, args ...string) []row {
	ours, err := b.ourSide(ctx, b.options.one(), args...)
	if err != nil {
		return []row{unmeasured(what, aim, err)}
	}
	defer ours.stop()
	if err := b.compare(ours); err != nil {
		return []row{unmeasured(what, aim, err)}
	}
	return []row{b.row(what, aim, work{}, ours, nil)}
}

// fields measures the network as a user of the library runs it, from a request's fields to the score.
func (b *bench) fields(ctx context.Context) []row {
	path := filepath.Join(b.models, "small")
	return b.single(ctx, "Wide & Deep, batch 1, from named fields", "", "fields", path+".onnx", path+".inputs", examples, "1")
}

func (b *bench) vector(ctx context.Context) []row {
	const what, aim = "logistic regression, 12 features, batch 1", "≤ 150 ns, 0 allocations"
	artifact := artifacts[0]
	if _, err := os.Stat(artifact); err != nil {
		artifact = artifacts[1]
	}
	return b.single(ctx, what, aim, "vector", artifact)
}

// row is that of our side and of a peer, which may be nil.
func (b *bench) row(what, aim string, least work, ours, peer *side) row {
	r := row{
		what: what, aim: aim, work: least, took: ours.eachCPU(),
		ours: duration(ours.median()), allocs: fmt.Sprintf("%.2g", ours.allocs),
	}
	if peer != nil {
		r.peer = peer.version + " " + duration(peer.median())
		r.ratio = fmt.Sprintf("%.2f", faster(ours, peer))
		r.cpuRatio = fmt.Sprintf("%.2f", peer.eachCPU()/ours.eachCPU())
	}
	return r
}

// network compares a network in all frameworks that there are, on one core.
func (b *bench) network(what, name string, batch int, least work, aim string) measurement {
	what = fmt.Sprintf("%s, batch %s", what, thousands(batch))
	path := filepath.Join(b.models, name)
	return measurement{what, func(ctx context.Context) []row {
		ours, err := b.ourSide(ctx, b.options.one(), "engine", path+".onnx", path+".inputs", examples, fmt.Sprint(batch), "1")
		if err != nil {
			return []row{unmeasured(what, aim, err)}
		}
		peer, err := b.onnxRuntime(ctx, b.options.one(), name, batch, 1)
		return b.pair(what, aim, least, ours, peer, err)
	}}
}

// tensorFlow compares what a server does with either, from a request's values to the results: from fields to scores by
// runtime/model, and from numpy's arrays to numpy's by the SavedModel's signature.
func (b *bench) tensorFlow(batch int) measurement {
	const aim = "≥ 5 × TensorFlow"
	what := fmt.Sprintf("%s, batch %s, from fields", largeName, thousands(batch))
	path, size := filepath.Join(b.models, "large"), fmt.Sprint(batch)
	return measurement{what, func(ctx context.Context) []row {
		ours, err := b.ourSide(ctx, b.options.one(), "fields", path+".onnx", path+".inputs", examples, size)
		if err != nil {
			return []row{unmeasured(what, aim, err)}
		}
		peer, err := b.start(ctx, "TensorFlow", b.options.one(), b.python, filepath.Join(sources, "peers.py"), "tensorflow",
			path+"_savedmodel", path+".inputs", examples, size, "1")
		return b.pair(what, aim, work{}, ours, peer, err)
	}}
}

// pair compares two sides, and ends them; of a peer that there is not, it is known why.
func (b *bench) pair(what, aim string, least work, ours, peer *side, missing error) []row {
	sides := []*side{ours}
	if missing == nil {
		sides = append(sides, peer)
	}
	defer stopAll(sides)
	if err := b.compare(sides...); err != nil {
		return []row{unmeasured(what, aim, err)}
	}
	if missing == nil {
		return []row{b.row(what, aim, least, ours, peer)}
	}
	r := b.row(what, aim, least, ours, nil)
	r.peer = "not measured: " + firstLine(missing.Error())
	return []row{r}
}

func stopAll(sides []*side) {
	for _, s := range sides {
		s.stop()
	}
}

func (b *bench) onnxRuntime(ctx context.Context, cores, name string, batch, threads int) (*side, error) {
	if err := b.missing["onnxruntime"]; err != nil {
		return nil, err
	}
	path := filepath.Join(b.models, name)
	return b.start(ctx, "ONNX Runtime", cores, b.driver, b.library, path+".onnx", path+".inputs", examples,
		fmt.Sprint(batch), fmt.Sprint(threads))
}

// threads compares two threads with one, and with ONNX Runtime on two.
func (b *bench) threads(ctx context.Context) []row {
	const what, aim = "Wide & Deep, batch 1,024, two threads", "≥ 1.8 × one thread"
	sides, err := b.twoAndOne(ctx, "engine", "one thread:")
	defer func() { stopAll(sides) }()
	if err != nil {
		return []row{unmeasured(what, aim, err)}
	}
	peer, err := b.onnxRuntime(ctx, b.options.two(), "small", 1024, 2)
	if err == nil {
		sides = append(sides, peer)
	}
	if err := b.patient().compare(sides...); err != nil {
		return []row{unmeasured(what, aim, err)}
	}
	rows := []row{b.row(what, aim, work{flops: 2 * 1024 * smallProducts / 2}, sides[0], sides[1])}
	if peer != nil {
		rows = append(rows, b.row(what, "", work{}, sides[0], peer))
	}
	return rows
}

// patient measures in rounds that are long enough for the kernel to have put threads on cores of their own.
func (b *bench) patient() *bench {
	longer := *b
	longer.options.round *= 10
	longer.options.rounds = min(longer.options.rounds, 7)
	return &longer
}

// streams compares two batches at a time with one after the other.
func (b *bench) streams(ctx context.Context) []row {
	what := fmt.Sprintf("Wide & Deep, %d batches of 1,024, two at a time", streamBatches)
	const aim = "≥ 1.8 × one at a time"
	sides, err := b.twoAndOne(ctx, "streams", "one at a time:")
	defer func() { stopAll(sides) }()
	if err == nil {
		err = b.compare(sides...)
	}
	if err != nil {
		return []row{unmeasured(what, aim, err)}
	}
	return []row{b.row(what, aim, work{flops: streamBatches * 2 * 1024 * smallProducts / 2}, sides[0], sides[1])}
}

// twoAndOne starts a worker on two cores, and the same on one, which is called so.
func (b *bench) twoAndOne(ctx context.Context, kind, one string) ([]*side, error) {
	if b.options.two() == "" {
		return nil, errors.New("there is one core")
	}
	path := filepath.Join(b.models, "small")
	var sides []*side
	for _, on := range []struct{ cores, threads string }{{b.options.two(), "2"}, {b.options.one(), "1"}} {
		s, err := b.ourSide(ctx, on.cores, kind, path+".onnx", path+".inputs", examples, "1024", on.threads)
		if err != nil {
			return sides, err
		}
		sides = append(sides, s)
	}
	sides[1].version = one
	return sides, nil
}

func (b *bench) pipeline(batch int, aim string) measurement {
	what := "scikit-learn Pipeline: one-hot, Tf-idf, LR; batch " + thousands(batch)
	return measurement{what, func(ctx context.Context) []row {
		artifact, rows, size := filepath.Join(b.models, "pipeline"), filepath.Join(b.models, "pipeline.json"), fmt.Sprint(batch)
		ours, err := b.ourSide(ctx, b.options.one(), "rows", artifact, rows, size)
		if err != nil {
			return []row{unmeasured(what, aim, err)}
		}
		peer, err := b.start(ctx, "scikit-learn", b.options.one(), b.python, filepath.Join(sources, "peers.py"), "sklearn",
			filepath.Join(artifact, "model.joblib"), rows, size)
		return b.pair(what, aim, work{}, ours, peer, err)
	}}
}
