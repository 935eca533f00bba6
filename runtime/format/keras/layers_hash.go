package keras

import (
	"slices"
	"strconv"

	"github.com/ctr-operator/ctr-operator/runtime/graph"
	"github.com/ctr-operator/ctr-operator/runtime/op"
	"github.com/ctr-operator/ctr-operator/runtime/tensor"
)

// maxBins is how many buckets there may be.
const maxBins = 1 << 62

// hashing is the number of a bucket for each text, or each whole number as decimal text. With a mask_value, bucket 0 is
// that one's own.
func hashing(r *reader, l *layer) (unit, error) {
	bins := l.config.int("num_bins", 0)
	if bins < 1 || bins > maxBins {
		return nil, fault(Malformed, "it has %d bins", bins)
	}
	dtype, err := r.encodedType(l, tensor.Int64)
	if err != nil {
		return nil, err
	}
	encode, err := hashEncoding(l, bins, dtype)
	if err != nil {
		return nil, err
	}
	masked := l.config.has("mask_value") && bins > 1
	if masked {
		bins--
	}
	h, err := l.hash("salt", bins)
	if err != nil {
		return nil, err
	}
	return func(e *emitter, c *call) ([]value, error) {
		x := c.in[0]
		if r.keras3() && encode.mode == "one_hot" && x.rank() > 1 && x.last() == 1 {
			x = e.squeeze(x, x.rank()-1)
		}
		y, err := e.hashed(h, x)
		if err != nil {
			return nil, err
		}
		if masked {
			if y, err = e.unmask(l, x, e.with(op.Add{}, y, 1)); err != nil {
				return nil, err
			}
		}
		return one(encode.apply(r, e, y, nil))
	}, nil
}

// hashEncoding is that of buckets; as numbers they may be more than an encoding's vectors may have elements.
func hashEncoding(l *layer, bins int, dtype tensor.DType) (encoding, error) {
	if l.config.text("output_mode", "int") == "int" {
		return encoding{mode: "int", dtype: dtype}, nil
	}
	return newEncoding(l, "int", bins, dtype)
}

// unmask makes the mask's own bucket 0.
func (e *emitter) unmask(l *layer, x, y value) (value, error) {
	var mask value
	if x.dtype == tensor.String {
		mask = e.constant(tensor.Of([]string{l.config.text("mask_value", "")}))
	} else {
		mask = e.scalar(x.dtype, l.config.float("mask_value", 0))
	}
	if l.config.err != nil {
		return value{}, l.config.err
	}
	is := e.add(op.Equal{}, tensor.Bool, x.shape, x, mask)
	return e.choose(is, e.scalar(y.dtype, 0), y), nil
}

// hash is the one that a salt asks for: SipHash with one, FarmHash without.
func (l *layer) hash(salt string, bins int) (op.StringHash, error) {
	h := op.StringHash{Kind: op.HashFast, Buckets: int64(bins)}
	keys := l.config.ints(salt)
	if l.config.err != nil {
		return h, l.config.err
	}
	switch len(keys) {
	case 0:
		return h, nil
	case 1:
		keys = append(keys, keys[0])
	case 2:
	default:
		return h, fault(Malformed, "%s has %d numbers", salt, len(keys))
	}
	h.Kind, h.Key0, h.Key1 = op.HashStrong, uint64(keys[0]), uint64(keys[1])
	return h, nil
}

// hashed is the bucket of each text or whole number. Floats are rounded towards zero first, as Keras 3 does.
func (e *emitter) hashed(h op.StringHash, x value) (value, error) {
	switch {
	case x.dtype == tensor.String:
		return e.add(h, tensor.Int64, x.shape, x), nil
	case x.ints():
		return e.add(op.DecimalHash{StringHash: h}, tensor.Int64, x.shape, x), nil
	case x.floats() && e.r.keras3():
		return e.add(op.DecimalHash{StringHash: h}, tensor.Int64, x.shape, e.cast(x, tensor.Int64)), nil
	}
	return value{}, fault(Malformed, "it takes text and whole numbers, and is called with %v", x.dtype)
}

