// Package gobuild compiles Go programs for the development tools: it tells how far it is while it does, and does nothing where
// the output is already what the inputs would give. Only the output and its stamp are written.
package gobuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"
)

// Spec says what to compile and how.
type Spec struct {
	Name    string // for messages
	Version string // for messages
	Dir     string // of the module (or of a folder in it) that Package is resolved in
	Package string
	Output  string
	LDFlags string
	Tags    string
	CGO     bool
}

// Args is the go command's argument list for the spec.
func (s Spec) Args() []string {
	args := []string{"build", "-C", s.Dir, "-trimpath", "-buildvcs=false", "-mod=readonly", "-v"}
	if s.Tags != "" {
		args = append(args, "-tags", s.Tags)
	}
	return append(args, "-ldflags", s.LDFlags, "-o", s.Output, s.Package)
}

// Build compiles the spec. Progress goes to log at least every ten seconds; compiler output only where the build fails.
func Build(ctx context.Context, spec Spec, log io.Writer) error {
	if err := os.MkdirAll(filepath.Dir(spec.Output), 0o755); err != nil {
		return err
	}
	// The go command replaces the output, so that a running program keeps its file, and leaves one that is up to date alone.
	command := exec.CommandContext(ctx, "go", spec.Args()...)
	command.Env = environment(spec.CGO)
	watch := newWatch(log, strings.TrimSpace(spec.Name+" "+spec.Version))
	command.Stdout, command.Stderr = watch, watch
	stop := watch.start()
	err := command.Run()
	stop()
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", spec.Name, err, watch.tail())
	}
	_, err = fmt.Fprintf(log, "built %s in %s\n", watch.name, watch.elapsed())
	return err
}

// environment is the caller's, without what would make two machines build two different things.
func environment(cgo bool) []string {
	var kept []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "CGO_ENABLED", "GOFLAGS", "GOWORK", "GOOS":
		default:
			kept = append(kept, entry)
		}
	}
	enabled := "CGO_ENABLED=0"
	if cgo {
		enabled = "CGO_ENABLED=1"
	}
	return append(kept, enabled, "GOFLAGS=", "GOWORK=off")
}

// Fingerprint names everything that decides the output of a pinned module: the toolchain, the flags, go.mod and go.sum, and the
// sources in the module's own folder.
func Fingerprint(spec Spec) (string, error) {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s %s/%s\n%q\n%v %q\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		Spec{Package: spec.Package, LDFlags: spec.LDFlags, Tags: spec.Tags}.Args(), spec.CGO, spec.Version)
	entries, err := os.ReadDir(spec.Dir)
	if err != nil {
		return "", err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(spec.Dir, entry.Name()))
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(sum, "%s %d\n", entry.Name(), len(content))
		_, _ = sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Fresh says whether the output is there and was made from the same fingerprint.
func Fresh(spec Spec) (bool, error) {
	fingerprint, err := Fingerprint(spec)
	if err != nil {
		return false, err
	}
	stamped, err := os.ReadFile(stampPath(spec.Output))
	if err != nil || strings.TrimSpace(string(stamped)) != fingerprint {
		return false, nil //nolint:nilerr // no readable stamp is the normal state of a cold cache
	}
	_, err = os.Stat(spec.Output)
	return err == nil, nil
}

// BuildPinned is Build for a module whose go.mod pins everything: where the stamp beside the output matches, it does nothing.
func BuildPinned(ctx context.Context, spec Spec, log io.Writer) (built bool, err error) {
	fresh, err := Fresh(spec)
	if err != nil || fresh {
		return false, err
	}
	stamp := stampPath(spec.Output)
	// From here on, until it is built, the output is not what the old stamp says.
	if err := os.Remove(stamp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	if err := Build(ctx, spec, log); err != nil {
		return false, err
	}
	fingerprint, err := Fingerprint(spec)
	if err != nil {
		return true, err
	}
	if err := os.MkdirAll(filepath.Dir(stamp), 0o755); err != nil {
		return true, err
	}
	return true, os.WriteFile(stamp, []byte(fingerprint+"\n"), 0o644)
}

func stampPath(output string) string {
	return filepath.Join(filepath.Dir(output), ".stamps", filepath.Base(output))
}

// roundElapsed is a duration as people read it on a terminal.
func roundElapsed(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
