package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

// defaultInputs suit the CTR feature set; models that take a bare vector are given --inputs.
const defaultInputs = `{"query":"人工智能","doc_id":"doc-1","position":1,"score":0.8,"summary":"人工智能技术介绍"}`

func loadCommand() *cobra.Command {
	var (
		cfg      load.Config
		inputs   string
		expect   map[string]string
		untilEOF bool
		progress bool
	)
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Send predictions over keep-alive connections and print one JSON summary",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (cfg.Requests > 0) == untilEOF {
				return fmt.Errorf("one of --requests and --until-eof is needed, and not both")
			}
			if err := json.Unmarshal([]byte(inputs), &cfg.Inputs); err != nil {
				return fmt.Errorf("--inputs: %w", err)
			}
			var err error
			if cfg.Expect, err = parseExpect(expect); err != nil {
				return fmt.Errorf("--expect: %w", err)
			}
			ctx := cmd.Context()
			if untilEOF {
				var stop context.CancelFunc
				ctx, stop = untilEnd(ctx, cmd.InOrStdin())
				defer stop()
			}
			return runLoad(ctx, cfg, json.NewEncoder(cmd.OutOrStdout()), progress)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.URL, "url", "", "http://host:port of the service")
	f.StringVar(&cfg.Model, "model", "", "name of the model")
	f.StringVar(&cfg.Path, "path", "", "path of the request (default /v1/models/MODEL:predict)")
	f.IntVar(&cfg.Requests, "requests", 0, "how many to send")
	f.BoolVar(&untilEOF, "until-eof", false, "send until standard input is closed")
	f.IntVar(&cfg.Connections, "connections", 2, "keep-alive connections")
	f.Float64Var(&cfg.Rate, "rate", 0, "requests per second over all connections (0: as fast as the answers come)")
	f.IntVar(&cfg.Keys, "keys", 0, "how many different keys to use in turn")
	f.IntVar(&cfg.FirstKey, "first-key", 0, "number of the first key")
	f.StringVar(&cfg.KeyHeader, "key-header", "", "header that carries the key")
	f.StringVar(&cfg.KeyField, "key-field", "", "field of the inputs that carries the key")
	f.StringVar(&inputs, "inputs", defaultInputs, "the inputs of each request, a JSON object")
	f.StringToStringVar(&expect, "expect", nil, "REVISION=SCORE pairs: the score that a revision gives for the inputs")
	f.BoolVar(&cfg.Assignments, "assignments", false, "print which revisions answered each key")
	f.DurationVar(&cfg.Timeout, "timeout", 0, "time for one request (default 10s)")
	f.BoolVar(&progress, "progress", false, "print a line {\"progress\": …} twice a second")
	return cmd
}

// report is one line of output: progress any number of times, then the summary once.
type report struct {
	Progress *load.Summary `json:"progress,omitempty"`
	Summary  *load.Summary `json:"summary,omitempty"`
}

func runLoad(ctx context.Context, cfg load.Config, out *json.Encoder, progress bool) error {
	var tell func(load.Summary)
	if progress {
		// A line that cannot be written is missed by its reader, who will see no summary either.
		tell = func(s load.Summary) { _ = out.Encode(report{Progress: &s}) }
	}
	sum, err := load.Run(ctx, cfg, tell)
	if err != nil {
		return err
	}
	return out.Encode(report{Summary: &sum})
}

// untilEnd is ctx until r has ended.
func untilEnd(ctx context.Context, r io.Reader) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	// This goroutine ends with standard input, or with the process.
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, r)
	}()
	return ctx, stop
}

func parseExpect(pairs map[string]string) (map[int64]float64, error) {
	expect := make(map[int64]float64, len(pairs))
	for revision, score := range pairs {
		r, err := strconv.ParseInt(revision, 10, 64)
		if err != nil {
			return nil, err
		}
		if expect[r], err = strconv.ParseFloat(score, 64); err != nil {
			return nil, err
		}
	}
	return expect, nil
}
