package hdf5

import (
	"path"
	"slices"
	"strings"
)

// Group is a directory of links to groups and datasets.
type Group struct {
	file   *File
	object *object
	path   string
	// parent is the group it was opened through, nil for the root.
	parent *Group
}

// Object is a *Group or a *Dataset.
type Object interface {
	// Path is the path by which the object was opened.
	Path() string
	// Attributes are the object's attributes, in the order of their creation where that is known, or by name.
	Attributes() ([]*Attribute, error)
	// Attribute is the attribute of that name; where there is none, the error is of kind NotFound.
	Attribute(name string) (*Attribute, error)
}

// maxSoftLinks is how many soft links one path may lead through.
const maxSoftLinks = 16

// maxGroupDepth is how deep groups may be nested.
const maxGroupDepth = 256

// Path is the path by which the group was opened.
func (g *Group) Path() string { return g.path }

// Attributes are the group's attributes.
func (g *Group) Attributes() ([]*Attribute, error) { return g.file.attributes(g.object, g.path) }

// Attribute is the group's attribute of that name.
func (g *Group) Attribute(name string) (*Attribute, error) {
	return g.file.attribute(g.object, g.path, name)
}

// Links are the group's links, in the order of their creation if the group tracks that, or else by name.
func (g *Group) Links() ([]Link, error) {
	links, err := g.list()
	return slices.Clone(links), err
}

// list is the group's links, shared.
func (g *Group) list() ([]Link, error) {
	g.object.mu.Lock()
	defer g.object.mu.Unlock()
	if !g.object.linksRead {
		links, err := g.file.readLinks(g.object)
		if err != nil {
			return nil, at(g.path, err)
		}
		g.object.links, g.object.linksRead = links, true
	}
	return g.object.links, nil
}

// Open opens the group or the dataset at a path, which begins at this group, or at the root if it begins with a slash.
func (g *Group) Open(name string) (Object, error) {
	hops := maxSoftLinks
	return g.open(name, &hops)
}

// Group opens the group at a path.
func (g *Group) Group(name string) (*Group, error) {
	found, err := g.Open(name)
	if err != nil {
		return nil, err
	}
	group, ok := found.(*Group)
	if !ok {
		return nil, at(found.Path(), fault(Mismatch, 0, "a dataset where a group is expected"))
	}
	return group, nil
}

// Dataset opens the dataset at a path.
func (g *Group) Dataset(name string) (*Dataset, error) {
	found, err := g.Open(name)
	if err != nil {
		return nil, err
	}
	dataset, ok := found.(*Dataset)
	if !ok {
		return nil, at(found.Path(), fault(Mismatch, 0, "a group where a dataset is expected"))
	}
	return dataset, nil
}

func (g *Group) open(name string, hops *int) (Object, error) {
	current := g
	if strings.HasPrefix(name, "/") {
		current = g.file.root
	}
	steps := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	for i, step := range steps {
		if step == "." {
			continue
		}
		next, err := current.step(step, hops)
		if err != nil {
			return nil, err
		}
		switch next := next.(type) {
		case *Group:
			current = next
		default:
			if i == len(steps)-1 {
				return next, nil
			}
			return nil, at(next.Path(), fault(Mismatch, 0, "a dataset where a group is expected"))
		}
	}
	return current, nil
}

// step follows one link.
func (g *Group) step(name string, hops *int) (Object, error) {
	links, err := g.list()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(links, func(link Link) bool { return link.Name == name })
	if i < 0 {
		return nil, at(path.Join(g.path, name), fault(NotFound, g.object.offset, "there is no such link"))
	}
	where := path.Join(g.path, name)
	switch link := links[i]; link.Kind {
	case Hard:
		return g.follow(link.address, where)
	case Soft:
		if *hops--; *hops < 0 {
			return nil, at(where, fault(Malformed, g.object.offset, "a path that leads through more than %d soft links", maxSoftLinks))
		}
		return g.open(link.Target, hops)
	case External:
		return nil, at(where, fault(Unsupported, g.object.offset, "a link to another file is not followed"))
	default:
		return nil, at(where, fault(Unsupported, g.object.offset, "a link of a kind defined by its writer"))
	}
}

// follow opens the object at an address, which must not be a group that it is within.
func (g *Group) follow(address uint64, where string) (Object, error) {
	depth := 0
	for above := g; above != nil; above = above.parent {
		if above.object.address == address {
			return nil, at(where, fault(Malformed, g.object.offset, "a group that contains itself"))
		}
		if depth++; depth > maxGroupDepth {
			return nil, at(where, fault(TooLarge, g.object.offset, "groups nested more than %d deep", maxGroupDepth))
		}
	}
	o, err := g.file.object(address)
	switch {
	case err != nil:
		return nil, at(where, err)
	case o.isDataset():
		return g.file.openDataset(o, where)
	case o.isGroup():
		return &Group{file: g.file, object: o, path: where, parent: g}, nil
	default:
		return nil, at(where, fault(Unsupported, o.offset, "an object that is neither a group nor a dataset"))
	}
}
