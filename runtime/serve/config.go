package serve

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Config is everything that shapes a serving process. Its zero values are not defaults: start from Defaults, or let
// Command fill it from flags.
type Config struct {
	// Model is the name under which requests address the model.
	Model string
	// ModelType is what the manifest calls the model: "LogisticRegression" or "WideAndDeep"; empty takes what the artifact is.
	ModelType   string
	ArtifactURL string
	// ArtifactFormat is what wrote the artifact: "sklearn", "keras", "savedmodel" or "onnx"; empty means that its content tells.
	ArtifactFormat string
	// SHA256 is the artifact's expected digest in hex; empty accepts any.
	SHA256 string
	// Revision and RevisionNumber are this process's place in the traffic table.
	Revision       string
	RevisionNumber int64
	// TrafficFile is the traffic table; empty means that there is no split and everything is answered here.
	TrafficFile string

	RESTAddress       string
	OperationsAddress string

	// ArtifactDir is where the artifact is unpacked; empty means a temporary directory that is removed at the end.
	ArtifactDir      string
	MaxArtifactBytes int64
	// StartupTimeout bounds everything before readiness.
	StartupTimeout time.Duration

	MaxRequestBytes int64
	MaxBatchSize    int
	ForwardTimeout  time.Duration
	DrainTimeout    time.Duration
	// DrainQuiet is how long no client may have been connected before a drain is over ahead of its timeout. Not everybody
	// hears at once that this process goes.
	DrainQuiet time.Duration

	// TerminationLog is the file that takes the reason why the process could not serve; empty means none.
	TerminationLog string
	LogLevel       slog.Level

	// Version is the program's, for logs and metrics.
	Version string
	// Wrap is put around the handler of the REST port, inside of the drain and outside of everything else. It is for
	// embedders, and for tests that inject faults; nil means none.
	Wrap func(http.Handler) http.Handler
	// Logger replaces the JSON log on standard error.
	Logger *slog.Logger
	// OnListening is told the operations port's address as soon as it is open, before the artifact is fetched; OnReady
	// both addresses, once the model is ready. Tests that listen on port 0 need them.
	OnListening func(operations net.Addr)
	OnReady     func(rest, operations net.Addr)
}

// Defaults are the values that flags start from.
func Defaults() Config {
	return Config{
		RevisionNumber:    1,
		RESTAddress:       ":8501",
		OperationsAddress: ":8502",
		MaxArtifactBytes:  1 << 30,
		StartupTimeout:    5 * time.Minute,
		MaxRequestBytes:   1 << 20,
		MaxBatchSize:      1024,
		ForwardTimeout:    500 * time.Millisecond,
		DrainTimeout:      20 * time.Second,
		DrainQuiet:        3 * time.Second,
		LogLevel:          slog.LevelInfo,
	}
}

// AddFlags makes a flag of each setting that a person or the operator writes.
func (c *Config) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&c.Model, "model", c.Model, "name of the model in request paths (required)")
	f.StringVar(&c.ModelType, "model-type", c.ModelType,
		"type of the model: LogisticRegression or WideAndDeep (default what the artifact is)")
	f.StringVar(&c.ArtifactURL, "artifact-url", c.ArtifactURL, "where the artifact is: s3://, http://, https:// or data: (required)")
	f.StringVar(&c.ArtifactFormat, "artifact-format", c.ArtifactFormat,
		"what wrote the artifact: sklearn, keras, savedmodel or onnx (default what its content tells)")
	f.StringVar(&c.SHA256, "sha256", c.SHA256, "expected digest of the artifact in hex")
	f.StringVar(&c.Revision, "revision", c.Revision, "name of this revision in the traffic table")
	f.Int64Var(&c.RevisionNumber, "revision-number", c.RevisionNumber, "number of this revision, reported with every prediction")
	f.StringVar(&c.TrafficFile, "traffic-file", c.TrafficFile, "traffic table; without one, every request is answered here")
	f.StringVar(&c.RESTAddress, "rest-address", c.RESTAddress, "address that users reach")
	f.StringVar(&c.OperationsAddress, "operations-address", c.OperationsAddress, "address of probes and metrics")
	f.StringVar(&c.ArtifactDir, "artifact-dir", c.ArtifactDir, "directory for the artifact (default a temporary one)")
	f.Int64Var(&c.MaxArtifactBytes, "max-artifact-bytes", c.MaxArtifactBytes, "largest artifact that is fetched")
	f.DurationVar(&c.StartupTimeout, "startup-timeout", c.StartupTimeout, "time for fetching, loading and proving the model")
	f.Int64Var(&c.MaxRequestBytes, "max-request-bytes", c.MaxRequestBytes, "largest request body")
	f.IntVar(&c.MaxBatchSize, "max-batch-size", c.MaxBatchSize, "most examples in a batch")
	f.DurationVar(&c.ForwardTimeout, "forward-timeout", c.ForwardTimeout,
		"time for the canary's answer before this revision answers itself")
	f.DurationVar(&c.DrainTimeout, "drain-timeout", c.DrainTimeout, "time for clients to leave after SIGTERM")
	f.StringVar(&c.TerminationLog, "termination-log", c.TerminationLog, "file for the reason why the model could not be served")
	f.TextVar(&c.LogLevel, "log-level", c.LogLevel, "debug, info, warn or error")
}

// Validate says what cannot be served, naming the flags.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Model != "", "--model is required")
	check(!strings.ContainsAny(c.Model, "/:"), "--model must not contain '/' or ':'")
	check(c.ArtifactURL != "", "--artifact-url is required")
	check(c.RevisionNumber > 0, "--revision-number must be at least 1, not %d", c.RevisionNumber)
	check(c.TrafficFile == "" || c.Revision != "", "--revision is required with --traffic-file")
	check(c.MaxArtifactBytes > 0, "--max-artifact-bytes must be positive, not %d", c.MaxArtifactBytes)
	check(c.MaxRequestBytes > 0, "--max-request-bytes must be positive, not %d", c.MaxRequestBytes)
	check(c.MaxBatchSize > 0, "--max-batch-size must be positive, not %d", c.MaxBatchSize)
	check(c.StartupTimeout > 0, "--startup-timeout must be positive, not %s", c.StartupTimeout)
	check(c.ForwardTimeout > 0, "--forward-timeout must be positive, not %s", c.ForwardTimeout)
	check(c.DrainTimeout >= 0, "--drain-timeout must not be negative, but is %s", c.DrainTimeout)
	return errors.Join(errs...)
}
