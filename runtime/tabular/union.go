package tabular

import (
	"fmt"
	"sort"
)

// UnionPart is one of a Union's.
type UnionPart struct {
	// Columns are those that are taken, in that order; nil takes all.
	Columns []int
	// Transform is applied to them; nil passes them on as they are.
	Transform Transform
	// Weight multiplies what is made; 1 leaves it. Of a part that makes Mixed rows it must be 1.
	Weight float64
}

// union applies transforms to the same row, each to columns of its own choice, and puts what they make side by side.
type union struct {
	in, out Shape
	parts   []UnionPart
	// outs are the parts' shapes.
	outs []Shape
	// places are, for each part of a Sparse row whose Columns ascend, where it takes each column to, −1 for nowhere.
	places [][]int32
}

// Union makes a Transform of parts for rows of that shape. What it makes is Mixed if a part's is, or else Sparse if a
// part's is. Where all is numbers, one stage of numbers does it.
func Union(in Shape, parts []UnionPart) Transform {
	if stage := parallel(in, parts); stage != nil {
		return &numeric{stage}
	}
	u := &union{in: in, parts: parts, out: Shape{Form: Dense}}
	for _, part := range parts {
		made := part.made(in)
		u.places = append(u.places, part.places(in))
		u.outs = append(u.outs, made)
		u.out = Shape{max(u.out.Form, made.Form), u.out.Columns + made.Columns}
	}
	return u
}

// made is the shape of what a part makes of a row of a shape.
func (p *UnionPart) made(in Shape) Shape {
	if p.Columns != nil {
		in.Columns = len(p.Columns)
	}
	if p.Transform != nil {
		taken, made := p.Transform.Shapes()
		if taken != in {
			panic(fmt.Sprintf("tabular: a part takes %v, and %v comes in", taken, in))
		}
		return made
	}
	return in
}

// places turns Columns around, if they ascend, for a Sparse row.
func (p *UnionPart) places(in Shape) []int32 {
	if in.Form != Sparse || p.Columns == nil {
		return nil
	}
	for i := 1; i < len(p.Columns); i++ {
		if p.Columns[i] <= p.Columns[i-1] {
			return nil
		}
	}
	places := make([]int32, in.Columns)
	for i := range places {
		places[i] = -1
	}
	for i, column := range p.Columns {
		places[column] = int32(i)
	}
	return places
}

// parallel is the Parallel that does what a Union does whose parts are all stages of numbers; nil if they are not.
func parallel(in Shape, parts []UnionPart) Stage {
	if in.Form != Dense {
		return nil
	}
	p := &Parallel{Columns: in.Columns}
	for _, part := range parts {
		one := Part{Columns: part.Columns}
		if part.Transform != nil {
			stage, ok := part.Transform.(*numeric)
			if !ok {
				return nil
			}
			one.Stage = stage.Stage
		}
		if part.Weight != 1 {
			times := &Times{Columns: one.made(in.Columns), Weight: part.Weight}
			if one.Stage == nil {
				one.Stage = times
			} else {
				one.Stage = NewChain(one.Stage, times)
			}
		}
		p.Parts = append(p.Parts, one)
	}
	return p
}

// Shapes implements Transform.
func (u *union) Shapes() (in, out Shape) { return u.in, u.out }

// Apply implements Transform.
func (u *union) Apply(dst, src *Row, scratch *Scratch) error {
	dst.Clear(u.out.Form)
	used, first := scratch.used, 0
	for i := range u.parts {
		part := &u.parts[i]
		made := src
		if part.Columns != nil {
			made = scratch.Row()
			if u.places[i] != nil {
				move(made, src, u.places[i])
			} else {
				choose(made, src, part.Columns)
			}
		}
		if part.Transform != nil {
			taken := made
			made = scratch.Row()
			if err := part.Transform.Apply(made, taken, scratch); err != nil {
				return err
			}
		}
		dst.join(made, first, u.outs[i].Columns, part.Weight)
		first += u.outs[i].Columns
		scratch.used = used
	}
	return nil
}

// move makes a Sparse row of the columns of another that have a place in it.
func move(dst, src *Row, places []int32) {
	dst.Clear(Sparse)
	for i, column := range src.Index {
		if place := places[column]; place >= 0 {
			dst.Put(int(place), src.Numbers[i])
		}
	}
}

// choose makes a row of some columns of another, of the same form.
func choose(dst, src *Row, columns []int) {
	dst.Clear(src.Form)
	switch src.Form {
	case Mixed:
		for _, column := range columns {
			dst.Cells = append(dst.Cells, src.Cells[column])
		}
	case Sparse:
		for i, column := range columns {
			place := sort.Search(len(src.Index), func(i int) bool { return int(src.Index[i]) >= column })
			if place < len(src.Index) && int(src.Index[place]) == column {
				dst.Put(i, src.Numbers[place])
			}
		}
	default:
		for _, column := range columns {
			dst.Numbers = append(dst.Numbers, src.Numbers[column])
		}
	}
}

// join appends a row of so many columns, as columns first and following, and multiplied by the weight.
func (r *Row) join(made *Row, first, columns int, weight float64) {
	switch {
	case r.Form == Mixed && made.Form == Mixed:
		r.Cells = append(r.Cells, made.Cells...)
	case r.Form == Mixed && made.Form == Dense:
		for _, number := range made.Numbers {
			r.Cells = append(r.Cells, Cell{Num: number * weight})
		}
	case r.Form == Mixed:
		for range columns {
			r.Cells = append(r.Cells, Cell{})
		}
		for i, column := range made.Index {
			r.Cells[first+int(column)].Num = made.Numbers[i] * weight
		}
	case r.Form == Sparse && made.Form == Dense:
		for i, number := range made.Numbers {
			if number != 0 {
				r.Put(first+i, number*weight)
			}
		}
	case r.Form == Sparse:
		for i, column := range made.Index {
			r.Put(first+int(column), made.Numbers[i]*weight)
		}
	default:
		for _, number := range made.Numbers {
			r.Numbers = append(r.Numbers, number*weight)
		}
	}
}
