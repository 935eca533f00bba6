// Package request turns the body of a prediction request into a model's rows. It knows the CTR API's JSON
// (`{"inputs": {…}}`, `{"inputs": [{…}, …]}`, and `{"features": […]}` in the place of an example) and a model's
// signature; it knows nothing of HTTP.
//
// It stands between strangers and the model, so it is strict: a value is never guessed, replaced or rounded away, and an
// error names the field by its path. It is also on every request's path: it uses no reflection, and in the steady
// state allocates only for strings that contain escapes.
package request

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// Shape is what `inputs` has to be.
type Shape uint8

const (
	// Single is one example: an object.
	Single Shape = iota
	// Batch is a list of examples, at least one.
	Batch
)

// maxDepth bounds the nesting of values that are skipped; nothing that is read nests deeper than three.
const maxDepth = 64

// Problem tells those errors apart that callers answer differently.
type Problem uint8

const (
	// Invalid is a body that is not what was asked for.
	Invalid Problem = iota
	// TooLarge is a batch with more examples than are allowed.
	TooLarge
)

// Error is the caller's fault, and says where.
type Error struct {
	Problem Problem
	// Path is the place in the body, `inputs[3].position`; empty where it is the body as a whole.
	Path    string
	Message string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// FromInputError says in a request's terms what a model found wrong with a row.
func FromInputError(err *model.InputError, shape Shape) *Error {
	at := place{index: -1, field: err.Field}
	if shape == Batch {
		at.index = err.Index
	}
	return &Error{Path: at.path(), Message: err.Message}
}

// Decoder decodes requests for one signature. It is safe for concurrent use.
type Decoder struct {
	signature model.Signature
	byName    map[string]int
	maxBatch  int
	// keyOnly ignores every input but the sticky one.
	keyOnly bool
}

// NewDecoder makes a decoder that takes at most maxBatch examples in a batch.
func NewDecoder(signature model.Signature, maxBatch int) *Decoder {
	d := &Decoder{signature: signature, maxBatch: maxBatch, byName: make(map[string]int, len(signature.Fields))}
	for i, field := range signature.Fields {
		d.byName[field.Name] = i
	}
	return d
}

// NewKeyDecoder makes a decoder that reads no row, but only the sticky key, whatever the inputs are.
func NewKeyDecoder(maxBatch int) *Decoder { return &Decoder{maxBatch: maxBatch, keyOnly: true} }

// Request is a decoded body. It may be used for one request after another, so that its memory is; what a Decode has put
// into it is valid until the next.
type Request struct {
	Rows []model.Row
	// Key is the value of the sticky field in the first example, and HasKey whether there is one: a string that is not
	// empty, or a number as it was written.
	Key    string
	HasKey bool

	values   []model.Value
	features []float64
	names    nameSet
	inner    nameSet
	// lists are the elements of fields that are arrays or objects.
	lists lists
	array array
}

// lists holds the elements of all arrays of a body. Growing one may move it; what was given out before keeps the old one.
type lists struct {
	strs    []string
	nums    []float64
	ints    []int64
	members []model.Member
}

func (l *lists) reset() {
	clear(l.strs)
	clear(l.members)
	l.strs, l.nums, l.ints, l.members = l.strs[:0], l.nums[:0], l.ints[:0], l.members[:0]
}

func (l *lists) size() int { return max(cap(l.strs), cap(l.nums), cap(l.ints), cap(l.members)) }

// maxRetained is how many values a Request keeps for the next; one huge batch must not hold its memory for ever.
const maxRetained = 1 << 14

func (r *Request) reset() {
	if max(cap(r.values), cap(r.features), r.lists.size()) > maxRetained {
		*r = Request{}
	}
	r.lists.reset()
	clear(r.values)
	clear(r.Rows)
	r.Rows, r.values, r.features = r.Rows[:0], r.values[:0], r.features[:0]
	r.Key, r.HasKey = "", false
}

// Decode reads one body. Strings in the rows share its memory. stickyField is the name of the input whose value in the
// first example becomes Key, empty for none; it need not be a field of the signature.
//
// A field with a shape is an array, nested as its shape is, or flat; where it has one element, that may stand alone.
// Inputs that the signature does not name are checked to be JSON, and ignored; they are an open signature's members. An
// optional field may be null, and so may a feature of a model that fills in missing values.
func (d *Decoder) Decode(body string, shape Shape, stickyField string, r *Request) error {
	r.reset()
	p := parser{scanner: scanner{s: body}, d: d, r: r, shape: shape, sticky: stickyField, at: place{index: -1}}
	if err := p.body(); err != nil {
		r.reset()
		return err
	}
	return nil
}

// parser is the state of one Decode.
type parser struct {
	scanner
	d      *Decoder
	r      *Request
	shape  Shape
	sticky string
	at     place
	// missing says that null is a number that is missing.
	missing bool
}

// place is where in the inputs the parser is, as a path when it is needed.
type place struct {
	inputs  bool // inside of inputs; otherwise at the top
	index   int  // -1: not in a batch
	field   string
	element int // 1-based place in a vector; 0: not in one
}

func (p place) path() string {
	var b strings.Builder
	if p.inputs || p.field != "" {
		b.WriteString("inputs")
	}
	if p.index >= 0 {
		fmt.Fprintf(&b, "[%d]", p.index)
	}
	if p.field != "" {
		b.WriteByte('.')
		b.WriteString(printable(p.field))
	}
	if p.element > 0 {
		fmt.Fprintf(&b, "[%d]", p.element-1)
	}
	return b.String()
}

// printable makes a name that a stranger chose fit for a message.
func printable(name string) string {
	const most = 64
	plain := len(name) <= most
	for i := 0; plain && i < len(name); i++ {
		c := name[i]
		plain = c == '_' || c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	if plain {
		return name
	}
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "…"
	}
	return strconv.Quote(name)
}

func (p *parser) fail(format string, args ...any) error {
	return &Error{Path: p.at.path(), Message: fmt.Sprintf(format, args...)}
}

// syntax reports what the scanner stumbled over.
func (p *parser) syntax(problem string) error {
	return p.fail("%s (at byte %d of the body)", problem, p.i)
}

// body reads the whole: an object with "inputs", and nothing after it.
func (p *parser) body() error {
	p.space()
	switch {
	case p.i == len(p.s):
		return p.fail(`the body is empty; it must be a JSON object with "inputs"`)
	case strings.HasPrefix(p.s, "\ufeff"):
		return p.fail("the body begins with a byte order mark, which JSON has not; send it as UTF-8 without one")
	case p.s[p.i] != '{':
		return p.fail(`the body must be a JSON object with "inputs"`)
	}
	found := false
	var names nameSet
	err := p.object(&names, func(name string) error {
		if name != "inputs" {
			return p.skip(1)
		}
		found = true
		p.at.inputs = true
		if err := p.inputs(); err != nil {
			return err
		}
		p.at = place{index: -1}
		return nil
	})
	if err != nil {
		return err
	}
	if p.space(); p.i != len(p.s) {
		return p.syntax("the body goes on after its JSON object")
	}
	if !found {
		return &Error{Path: "inputs", Message: "is required"}
	}
	return nil
}

// object reads an object whose names are unique, calling value for each with the scanner in front of the value.
func (p *parser) object(names *nameSet, value func(name string) error) error {
	names.reset()
	p.i++ // the brace
	if p.space(); p.take('}') {
		return nil
	}
	for {
		name, problem := p.str()
		if problem != "" {
			return p.syntax("an object's name " + problem)
		}
		if !names.add(name) {
			return p.fail("has the name %s more than once", printable(name))
		}
		if p.space(); !p.take(':') {
			return p.syntax("a ':' is missing after a name")
		}
		p.space()
		if err := value(name); err != nil {
			return err
		}
		if p.space(); p.take('}') {
			return nil
		}
		if !p.take(',') {
			return p.syntax("a ',' or '}' is missing in an object")
		}
		p.space()
	}
}

// inputs reads one example, or a list of them.
func (p *parser) inputs() error {
	if p.shape == Single {
		return p.example()
	}
	if !p.take('[') {
		return p.fail("must be an array of objects")
	}
	if p.space(); p.take(']') {
		return p.fail("must not be empty")
	}
	for index := 0; ; index++ {
		if index == p.d.maxBatch {
			return &Error{Problem: TooLarge, Path: "inputs",
				Message: fmt.Sprintf("must have at most %d examples", p.d.maxBatch)}
		}
		p.at.index = index
		if err := p.example(); err != nil {
			return err
		}
		p.at.index = -1
		if p.space(); p.take(']') {
			return nil
		}
		if !p.take(',') {
			return p.syntax("a ',' or ']' is missing in an array")
		}
		p.space()
	}
}

// example reads one object into the next row.
func (p *parser) example() error {
	if p.i == len(p.s) || p.s[p.i] != '{' {
		return p.fail("must be an object")
	}
	// Growing may move the backing array; rows that were given the old one keep it.
	start := len(p.r.values)
	for range p.d.signature.Fields {
		p.r.values = append(p.r.values, model.Value{})
	}
	row := model.Row{Values: p.r.values[start:len(p.r.values):len(p.r.values)]}
	if p.d.signature.Open {
		row.Values[0].Set = true // with no member, too
	}
	err := p.object(&p.r.names, func(name string) error {
		p.at.field = name
		begin := p.i
		if err := p.field(name, &row); err != nil {
			return err
		}
		if name == p.sticky && p.at.index <= 0 && name != "" {
			p.key(begin)
		}
		p.at.field = ""
		return nil
	})
	if err != nil {
		return err
	}
	if p.d.keyOnly {
		return nil
	}
	p.r.Rows = append(p.r.Rows, row)
	return p.complete(&row)
}

// field reads the value of one input.
func (p *parser) field(name string, row *model.Row) error {
	if p.d.signature.Open {
		return p.member(name, &row.Values[0])
	}
	if i, ok := p.d.byName[name]; ok {
		return p.value(&p.d.signature.Fields[i], &row.Values[i])
	}
	if name == model.FieldFeatures && p.d.signature.Features > 0 {
		return p.vector(row)
	}
	return p.skip(2)
}

// value reads a field of the signature.
func (p *parser) value(field *model.Field, into *model.Value) error {
	p.missing = field.Missing
	switch {
	case !field.Required && p.literal("null"):
		return nil
	case p.i == len(p.s):
		return p.syntax("a value is missing")
	case field.Kind == model.Object:
		if err := p.members(into); err != nil {
			return err
		}
	case len(field.Shape) > 0:
		if err := p.array(field, into); err != nil {
			return err
		}
	default:
		if field.Bools && p.boolean(&into.Num) {
			break
		}
		if err := p.scalar(field.Kind, into); err != nil {
			return err
		}
	}
	into.Set = true
	return nil
}

// scalar reads a single value.
func (p *parser) scalar(kind model.Kind, into *model.Value) (err error) {
	switch kind {
	case model.Number:
		if p.missing && p.literal("null") {
			into.Num = math.NaN()
			return nil
		}
		into.Num, err = p.float()
	case model.Integer:
		into.Int, err = p.integer()
	default:
		into.Str, err = p.text()
	}
	return err
}

// boolean reads true and false as 1 and 0, if one of them is there.
func (p *parser) boolean(into *float64) bool {
	switch {
	case p.literal("true"):
		*into = 1
	case p.literal("false"):
		*into = 0
	default:
		return false
	}
	return true
}

func (p *parser) text() (string, error) {
	if p.i == len(p.s) || p.s[p.i] != '"' {
		return "", p.fail("must be a string")
	}
	text, problem := p.str()
	if problem != "" {
		return "", p.syntax(problem)
	}
	return text, nil
}

// float reads a number that a float64 can hold.
func (p *parser) float() (float64, error) {
	number, problem := p.number()
	switch problem {
	case "":
		return number, nil
	case notNumber:
		return 0, p.fail("must be a number")
	case outOfRange:
		return 0, p.fail("is out of the range of a 64-bit number")
	default:
		return 0, p.syntax(problem)
	}
}

// integer reads an integer exactly; 1.0 and 1e3 are such, too.
func (p *parser) integer() (int64, error) {
	start := p.i
	number, err := p.float()
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(p.s[start:p.i], 10, 64); err == nil {
		return n, nil
	}
	const exact = 1 << 53
	switch {
	case number != math.Trunc(number):
		return 0, p.fail("must be an integer")
	case math.Abs(number) > exact:
		return 0, p.fail("is out of the range of a 64-bit integer")
	}
	return int64(number), nil
}

// vector reads a bare feature vector of exactly the model's length.
func (p *parser) vector(row *model.Row) error {
	if !p.take('[') {
		return p.fail("must be an array of %d numbers", p.d.signature.Features)
	}
	start := len(p.r.features)
	if p.space(); !p.take(']') {
		for {
			p.at.element++
			number, err := p.feature()
			if err != nil {
				return err
			}
			if p.at.element > p.d.signature.Features {
				p.at.element = 0
				return p.fail("must have %d numbers, but has more", p.d.signature.Features)
			}
			p.r.features = append(p.r.features, number)
			if p.space(); p.take(']') {
				break
			}
			if !p.take(',') {
				return p.syntax("a ',' or ']' is missing in an array")
			}
			p.space()
		}
	}
	p.at.element = 0
	row.Features = p.r.features[start:len(p.r.features):len(p.r.features)]
	if got := len(row.Features); got != p.d.signature.Features {
		return p.fail("must have %d numbers, but has %d", p.d.signature.Features, got)
	}
	return nil
}

// feature reads one number of a vector; null is a missing value, where the model knows what to do with one.
func (p *parser) feature() (float64, error) {
	if p.d.signature.Missing && p.literal("null") {
		return math.NaN(), nil
	}
	return p.float()
}

// complete checks that an example has what the model needs: its required fields, or the vector and none of them.
func (p *parser) complete(row *model.Row) error {
	for i := range row.Values {
		field := &p.d.signature.Fields[i]
		switch {
		case row.Features != nil && row.Values[i].Set:
			p.at.field = model.FieldFeatures
			return p.fail("cannot stand beside %q", field.Name)
		case row.Features == nil && field.Required && !row.Values[i].Set:
			p.at.field = field.Name
			return p.fail("is required, and must be %s", wanted(field))
		}
	}
	if row.Features == nil && len(row.Values) == 0 && p.d.signature.Features > 0 {
		p.at.field = model.FieldFeatures
		return p.fail("is required, and must be an array of %d numbers", p.d.signature.Features)
	}
	return nil
}

// key takes the value that begins at the given place, and has been read without an error, as the sticky key.
func (p *parser) key(begin int) {
	again := scanner{s: p.s, i: begin}
	switch c := p.s[begin]; {
	case c == '"':
		p.r.Key, _ = again.str()
	case c == '-' || isDigit(c):
		p.r.Key = p.s[begin:p.i]
	}
	p.r.HasKey = p.r.Key != ""
}

// skip passes over a value that nobody asked for, and checks that it is JSON.
func (p *parser) skip(depth int) error {
	if problem := p.scanner.skip(depth); problem != "" {
		return p.syntax(problem)
	}
	return nil
}
