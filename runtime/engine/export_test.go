package engine

// Unfused are options that leave the operators as the graph has them.
func Unfused(o Options) Options {
	o.unfused = true
	return o
}