// crossKey is where TensorFlow begins to join fingerprints.
const crossKey = 0xDECAFCAFFE

// hashedCrossing is the number of a bucket for each combination of its inputs' values.
func hashedCrossing(r *reader, l *layer) (unit, error) {
	bins := l.config.int("num_bins", 0)
	if bins < 1 || bins > maxBins {
		return nil, fault(Malformed, "it has %d bins", bins)
	}
	dtype, err := r.encodedType(l, tensor.Int64)
	if err != nil {
		return nil, err
	}
	encode, err := hashEncoding(l, bins, dtype)
	if err != nil {
		return nil, err
	}
	return func(e *emitter, c *call) ([]value, error) {
		columns := make([]graph.Value, len(c.in))
		rank := c.in[0].rank()
		if rank > 2 || len(c.in) < 2 {
			return nil, fault(Malformed, "it is called with %d inputs, the first of the shape %v", len(c.in), c.in[0].shape)
		}
		for i, x := range c.in {
			if x.rank() != rank || rank == 2 && x.last() != 1 || x.dtype != tensor.String && !x.ints() {
				return nil, fault(Malformed, "it crosses one text or whole number for each example, and is called with %v%v",
					x.dtype, x.shape)
			}
			if rank == 1 {
				x = e.expand(x, 1)
			}
			if x.ints() {
				x = e.cast(x, tensor.Int64)
			}
			columns[i] = x.v
		}
		out := r.b.AddN(e.name, op.SparseCross{Hashed: true, Buckets: int64(bins), Start: crossKey}, 3, columns...)
		y := value{v: out[1], dtype: tensor.Int64, shape: []int{graph.Any}}
		if rank == 2 {
			y = e.expand(y, 1)
		}
		return one(encode.apply(r, e, y, nil))
	}, nil
}

// lookupWeights are those of terms, in the tf_idf mode, if they are not in the configuration.
func lookupWeights(l *layer) []weight {
	mode := l.config.text("output_mode", "int")
	if mode == "tf_idf" || mode == "tf-idf" {
		return []weight{{name: "idf_weights"}}
	}
	return nil
}

// vocabulary is a lookup's.
type vocabulary struct {
	// keys are the tokens, in order; start is the number of the first.
	keys  *tensor.Tensor
	start int
	// special says that the file's list had the tokens for what is missing or unknown at its beginning.
	special bool
	total   int
	// masked says that there is a token for what is missing; first is the first number of what is unknown.
	masked bool
	mask   *tensor.Tensor
	first  int
}

// lookup is the number of each token in a vocabulary. What is missing is 0, if there is a mask_token; then come
// num_oov_indices numbers for what is unknown, then the tokens.
func lookup(r *reader, l *layer) (unit, error) {
	if l.config.bool("invert", false) {
		return nil, fault(Unsupported, "invert is not supported")
	}
	mode := l.config.text("output_mode", "int")
	words, err := r.vocabulary(l, mode == "int")
	if err != nil {
		return nil, err
	}
	depth := words.start + words.keys.Len()
	if l.config.bool("pad_to_max_tokens", false) {
		depth = l.config.int("max_tokens", depth)
	}
	dtype := tensor.Float32
	if mode == "int" || r.keras3() {
		dtype = tensor.Int64
	}
	encode, err := newEncoding(l, "int", depth, dtype)
	if err != nil {
		return nil, err
	}
	var idf *tensor.Tensor
	if encode.mode == "tf_idf" {
		if idf, err = r.idf(l, words, depth); err != nil {
			return nil, err
		}
		encode.mode, encode.dtype = "count", tensor.Float32
	}
	oov := l.config.int("num_oov_indices", 1)
	h, err := l.hash("salt", max(oov, 1))
	if err != nil {
		return nil, err
	}
	decimal := l.config.text("oov_method", "floormod") == "farmhash"
	return func(e *emitter, c *call) ([]value, error) {
		x := c.in[0]
		if (words.keys.DType() == tensor.String) != (x.dtype == tensor.String) {
			return nil, fault(Malformed, "it looks up %v, and is called with %v", words.keys.DType(), x.dtype)
		}
		if oov == 0 {
			e.sample(x, words.keys)
		}
		x = e.cast(x, words.keys.DType())
		y, err := words.find(e, x, oov, h, decimal, encode.mode == "int")
		if err != nil {
			return nil, err
		}
		if y, err = encode.apply(r, e, y, nil); err != nil {
			return nil, err
		}
		if idf != nil {
			return one(e.math(op.Mul{}, y, e.constant(idf)))
		}
		return []value{y}, nil
	}, nil
}

