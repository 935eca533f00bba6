package engine

// Unfused are options that leave the operators as the graph has them.
func Unfused(o Options) Options {
	o.unfused = true
	return o
}

// SetBlock makes a program of rows run so many at a time. It says whether the program is one.
func SetBlock(p *Program, rows int) bool {
	if p.block > 0 {
		p.block = rows
	}
	return p.block > 0
}
