package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// prefix fetches everything below an s3 prefix.
func (f *fetcher) prefix(ctx context.Context, b *bucket, dir string) (Artifact, error) {
	objects, err := f.list(ctx, b)
	if err != nil {
		return Artifact{}, err
	}
	files := make([]file, 0, len(objects))
	for _, o := range objects {
		name := strings.TrimPrefix(o.key, f.where.key)
		got, err := f.download(ctx, b.object(o.key), path.Join(artifactDir, name))
		if err != nil {
			e := asError(err)
			e.Message = name + ": " + e.Message
			return Artifact{}, e
		}
		got.name = name
		files = append(files, got)
	}
	artifact := Artifact{Dir: filepath.Join(dir, artifactDir), Digest: digestOf(files)}
	for _, file := range files {
		artifact.Bytes += file.size
		artifact.Files = append(artifact.Files, file.name)
	}
	slices.Sort(artifact.Files)
	return artifact, f.checkDigest(artifact.Digest)
}

// digestOf is the digest of a bundle, as described for the package.
func digestOf(files []file) string {
	lines := make([]string, 0, len(files))
	for _, f := range files {
		lines = append(lines, f.digest+"  "+f.name+"\n")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// list returns the objects below the prefix, checked against the limits before anything is fetched.
func (f *fetcher) list(ctx context.Context, b *bucket) ([]listed, error) {
	var all []listed
	var token *string
	// A page without anything new does not end the listing; that there is an end must not be up to the server.
	for pages := 0; pages == 0 || token != nil; pages++ {
		if pages > f.opts.MaxFiles {
			return nil, tooManyFiles(f.opts.MaxFiles)
		}
		var page []listed
		var next *string
		err := f.retry(ctx, func(ctx context.Context) (err error) {
			page, next, err = b.page(ctx, f.where.key, token, f.opts.MaxFiles+1)
			return err
		})
		if err != nil {
			return nil, err
		}
		token = next
		// What ends in a slash is how some tools mark a folder.
		all = append(all, slices.DeleteFunc(page, func(o listed) bool { return strings.HasSuffix(o.key, "/") })...)
		if len(all) > f.opts.MaxFiles {
			return nil, tooManyFiles(f.opts.MaxFiles)
		}
	}
	return all, f.checkListing(all)
}

func (f *fetcher) checkListing(objects []listed) error {
	if len(objects) == 0 {
		return newError(contract.ReasonArtifactNotFound, nil,
			"there is no object below this prefix: check the URL; without the / at the end it means a single object")
	}
	var total int64
	parents, names := map[string]bool{}, map[string]bool{}
	for _, o := range objects {
		name := strings.TrimPrefix(o.key, f.where.key)
		if !usablePath(name) {
			return newError(contract.ReasonArtifactUnsafe, nil, "the object %.100q cannot be a file below a directory", name)
		}
		if names[name] {
			return newError(contract.ReasonArtifactMalformed, nil, "the server lists the object %.100q twice: check %s",
				name, contract.EnvEndpoint)
		}
		names[name] = true
		if total += o.size; o.size < 0 || total > f.opts.MaxBytes {
			return tooLarge(f.opts.MaxBytes)
		}
		for parent := path.Dir(name); parent != "." && !parents[parent]; parent = path.Dir(parent) {
			parents[parent] = true
		}
	}
	for _, o := range objects {
		if name := strings.TrimPrefix(o.key, f.where.key); parents[name] {
			return newError(contract.ReasonArtifactMalformed, nil,
				"the object %.100q is there beside objects below %.100q: it cannot be both file and directory", name, name+"/")
		}
	}
	return nil
}
