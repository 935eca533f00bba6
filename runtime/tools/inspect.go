package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/model"
)

// InspectCommand is `inspect`: what an artifact is, takes and is made of, or why it cannot be served.
func InspectCommand() *cobra.Command {
	var a artifact
	output := outputTable
	cmd := &cobra.Command{
		Use:   "inspect PATH",
		Short: "Say what an artifact is, takes and is made of, or why it cannot be served",
		Long: `Open the artifact at PATH, a file or a directory, as a server would, and print its format, its inputs and scores, its
parameters and their memory, its operators and layers, and which files of a bundle it has.

Where it cannot be served, all that is not supported in it is printed, as far as it can be told, and the exit code is 1.`,
		Example: `  ctr-runtime inspect model.h5
  ctr-runtime inspect --output json models/search-ctr/ | jq .signature.fields`,
		Args:              cobra.ExactArgs(1),
		SilenceUsage:      true,
		SilenceErrors:     true,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return nil, 0 }, // files
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != outputTable && output != outputJSON {
				return fmt.Errorf("--output must be %s or %s, not %q", outputTable, outputJSON, output)
			}
			m, err := a.open(cmd.Context(), args[0])
			if m != nil {
				defer m.Close()
			}
			found := inspectionOf(args[0], m, err)
			if m != nil && err == nil {
				err = m.OneScore()
			}
			if writeErr := found.write(cmd.OutOrStdout(), output); writeErr != nil {
				return writeErr
			}
			return err
		},
	}
	a.addFlags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", output, "how it is printed: table or json")
	complete(cmd, "output", outputTable, outputJSON)
	return cmd
}

// The forms of output.
const (
	outputTable = "table"
	outputJSON  = "json"
)

// complete makes the shell complete a flag's values.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is the command's own
	}
}

// inspection is what there is to say about an artifact.
type inspection struct {
	Path string `json:"path"`
	// Served says that a server would take it.
	Served    bool             `json:"served"`
	Problem   *problem         `json:"problem,omitempty"`
	Artifact  *artifactDetails `json:"artifact,omitempty"`
	Signature *signature       `json:"signature,omitempty"`
}

type artifactDetails = model.Description

// problem is why an artifact is not served.
type problem struct {
	Reason  contract.Reason `json:"reason"`
	File    string          `json:"file,omitempty"`
	Message string          `json:"message"`
	// Unsupported are the parts of the artifact that are not supported, where the reader can tell.
	Unsupported []string `json:"unsupported,omitempty"`
}

type signature struct {
	Fields []field `json:"fields"`
	// Features is the length of the bare vector, 0 where there is none.
	Features int `json:"features,omitempty"`
	// Open says that the inputs' names are the data's.
	Open   bool     `json:"open,omitempty"`
	Scores []string `json:"scores"`
	// Score is the one that is served; empty where none was chosen.
	Score   string `json:"score"`
	Bounded bool   `json:"probabilities"`
}

type field struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Shape    []int  `json:"shape,omitempty"`
	Required bool   `json:"required"`
}

func inspectionOf(path string, m *model.Model, err error) *inspection {
	found := &inspection{Path: path, Served: err == nil}
	if m != nil {
		description := m.Describe()
		found.Artifact, found.Signature = &description, signatureOf(m.Signature())
		if err == nil {
			err = m.OneScore()
			found.Served = err == nil
		}
	}
	if err != nil {
		found.Problem = &problem{Reason: contract.ReasonInternal, Message: err.Error()}
		if load, ok := errors.AsType[*model.LoadError](err); ok {
			found.Problem = &problem{load.Reason, load.Path, load.Message, load.Unsupported()}
		}
	}
	return found
}

func signatureOf(s model.Signature) *signature {
	out := &signature{Features: s.Features, Open: s.Open, Scores: s.Scores, Bounded: s.Bounded, Fields: []field{}}
	if s.Score >= 0 {
		out.Score = s.Scores[s.Score]
	}
	for _, f := range s.Fields {
		out.Fields = append(out.Fields, field{f.Name, f.Kind.String(), f.Shape, f.Required})
	}
	return out
}

func (i *inspection) write(out io.Writer, form string) error {
	if form == outputJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(i)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	i.head(w)
	if i.Artifact != nil {
		i.table(w)
	}
	return w.Flush()
}

func (i *inspection) head(w io.Writer) {
	fmt.Fprintf(w, "artifact\t%s\n", i.Path)
	if p := i.Problem; p != nil {
		fmt.Fprintf(w, "not served\t%s: %s\n", p.Reason, p.Message)
		for _, part := range p.Unsupported {
			fmt.Fprintf(w, "unsupported\t%s\n", part)
		}
	}
	if i.Artifact == nil {
		return
	}
	a := i.Artifact
	fmt.Fprintf(w, "format\t%s\nmodel\t%s\ntype\t%s\n", a.Format, a.File, a.Type)
	if a.Parameters > 0 {
		fmt.Fprintf(w, "parameters\t%s\nmemory\t%s\n", thousands(a.Parameters), size(a.Bytes))
	}
	fmt.Fprintf(w, "features\t%s\ngolden\t%s\n", orNone(a.Features), orNone(a.Golden))
}

func orNone(name string) string {
	if name == "" {
		return "none"
	}
	return name
}

func (i *inspection) table(w io.Writer) {
	s := i.Signature
	fmt.Fprintf(w, "\nINPUT\tTYPE\tSHAPE\tREQUIRED\n")
	for _, f := range s.Fields {
		fmt.Fprintf(w, "%s\t%s\t%s\t%v\n", f.Name, f.Type, shape(f.Shape), f.Required)
	}
	if s.Features > 0 {
		fmt.Fprintf(w, "%s\tnumber\t[%d]\t%v\n", model.FieldFeatures, s.Features, len(s.Fields) == 0)
	}
	fmt.Fprintf(w, "\nSCORE\tSERVED\n")
	for _, name := range s.Scores {
		fmt.Fprintf(w, "%s\t%v\n", name, name == s.Score)
	}
	if len(i.Artifact.Operators) > 0 {
		fmt.Fprintf(w, "\nOPERATOR\tCOUNT\n")
	}
	for _, o := range i.Artifact.Operators {
		fmt.Fprintf(w, "%s\t%d\n", o.Name, o.Count)
	}
	i.layers(w)
}

// mostLayers is how many a person wants to see.
const mostLayers = 100

func (i *inspection) layers(w io.Writer) {
	if len(i.Artifact.Layers) == 0 {
		return
	}
	fmt.Fprintf(w, "\nLAYER\tOPERATORS\tPARAMETERS\n")
	for k, layer := range i.Artifact.Layers {
		if k == mostLayers {
			fmt.Fprintf(w, "and %d more\t\t\n", len(i.Artifact.Layers)-k)
			return
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", layer.Name, layer.Operator, thousands(layer.Parameters))
	}
}

// shape is a field's, with "any" for a size that may differ.
func shape(sizes []int) string {
	if sizes == nil {
		return "-"
	}
	parts := make([]string, len(sizes))
	for i, size := range sizes {
		parts[i] = fmt.Sprint(size)
		if size < 0 {
			parts[i] = "any"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// thousands writes a number with commas.
func thousands(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// size writes a number of bytes in the largest unit of which there is at least one.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
