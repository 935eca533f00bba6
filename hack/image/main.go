// Command image builds the project's programs and writes them as container images, without a daemon: archives that docker load,
// kind load and hack/cluster load read, and an images.json that says what is where. Equal sources give equal images.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/ctr-operator/ctr-operator/hack/internal/gobuild"
	"github.com/ctr-operator/ctr-operator/hack/internal/oci"
)

// target is one image: a program of this module, alone in it.
type target struct {
	key     string // in images.json
	program string
	path    string
	ports   []string
	suffix  string // of the version
	// limit is the most that the image may weigh, compressed; 0 is no limit.
	limit int64
}

// runtimeLimit holds the runtime's promise of a small image, its dictionary included.
const runtimeLimit = 25_000_000

func targets() []target {
	operatorPorts := []string{"8080/tcp", "8081/tcp"}
	return []target{
		{key: "operator", program: "ctr-operator", path: "./cmd/ctr-operator", ports: operatorPorts},
		{
			key: "runtime", program: "ctr-runtime", path: "./cmd/ctr-runtime", ports: []string{"8501/tcp", "8502/tcp"},
			limit: runtimeLimit,
		},
		{key: "testkit", program: "testkit", path: "./test/testkit"},
		// The same operator under another version, for tests of an upgrade.
		{key: "operatorNext", program: "ctr-operator", path: "./cmd/ctr-operator", ports: operatorPorts, suffix: "-next"},
	}
}

// options are the command's flags.
type options struct {
	out, version, tag string
	only              []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var o options
	command := &cobra.Command{
		Use: "image --out DIR", Short: "Build the container images as archives, without a daemon", Args: cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return write(cmd.Context(), o, cmd.ErrOrStderr()) },
	}
	flags := command.Flags()
	flags.StringVar(&o.out, "out", "", "folder to write to (required)")
	flags.StringVar(&o.version, "version", "", "version that the programs report (default: the chart's appVersion)")
	flags.StringVar(&o.tag, "tag", "", "tag of the images (default: dev- and a digest of the content)")
	flags.StringSliceVar(&o.only, "only", nil, "only these images: "+strings.Join(keys(targets()), ", "))
	if err := command.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is defined four lines above
	}
	return command
}

func write(ctx context.Context, o options, log io.Writer) error {
	chosen, err := choose(targets(), o.only)
	if err != nil {
		return err
	}
	if o.version == "" {
		if o.version, err = chartVersion("charts/ctr-operator/Chart.yaml"); err != nil {
			return err
		}
	}
	if o.out, err = filepath.Abs(o.out); err != nil {
		return err
	}
	indexFile := filepath.Join(o.out, "images.json")
	index, err := oci.ReadIndex(indexFile)
	if err != nil {
		return err
	}
	for _, t := range chosen {
		entry, err := t.write(ctx, o, index[t.key], log)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(log, "image %s (%.1f MB compressed)\n", entry.Ref, float64(entry.CompressedBytes)/1e6)
		index[t.key] = entry
	}
	return oci.WriteIndex(indexFile, index)
}

// write compiles the program and writes its image.
func (t target) write(ctx context.Context, o options, earlier oci.Entry, log io.Writer) (oci.Entry, error) {
	version := o.version + t.suffix
	tag := o.tag
	if tag != "" {
		tag += t.suffix
	}
	binary := filepath.Join(o.out, "bin", t.key, t.program)
	err := gobuild.Build(ctx, gobuild.Spec{
		Name: t.program, Version: version, Dir: ".", Package: t.path, Output: binary,
		LDFlags: "-s -w -X main.version=" + version,
	}, log)
	if err != nil {
		return oci.Entry{}, err
	}
	image := oci.Static(binary, t.program, version, t.ports...)
	entry, err := oci.Write(o.out, t.key, "ctr-operator/"+t.program, tag, image, earlier)
	if err != nil {
		return oci.Entry{}, err
	}
	if t.limit > 0 && entry.CompressedBytes > t.limit {
		return oci.Entry{}, errors.Join(
			fmt.Errorf("image %s weighs %.1f MB compressed; it must not be over %.0f MB",
				entry.Ref, float64(entry.CompressedBytes)/1e6, float64(t.limit)/1e6),
			os.Remove(entry.Tar),
		)
	}
	return entry, nil
}

func keys(all []target) []string {
	names := make([]string, 0, len(all))
	for _, t := range all {
		names = append(names, t.key)
	}
	return names
}

// choose picks the targets that are asked for; none asked for is all.
func choose(all []target, only []string) ([]target, error) {
	if len(only) == 0 {
		return all, nil
	}
	byKey := map[string]target{}
	for _, t := range all {
		byKey[t.key] = t
	}
	chosen := make([]target, 0, len(only))
	for _, key := range only {
		t, ok := byKey[key]
		if !ok {
			return nil, fmt.Errorf("there is no image %q: want one of %s", key, strings.Join(keys(all), ", "))
		}
		chosen = append(chosen, t)
	}
	return chosen, nil
}

// chartVersion reads the one place of the project's version.
func chartVersion(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the version (run this from the repository's root, or give --version): %w", err)
	}
	var chart struct {
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal(content, &chart); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	if chart.AppVersion == "" {
		return "", fmt.Errorf("%s has no appVersion", file)
	}
	return chart.AppVersion, nil
}
