package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/runtime/request"
)

// exampleInputs are what a server is asked where nothing else is said.
const exampleInputs = `{"query":"artificial intelligence","doc_id":"doc-1","position":1,"score":0.8,` +
	`"summary":"AI technology introduction"}`

// client asks one question.
type client struct {
	url, model, inputs string
	wait               time.Duration
}

// command asks for what the command line says.
func (c *client) command(cmd *cobra.Command, args []string) error {
	switch {
	case c.model == "":
		return errors.New("--model is required with --url: the name of the server's model")
	case len(args) > 1:
		return errors.New("a server is asked for one INPUTS; quote the JSON")
	}
	c.inputs = exampleInputs
	if len(args) == 1 {
		c.inputs = args[0]
	}
	return c.run(cmd.Context(), cmd.OutOrStdout())
}

// notNow is an error that may be gone on the next attempt.
type notNow struct{ error }

func (c *client) run(ctx context.Context, out io.Writer) error {
	if !json.Valid([]byte(c.inputs)) {
		return errors.New("INPUTS is not JSON")
	}
	end := time.Now().Add(c.wait)
	for {
		answer, err := c.ask(ctx)
		if err == nil {
			_, err = fmt.Fprintln(out, answer)
			return err
		}
		if !errors.As(err, &notNow{}) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// ask makes one attempt.
func (c *client) ask(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	verb, shape := "predict", request.Single
	if strings.HasPrefix(strings.TrimSpace(c.inputs), "[") {
		verb, shape = "batch_predict", request.Batch
	}
	address := fmt.Sprintf("%s/v1/models/%s:%s", strings.TrimSuffix(c.url, "/"), url.PathEscape(c.model), verb)
	body := append(append([]byte(`{"inputs":`), c.inputs...), '}')
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", notNow{err}
	}
	defer response.Body.Close() // only read
	answer, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return "", notNow{fmt.Errorf("reading the answer of %s: %w", address, err)}
	}
	text := strings.TrimSpace(string(answer))
	switch {
	case response.StatusCode == http.StatusOK:
		if err := request.CheckAnswer(text, shape, false); err != nil {
			return "", fmt.Errorf("%s does not answer with a prediction: %w: %.200s", address, err, text)
		}
		return fmt.Sprintf("%s revision=%s", text, response.Header.Get(contract.HeaderRevision)), nil
	case response.StatusCode >= http.StatusInternalServerError:
		return "", notNow{fmt.Errorf("%s: %s: %s", address, response.Status, text)}
	default:
		return "", fmt.Errorf("%s: %s: %s", address, response.Status, text)
	}
}