// sample says that a lookup's input has an answer where it is the first of its tokens, as it may have none else.
func (e *emitter) sample(x value, keys *tensor.Tensor) {
	var one *tensor.Tensor
	switch {
	case keys.DType() == tensor.String:
		one = tensor.Of(slices.Clone(tensor.Data[string](keys)[:1]))
	case x.dtype == tensor.Int32:
		one = tensor.Of([]int32{int32(tensor.Data[int64](keys)[0])})
	default:
		one = tensor.Of(slices.Clone(tensor.Data[int64](keys)[:1]))
	}
	e.r.b.Sample(x.v, one)
}

// dropped is the number of what an encoding passes over.
const dropped = 1<<63 - 1

// find adds the nodes that look tokens up.
func (w *vocabulary) find(e *emitter, x value, oov int, h op.StringHash, decimal, whole bool) (value, error) {
	places := make([]int64, w.keys.Len())
	for i := range places {
		places[i] = int64(w.start + i)
	}
	otherwise := int64(-1)
	if oov == 1 {
		otherwise = int64(w.first)
	}
	y := e.add(op.TableLookup{}, tensor.Int64, x.shape, x, e.constant(w.keys),
		e.constant(tensor.Of(places, len(places))), e.constant(tensor.Of([]int64{otherwise})))
	if w.masked {
		place := int64(dropped)
		if whole {
			place = 0
		}
		missing := e.add(op.Equal{}, tensor.Bool, x.shape, x, e.constant(w.mask))
		y = e.choose(missing, e.constant(tensor.Of([]int64{place})), y)
	}
	switch oov {
	case 0:
		const why = "stands for a token that is not in the vocabulary, which has no place for others (num_oov_indices is 0)"
		return e.unary(op.Within{Why: why}, y), nil
	case 1:
		return y, nil
	}
	var other value
	var err error
	if x.dtype == tensor.Int64 && !decimal {
		other = e.with(op.FloorMod{}, x, float64(oov))
	} else if other, err = e.hashed(h, x); err != nil {
		return value{}, err
	}
	other = e.with(op.Add{}, other, float64(w.first))
	return e.choose(e.compare(op.Equal{}, y, -1), other, y), nil
}

// vocabulary reads a lookup's tokens, of the configuration, or of a file in the archive.
func (r *reader) vocabulary(l *layer, whole bool) (*vocabulary, error) {
	text := l.class == "StringLookup"
	if encoding := l.config.text("encoding", "utf-8"); encoding != "utf-8" {
		return nil, fault(Unsupported, "the encoding %s is not supported; supported is utf-8", quoted(encoding))
	}
	oov := l.config.int("num_oov_indices", 1)
	if oov < 0 || oov > maxEncoding {
		return nil, fault(Malformed, "num_oov_indices is %d", oov)
	}
	w := &vocabulary{masked: l.config.has("mask_token")}
	if w.masked && whole {
		w.first = 1
	}
	w.start = w.first + oov
	var err error
	if text {
		err = r.words(l, w, oov)
	} else {
		err = r.numbers(l, w, oov)
	}
	if err != nil {
		return nil, err
	}
	if w.keys.Len() == 0 {
		return nil, fault(Malformed, "its vocabulary is empty")
	}
	return w, l.config.err
}

