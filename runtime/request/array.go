package request

import (
	"fmt"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// array reads a field with a shape: nested as the shape is, or flat. Where the shape has one element, it may stand alone, and
// so may one where there may be any number.
func (p *parser) array(field *model.Field, into *model.Value) error {
	l := &p.r.lists
	strs, nums, ints := len(l.strs), len(l.nums), len(l.ints)
	p.r.array = array{}
	switch {
	case p.s[p.i] == '[':
		if err := p.level(field, 0); err != nil {
			return err
		}
	case field.Count() == 1:
		return p.scalar(field.Kind, into)
	case len(field.Shape) > 1 || field.Shape[0] >= 0:
		return p.fail("must be %s", wanted(field))
	default:
		p.r.array = array{rank: 1, count: 1}
		if err := p.keep(field.Kind); err != nil {
			return err
		}
	}
	switch field.Kind {
	case model.String:
		into.Strs = since(l.strs, strs)
	case model.Number:
		into.Nums = since(l.nums, nums)
	default:
		into.Ints = since(l.ints, ints)
	}
	return p.fits(field)
}

// since is what has been appended to a list since it had n elements; never nil, which would stand for a single value.
func since[T any](list []T, n int) []T {
	if len(list) == n {
		return []T{}
	}
	return list[n:len(list):len(list)]
}

// keep reads a value into the lists.
func (p *parser) keep(kind model.Kind) error {
	var v model.Value
	if err := p.scalar(kind, &v); err != nil {
		return err
	}
	switch l := &p.r.lists; kind {
	case model.String:
		l.strs = append(l.strs, v.Str)
	case model.Number:
		l.nums = append(l.nums, v.Num)
	default:
		l.ints = append(l.ints, v.Int)
	}
	return nil
}

// maxRank bounds how deep an array may be nested.
const maxRank = 8

// array is what is known of one that is being read.
type array struct {
	// rank is how deep the first element lies, sizes what each level's first array has.
	rank  int
	sizes [maxRank]int
	known [maxRank]bool
	count int
}

// level reads an array at a depth, with the scanner in front of it.
func (p *parser) level(field *model.Field, depth int) error {
	a := &p.r.array
	if depth == maxRank {
		return p.fail("is nested too deeply; it must be %s", wanted(field))
	}
	p.i++ // the bracket
	size := 0
	if p.space(); !p.take(']') {
		for {
			if err := p.element(field, depth); err != nil {
				return err
			}
			size++
			if p.space(); p.take(']') {
				break
			}
			if !p.take(',') {
				return p.syntax("a ',' or ']' is missing in an array")
			}
			p.space()
		}
	}
	if a.known[depth] && a.sizes[depth] != size {
		return p.fail("has arrays of %d and of %d elements beside each other; it must be %s", a.sizes[depth], size, wanted(field))
	}
	a.known[depth], a.sizes[depth] = true, size
	a.rank = max(a.rank, depth+1)
	return nil
}

// element reads what an array has: arrays, or values, all at one depth.
func (p *parser) element(field *model.Field, depth int) error {
	a := &p.r.array
	if p.i < len(p.s) && p.s[p.i] == '[' {
		if a.count > 0 && a.rank <= depth+1 {
			return p.fail("mixes arrays and values; it must be %s", wanted(field))
		}
		return p.level(field, depth+1)
	}
	if a.rank > depth+1 {
		return p.fail("mixes arrays and values; it must be %s", wanted(field))
	}
	a.rank = depth + 1
	a.count++
	if most := field.Count(); most >= 0 && a.count > most {
		return p.fail("must be %s, but has more", wanted(field))
	}
	p.at.element = a.count
	if err := p.keep(field.Kind); err != nil {
		return err
	}
	p.at.element = 0
	return nil
}

// fits compares what was read with the field's shape.
func (p *parser) fits(field *model.Field) error {
	a := &p.r.array
	switch {
	case a.rank == 1 && !fitsFlat(field, a.count):
		return p.fail("must be %s, but has %d", wanted(field), a.count)
	case a.rank == 1:
		return nil
	case a.rank != len(field.Shape):
		return p.fail("is nested %d deep; it must be %s", a.rank, wanted(field))
	}
	for i, size := range field.Shape {
		if size >= 0 && size != a.sizes[i] {
			return p.fail("has the shape %v; it must be %s", a.sizes[:a.rank], wanted(field))
		}
	}
	return nil
}

// fitsFlat says whether so many elements in a row can be of the field's shape.
func fitsFlat(field *model.Field, count int) bool {
	if want := field.Count(); want >= 0 {
		return want == count
	}
	known := 1
	for _, size := range field.Shape {
		if size > 0 {
			known *= size
		}
	}
	return count%known == 0
}

// wanted is what a field must be, in words.
func wanted(field *model.Field) string {
	single := "a " + field.Kind.String()
	if field.Kind == model.Integer || field.Kind == model.Object {
		single = "an " + field.Kind.String()
	}
	if len(field.Shape) == 0 {
		return single
	}
	switch count := field.Count(); {
	case len(field.Shape) == 1 && count == 1:
		return single + ", or an array of one"
	case len(field.Shape) == 1 && count < 0:
		return fmt.Sprintf("an array of %ss", field.Kind)
	case len(field.Shape) == 1:
		return fmt.Sprintf("an array of %d %ss", count, field.Kind)
	default:
		sizes := make([]string, len(field.Shape))
		for i, size := range field.Shape {
			sizes[i] = fmt.Sprint(size)
			if size < 0 {
				sizes[i] = "any"
			}
		}
		return fmt.Sprintf("an array of %ss of the shape [%s]", field.Kind, strings.Join(sizes, ", "))
	}
}

// members reads a JSON object of texts, lists of them, and numbers.
func (p *parser) members(into *model.Value) error {
	if p.s[p.i] != '{' {
		return p.fail("must be an object")
	}
	within := p.at.field
	err := p.object(&p.r.inner, func(name string) error {
		p.at.field = within + "." + name
		err := p.member(name, into)
		if err == nil {
			p.at.field = within
		}
		return err
	})
	into.Set = err == nil
	return err
}

// list reads a member's list of texts.
func (p *parser) list(into *model.Member) error {
	var list model.Value
	if err := p.array(&model.Field{Kind: model.String, Shape: []int{-1}}, &list); err != nil {
		return err
	}
	into.Kind, into.Strs = model.String, list.Strs
	if into.Strs == nil {
		into.Strs = []string{}
	}
	return nil
}

// member reads one name's value: a text, a list of them, a number or null.
func (p *parser) member(name string, into *model.Value) error {
	member := model.Member{Name: name}
	switch {
	case p.literal("null"):
	case p.i < len(p.s) && p.s[p.i] == '"':
		text, problem := p.str()
		if problem != "" {
			return p.syntax(problem)
		}
		member.Kind, member.Str = model.String, text
	case p.i < len(p.s) && p.s[p.i] == '[':
		if err := p.list(&member); err != nil {
			return err
		}
	case p.literal("true"), p.literal("false"):
		// Python's True is 1, and False 0.
		member.Kind = model.Number
		if p.s[p.i-2] == 'u' {
			member.Num = 1
		}
	case p.i < len(p.s) && strings.IndexByte("-0123456789NI", p.s[p.i]) < 0:
		return p.fail("must be a string, a list of strings, a number or null")
	default:
		number, err := p.float()
		if err != nil {
			return err
		}
		member.Kind, member.Num = model.Number, number
	}
	l := &p.r.lists
	if len(into.Members) == 0 {
		into.Members = l.members[len(l.members):len(l.members)]
	}
	// The members of one object follow each other, as long as nothing else is read between them.
	l.members = append(l.members, member)
	start := len(l.members) - len(into.Members) - 1
	into.Members = l.members[start:len(l.members):len(l.members)]
	into.Set = true
	return nil
}
