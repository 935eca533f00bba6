package features

// operator is a word of the language.
type operator struct {
	// build reads the arguments and options, and adds what computes the value. Where it makes several values, it returns the first.
	build func(a *arguments) value
}

// operators are the words. Adding one takes a line here, an operation in a file beside, and a section in docs/features.md.
var operators = map[string]operator{
	"identity":       {buildIdentity},
	"constant":       {buildConstant},
	"length":         {buildLength},
	"token_count":    {buildTokenCount},
	"overlap":        {buildOverlap},
	"code_point_sum": {buildCodePointSum},
	"hash":           {buildHash},
	"cross":          {buildCross},
	"vocabulary":     {buildVocabulary},
	"one_hot":        {buildOneHot},
	"bucket":         {buildBucket},
	"reciprocal":     {buildReciprocal},
	"log1p":          {buildLog1p},
	"standardise":    {buildStandardise},
	"clip":           {buildClip},
	"modulo":         {buildModulo},
	"sum":            {buildSum},
	"product":        {buildProduct},
}

// wide is an operation that makes several values, one after the other.
type wide interface {
	width() int
}

func width(o operation) int {
	if o, ok := o.(wide); ok {
		return o.width()
	}
	return 1
}

func buildIdentity(a *arguments) value { return a.of(String, Number, Integer) }

func buildConstant(a *arguments) value {
	if isText(a.input) {
		return a.b.text(a.input.Value)
	}
	return a.b.constantOf(a.input)
}
