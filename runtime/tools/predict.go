package tools

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ctr-operator/ctr-operator/runtime/model"
	"github.com/ctr-operator/ctr-operator/runtime/request"
)

// maxLine is the longest line of inputs.
const maxLine = 16 << 20

// PredictCommand is `predict`: predictions of an artifact, for the lines of a file; or one prediction of a server, for images
// that have no other client.
func PredictCommand() *cobra.Command {
	c, p := client{}, predictor{}
	cmd := &cobra.Command{
		Use:   "predict PATH [FILE] | predict --url URL --model NAME [INPUTS]",
		Short: "Predict with an artifact, or ask a server for a prediction",
		Long: `Predict with the artifact at PATH, a file or a directory, for each line of FILE, or of standard input.

A line is a JSON object of inputs, as in a request, or of {"inputs": …}, so that a golden.jsonl will do. For each there is
a line with {"outputs": {"ctr_score": …}} on standard output, or with {"error": …, "line": …}. Where there was an error, the
exit code is 1.

With --model, a server is asked instead: for INPUTS, a JSON object, or an array of them.`,
		Example: `  # Predictions of a bundle for the inputs in a file
  ctr-runtime predict models/search-ctr/ inputs.jsonl > predictions.jsonl

  # One prediction
  echo '{"query": "phone", "position": 1, "score": 0.8, "summary": "new phones"}' | ctr-runtime predict model.pkl

  # All classes of a model that has several
  ctr-runtime predict --all-scores model.onnx inputs.jsonl

  # A prediction of a server
  ctr-runtime predict --url http://127.0.0.1:8501 --model search-ctr '{"features": [1, 2, 3]}'`,
		Args:         cobra.MaximumNArgs(2),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.model != "" || cmd.Flags().Changed("url") {
				return c.command(cmd, args)
			}
			return p.command(cmd, args)
		},
	}
	f := cmd.Flags()
	p.artifact.addFlags(cmd)
	f.BoolVar(&p.all, "all-scores", false, "every score of the model by its name, instead of the one that is served")
	f.IntVar(&p.batch, "batch-size", 256, "how many lines are predicted at a time")
	f.StringVar(&c.url, "url", "http://127.0.0.1:8501", "address of a server to ask")
	f.StringVar(&c.model, "model", "", "name of the server's model (required with --url)")
	f.DurationVar(&c.wait, "wait", 0, "how long to try again while the server cannot be reached or is not ready")
	return cmd
}

// artifact are the flags about an artifact.
type artifact struct {
	kind, format string
	maxBytes     int64
}

func (a *artifact) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.kind, "model-type", "", "hold the artifact to a type: LogisticRegression or WideAndDeep")
	f.StringVar(&a.format, "artifact-format", "",
		"what wrote the artifact: sklearn, keras, savedmodel or onnx (default what its content tells)")
	f.Int64Var(&a.maxBytes, "max-artifact-bytes", 64<<30, "largest model file that is read")
	complete(cmd, "model-type", model.TypeLogisticRegression, model.TypeWideAndDeep)
	complete(cmd, "artifact-format", model.Formats()...)
}

func (a *artifact) open(ctx context.Context, path string) (*model.Model, error) {
	return model.Open(ctx, path, model.Options{Type: a.kind, Format: a.format, MaxBytes: a.maxBytes})
}

// predictor predicts line by line.
type predictor struct {
	artifact artifact
	all      bool
	batch    int
}

func (p *predictor) command(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("PATH is required: the artifact's file or directory (or --model, to ask a server)")
	case p.batch < 1:
		return fmt.Errorf("--batch-size must be at least 1, not %d", p.batch)
	}
	in := cmd.InOrStdin()
	if len(args) == 2 && args[1] != "-" {
		file, err := os.Open(args[1])
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	m, err := p.artifact.open(cmd.Context(), args[0])
	if err != nil {
		return err
	}
	defer m.Close()
	if !p.all {
		if err := m.OneScore(); err != nil {
			return fmt.Errorf("%w; or ask for --all-scores", err)
		}
	}
	return p.run(cmd.Context(), m, in, cmd.OutOrStdout())
}

// line is one of the input's.
type line struct {
	number  int
	request request.Request
	err     error
}

