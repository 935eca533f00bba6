package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ctr-operator/ctr-operator/hack/internal/gobuild"
	"github.com/ctr-operator/ctr-operator/hack/internal/oci"
)

// builder compiles pinned programs into the cache.
type builder struct {
	layout layout
	log    io.Writer
}

// programs compiles what is not there yet and says how much that was.
func (b builder) programs(ctx context.Context, names []string) error {
	specs, err := b.stale(ctx, names)
	if err != nil {
		return err
	}
	if len(specs) == 0 {
		return nil
	}
	if err := b.osPackages(ctx, specs); err != nil {
		return err
	}
	begun := time.Now()
	say(b.log, "building %d of %d programs from their Go modules; each later run reuses them", len(specs), len(names))
	for i, spec := range specs {
		say(b.log, "[%d/%d] %s %s", i+1, len(specs), spec.Name, spec.Version)
		if _, err := gobuild.BuildPinned(ctx, spec, b.log); err != nil {
			return err
		}
	}
	say(b.log, "built %d programs in %s into %s", len(specs), time.Since(begun).Round(time.Second), b.layout.bin())
	return nil
}

// stale lists the programs whose binary is missing or was made from something else.
func (b builder) stale(ctx context.Context, names []string) ([]gobuild.Spec, error) {
	modules, err := modulesDir(ctx)
	if err != nil {
		return nil, err
	}
	programs, err := lookup(names)
	if err != nil {
		return nil, err
	}
	var specs []gobuild.Spec
	for _, p := range programs {
		spec, err := p.spec(modules, b.layout.bin())
		if err != nil {
			return nil, err
		}
		fresh, err := gobuild.Fresh(spec)
		if err != nil {
			return nil, err
		}
		if !fresh {
			specs = append(specs, spec)
		}
	}
	return specs, nil
}

// osPackages makes sure of the C compiler and the header that the one cgo program needs.
func (b builder) osPackages(ctx context.Context, specs []gobuild.Spec) error {
	for _, spec := range specs {
		if spec.CGO {
			return ensureOSPackages(ctx, b.log, cgoNeeds())
		}
	}
	return nil
}

// self puts this program itself into the cache: the forwarder is one of its processes and outlives `go run`, and scripts that
// call it often save the time of `go run`.
func (b builder) self() error {
	running, err := os.Executable()
	if err != nil {
		return err
	}
	target := b.layout.bin("ctr-cluster")
	if running == target {
		return nil
	}
	content, err := os.ReadFile(running)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	fresh := target + ".new"
	if err := os.WriteFile(fresh, content, 0o755); err != nil {
		return err
	}
	return os.Rename(fresh, target)
}

// systemImage is an image that the cluster itself, or a demo in it, runs.
type systemImage struct {
	program string
	ports   []string
}

func systemImages(mode string) []systemImage {
	storage := systemImage{program: "versitygw", ports: []string{"7070/tcp"}}
	if mode != modeNative {
		return []systemImage{storage}
	}
	return []systemImage{{program: "pause"}, {program: "coredns", ports: []string{"53/udp", "53/tcp"}}, storage}
}

const pauseTag = "1"

// ref is the image's name; its version is the program's.
func (i systemImage) ref(modules string) (repository, tag string, err error) {
	programs, err := lookup([]string{i.program})
	if err != nil {
		return "", "", err
	}
	version, err := pinnedVersion(filepath.Join(modules, programs[0].module), programs[0].source)
	if err != nil {
		return "", "", err
	}
	if version == "" {
		version = pauseTag
	}
	return "ctr-operator/" + i.program, trimV(version), nil
}

// systemImages writes the archives of a mode's images, those that have changed, and lists them all.
func (b builder) systemImages(ctx context.Context, mode string) (map[string]oci.Entry, error) {
	modules, err := modulesDir(ctx)
	if err != nil {
		return nil, err
	}
	indexFile := filepath.Join(b.layout.images(), "images.json")
	index, err := oci.ReadIndex(indexFile)
	if err != nil {
		return nil, err
	}
	wanted := map[string]oci.Entry{}
	for _, image := range systemImages(mode) {
		repository, tag, err := image.ref(modules)
		if err != nil {
			return nil, err
		}
		content := oci.Static(b.layout.bin(image.program), image.program, tag, image.ports...)
		entry, err := oci.Write(b.layout.images(), image.program, repository, tag, content, index[image.program])
		if err != nil {
			return nil, err
		}
		if entry != index[image.program] {
			say(b.log, "image %s (%.1f MB compressed)", entry.Ref, float64(entry.CompressedBytes)/1e6)
		}
		index[image.program], wanted[image.program] = entry, entry
	}
	return wanted, oci.WriteIndex(indexFile, index)
}

func trimV(version string) string {
	if len(version) > 0 && version[0] == 'v' {
		return version[1:]
	}
	return version
}

func say(log io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(log, format+"\n", args...)
}
