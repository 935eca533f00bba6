package features

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// maxDepth bounds the nesting of a feature file.
const maxDepth = 40

// lineInError is where the YAML library's errors say the line.
var lineInError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// parse reads one YAML document, whose root must be a mapping. Anchors, aliases and tags are refused: they are the ways in which
// a small file could stand for a large one, or for something else than it shows.
func parse(file string, data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &Error{File: file, Message: "is empty; write the features into it, or leave it out"}
		}
		return nil, syntaxError(file, err)
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, syntaxError(file, err)
		}
		return nil, &Error{File: file, Message: "has more than one YAML document; keep one"}
	}
	root := document.Content[0]
	if err := check(file, root, 0); err != nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, &Error{file, root.Line, "must be a mapping with 'fields' and 'features' or 'inputs', or with 'preset'"}
	}
	return root, nil
}

func syntaxError(file string, err error) error {
	message, line := err.Error(), 0
	if found := lineInError.FindStringSubmatch(message); found != nil {
		message = message[len(found[0]):]
		line, _ = strconv.Atoi(found[1]) // 0 where the error has none
	}
	return &Error{file, line, "is not YAML: " + message}
}

func check(file string, node *yaml.Node, depth int) error {
	switch {
	case depth > maxDepth:
		return &Error{file, node.Line, "is nested too deeply; name what is inside under 'define'"}
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return &Error{file, node.Line, "has an anchor or alias; name what is used twice under 'define'"}
	case node.Kind == yaml.ScalarNode && !slices.Contains(tags, node.ShortTag()):
		return &Error{file, node.Line, fmt.Sprintf("has the tag %.40s; write plain values", node.ShortTag())}
	case node.Kind != yaml.ScalarNode && node.Style&yaml.TaggedStyle != 0:
		return &Error{file, node.Line, fmt.Sprintf("has the tag %.40s; write plain values", node.ShortTag())}
	}
	names := map[string]bool{}
	for i, inner := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			if inner.Kind != yaml.ScalarNode || inner.ShortTag() == "!!merge" {
				return &Error{file, inner.Line, "has a name that is not plain text"}
			}
			if names[inner.Value] {
				return &Error{file, inner.Line, fmt.Sprintf("has the name %.64q twice; keep one", inner.Value)}
			}
			names[inner.Value] = true
		}
		if err := check(file, inner, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// tags are those of the scalars that may be. A date that is not quoted is a text.
var tags = []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!merge"}

// mapping is a YAML mapping, of which is remembered what has been asked for.
type mapping struct {
	node  *yaml.Node
	known []string
}

// get returns what is under a name; nil where nothing is.
func (m *mapping) get(name string) *yaml.Node {
	m.known = append(m.known, name)
	for i := 0; i+1 < len(m.node.Content); i += 2 {
		if m.node.Content[i].Value == name {
			return m.node.Content[i+1]
		}
	}
	return nil
}

// rest returns the first name that nobody has asked for.
func (m *mapping) rest() *yaml.Node {
	for i := 0; i < len(m.node.Content); i += 2 {
		if key := m.node.Content[i]; !slices.Contains(m.known, key.Value) {
			return key
		}
	}
	return nil
}

func isText(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && (node.ShortTag() == "!!str" || node.ShortTag() == "!!timestamp")
}

// isName says that a scalar can be the name of an output or class, which may look like a number.
func isName(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() != "!!null" }

// toNumber reads a number as YAML writes it.
func toNumber(node *yaml.Node) (float64, bool) {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!int" && node.ShortTag() != "!!float" {
		return 0, false
	}
	var x float64
	if node.Decode(&x) != nil || math.IsInf(x, 0) {
		return 0, false
	}
	return x, true
}

// toInteger reads an integer.
func toInteger(node *yaml.Node) (int64, bool) {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!int" {
		return 0, false
	}
	var n int64
	return n, node.Decode(&n) == nil
}

func toBool(node *yaml.Node) (yes, ok bool) {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!bool" {
		return false, false
	}
	return yes, node.Decode(&yes) == nil
}

// shown is what a node is, in a message.
func shown(node *yaml.Node) string {
	switch node.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	default:
		if node.ShortTag() == "!!null" {
			return "nothing"
		}
		return fmt.Sprintf("%.64q", node.Value)
	}
}