// run reads lines, a batch at a time, and writes an answer to each.
func (p *predictor) run(ctx context.Context, m *model.Model, in io.Reader, to io.Writer) error {
	out := bufio.NewWriter(to)
	defer out.Flush()
	b := &lines{
		model: m, decoder: request.NewDecoder(m.Signature(), 1), all: p.all,
		lines: make([]line, p.batch), names: m.Signature().Scores,
	}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, maxLine)
	more, failed := true, 0
	for number := 0; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		count := 0
		for count < p.batch && more {
			if more = scanner.Scan(); more {
				number++
				count += b.add(count, number, scanner.Text())
			}
		}
		failed += b.answer(count, out)
		if err := out.Flush(); err != nil {
			return err
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("reading the inputs: %w", err)
	}
	if failed > 0 {
		return fmt.Errorf("lines that could not be predicted: %d; each has its error in its place", failed)
	}
	return nil
}

// lines is a batch of them.
type lines struct {
	model   *model.Model
	decoder *request.Decoder
	all     bool
	names   []string
	lines   []line
	rows    []model.Row
	// of has each row's line.
	of     []int
	scores []float64
}

// add decodes a line into place i; it returns how many lines that were, which is 0 for a blank one.
func (l *lines) add(i, number int, text string) int {
	blank := true
	for _, c := range []byte(text) {
		blank = blank && (c == ' ' || c == '\t' || c == '\r')
	}
	if blank {
		return 0
	}
	at := &l.lines[i]
	at.number = number
	at.err = l.decode(text, &at.request)
	return 1
}

// decode reads inputs, alone or in an object as a request has them.
func (l *lines) decode(text string, into *request.Request) error {
	err := l.decoder.Decode(text, request.Single, "", into)
	if bad, ok := errors.AsType[*request.Error](err); ok && bad.Path == "inputs" && bad.Message == "is required" {
		return l.decoder.Decode(`{"inputs":`+text+`}`, request.Single, "", into)
	}
	return err
}

// answer predicts the first lines, and writes an answer to each. It returns how many could not be predicted.
func (l *lines) answer(count int, out *bufio.Writer) (failed int) {
	l.rows, l.of = l.rows[:0], l.of[:0]
	for i := range l.lines[:count] {
		if l.lines[i].err == nil {
			l.rows, l.of = append(l.rows, l.lines[i].request.Rows[0]), append(l.of, i)
		}
	}
	each := 1
	if l.all {
		each = len(l.names)
	}
	l.scores = append(l.scores[:0], make([]float64, each*len(l.rows))...)
	if err := l.predict(l.rows, l.scores); err != nil {
		l.oneByOne(each)
	}
	row := 0
	for i := range l.lines[:count] {
		at := &l.lines[i]
		if row < len(l.of) && l.of[row] == i {
			if at.err == nil {
				l.write(out, l.scores[row*each:(row+1)*each])
			}
			row++
		}
		if at.err != nil {
			failed++
			text, _ := json.Marshal(at.err.Error()) // a string is always good
			fmt.Fprintf(out, `{"error":%s,"line":%d}`+"\n", text, at.number)
		}
	}
	return failed
}

func (l *lines) predict(rows []model.Row, scores []float64) error {
	if l.all {
		return l.model.PredictAll(rows, scores)
	}
	return l.model.PredictBatch(rows, scores)
}

// oneByOne predicts the rows of a batch in which one cannot be predicted, so that the others are.
func (l *lines) oneByOne(each int) {
	for i := range l.rows {
		err := l.predict(l.rows[i:i+1], l.scores[i*each:(i+1)*each])
		if input, ok := errors.AsType[*model.InputError](err); ok {
			err = request.FromInputError(input, request.Single)
		}
		l.lines[l.of[i]].err = err
	}
}

// write writes the scores of one line.
func (l *lines) write(out *bufio.Writer, scores []float64) {
	_, _ = out.WriteString(`{"outputs":{`) // Flush says what went wrong
	for i, score := range scores {
		name := model.ScoreName
		if l.all {
			name = l.names[i]
		}
		if i > 0 {
			_ = out.WriteByte(',')
		}
		quoted, _ := json.Marshal(name) // a string is always good
		_, _ = out.Write(quoted)
		_ = out.WriteByte(':')
		_, _ = out.Write(strconv.AppendFloat(nil, score, 'g', -1, 64))
	}
	_, _ = out.WriteString("}}\n")
}