// words are a StringLookup's tokens.
func (r *reader) words(l *layer, w *vocabulary, oov int) error {
	var tokens []string
	if l.config.has("vocabulary") {
		if first(l.config.raw["vocabulary"]) == '"' {
			return fault(Unsupported, "its vocabulary is a file's name; give the layer the list of words")
		}
		l.config.decode("vocabulary", &tokens)
	} else {
		lines, err := r.lines(l)
		if err != nil {
			return err
		}
		tokens = lines
	}
	mask, other := l.config.text("mask_token", ""), l.config.text("oov_token", "[UNK]")
	w.mask = tensor.Of([]string{mask})
	w.total = len(tokens)
	if w.special = startsWith(tokens, mask, other, w.first, oov); w.special {
		tokens = tokens[w.start:]
	}
	if err := distinct(tokens); err != nil {
		return err
	}
	w.keys = tensor.Of(slices.Clone(tokens), len(tokens))
	return l.config.err
}

// numbers are an IntegerLookup's tokens.
func (r *reader) numbers(l *layer, w *vocabulary, oov int) error {
	var tokens []int64
	if l.config.has("vocabulary") {
		var list []whole
		l.config.decode("vocabulary", &list)
		for _, token := range list {
			tokens = append(tokens, int64(token))
		}
	} else {
		lines, err := r.lines(l)
		if err != nil {
			return err
		}
		for _, line := range lines {
			token, err := strconv.ParseInt(line, 10, 64)
			if err != nil {
				return fault(Malformed, "a line of its vocabulary is %s", quoted(line))
			}
			tokens = append(tokens, token)
		}
	}
	mask, other := int64(l.config.int("mask_token", 0)), int64(l.config.int("oov_token", -1))
	w.mask = tensor.Of([]int64{mask})
	w.total = len(tokens)
	if w.special = startsWith(tokens, mask, other, w.first, oov); w.special {
		tokens = tokens[w.start:]
	}
	if err := distinct(tokens); err != nil {
		return err
	}
	w.keys = tensor.Of(slices.Clone(tokens), len(tokens))
	return l.config.err
}

// startsWith says whether a list begins with the tokens for what is missing and unknown.
func startsWith[T comparable](tokens []T, mask, other T, masks, others int) bool {
	if len(tokens) < masks+others {
		return false
	}
	for i, token := range tokens[:masks+others] {
		if i < masks && token != mask || i >= masks && token != other {
			return false
		}
	}
	return true
}

func distinct[T comparable](tokens []T) error {
	seen := make(map[T]bool, len(tokens))
	for _, token := range tokens {
		if seen[token] {
			return fault(Malformed, "%s is in its vocabulary twice", quoted(anyText(token)))
		}
		seen[token] = true
	}
	return nil
}

// idf are the weights of terms: the layer's own, or the configuration's, which are preceded by their mean for what is
// unknown, unless the vocabulary has that, and followed by zeros up to the size.
func (r *reader) idf(l *layer, w *vocabulary, depth int) (*tensor.Tensor, error) {
	if !l.config.has("idf_weights") {
		t, err := r.read(l, 0, tensor.Float32, graph.Any)
		if err == nil && t.Len() != depth {
			err = fault(Malformed, "it has %d idf_weights, expected %d", t.Len(), depth)
		}
		return t, err
	}
	given, shape := l.config.floats("idf_weights")
	if l.config.err != nil || len(shape) != 1 || len(given) != w.total || depth > maxEncoding {
		return nil, fault(Malformed, "it has %d idf_weights for %d tokens", len(given), w.total)
	}
	if bytes := 4 * int64(depth); bytes > r.source.left || w.start > depth {
		return nil, fault(TooLarge, "it has %d places, of which its vocabulary has %d", depth, w.total)
	}
	mean := 0.0
	for _, x := range given {
		mean += x
	}
	mean /= float64(len(given))
	weights := make([]float32, 0, depth)
	if !w.special {
		for range w.start {
			weights = append(weights, float32(mean))
		}
	}
	for _, x := range given {
		weights = append(weights, float32(x))
	}
	for len(weights) < depth {
		weights = append(weights, 0)
	}
	if len(weights) != depth {
		return nil, fault(Malformed, "it has %d idf_weights, expected %d", len(weights), depth)
	}
	return tensor.Of(weights, depth), nil
}
