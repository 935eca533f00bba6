package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ctr-operator/ctr-operator/test/testkit/answer"
)

// maxPrinted bounds how much of an answer's body is printed.
const maxPrinted = 4 << 20

func httpCommand() *cobra.Command {
	var (
		method  string
		headers []string
		body    string
		fill    int64
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "http URL",
		Short: "Send one request and print status, headers and body as JSON",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			content, err := requestBody(cmd.InOrStdin(), body, fill)
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(cmd.Context(), method, args[0], content)
			if err != nil {
				return err
			}
			for _, h := range headers {
				name, value, ok := strings.Cut(h, ":")
				if !ok {
					return fmt.Errorf("header %q has no colon", h)
				}
				req.Header.Add(name, strings.TrimSpace(value))
			}
			got, err := send(req, timeout)
			if err != nil {
				return err
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(got)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&method, "method", "X", http.MethodGet, "method")
	f.StringArrayVarP(&headers, "header", "H", nil, "'Name: value', any number of times")
	f.StringVarP(&body, "body", "d", "", "body; - reads standard input")
	f.Int64Var(&fill, "fill", 0, "make the body a JSON object of about this many bytes")
	f.DurationVar(&timeout, "timeout", 30*time.Second, "time for the whole exchange")
	return cmd
}

func requestBody(stdin io.Reader, body string, fill int64) (io.Reader, error) {
	switch {
	case fill > 0:
		padding := io.LimitReader(spaces{}, fill)
		return io.MultiReader(strings.NewReader(`{"inputs":{"query":"`), padding, strings.NewReader(`"}}`)), nil
	case body == "-":
		content, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("reading the body: %w", err)
		}
		return bytes.NewReader(content), nil
	default:
		return strings.NewReader(body), nil
	}
}

// spaces never ends.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// send uses a connection of its own, so that nothing is sent twice.
func send(req *http.Request, timeout time.Duration) (answer.Answer, error) {
	client := &http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer.Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPrinted))
	if err != nil {
		return answer.Answer{}, fmt.Errorf("the answer's body: %w", err)
	}
	return answer.Answer{Status: resp.StatusCode, Headers: resp.Header, Body: string(body)}, nil
}
