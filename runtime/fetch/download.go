package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path"
	"time"
)

// source is one object that can be read, from the start or from where the last attempt has got to.
type source interface {
	// open begins a transfer. offset and tag are where the last attempt ended, and what its stream said identifies the
	// content; the source may always begin at 0 instead.
	open(ctx context.Context, offset int64, tag string) (*stream, error)
}

// stream is a running transfer.
type stream struct {
	body   io.ReadCloser
	offset int64  // where in the object the body begins
	size   int64  // of the whole object; negative if unknown
	tag    string // identifies the content for a resumption; empty if that is not possible
}

// retry runs op until it succeeds, fails for good, or the attempts are used up.
func (f *fetcher) retry(ctx context.Context, op func(ctx context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := op(ctx)
		if err == nil {
			return nil
		}
		e := asError(err)
		if !e.transient || attempt >= f.opts.Attempts {
			return e
		}
		wait := f.opts.Backoff(attempt)
		f.opts.OnRetry(attempt, wait, e.at(f.where.String()))
		if f.opts.Sleep(ctx, wait) != nil {
			return e // what has failed says more than that the time is over
		}
	}
}

// download brings the object into the file called name, and counts it against the budget.
func (f *fetcher) download(ctx context.Context, src source, name string) (file, error) {
	if err := f.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return file{}, diskError(err)
	}
	out, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return file{}, diskError(err)
	}
	defer out.Close()
	p := &partial{out: out, hash: sha256.New(), budget: f.budget, limit: f.opts.MaxBytes}
	err = f.retry(ctx, func(ctx context.Context) error { return p.pull(ctx, src, f.opts.IdleTimeout) })
	if err != nil {
		return file{}, err
	}
	if err := out.Close(); err != nil {
		return file{}, diskError(err)
	}
	f.budget -= p.size
	return file{name: name, size: p.size, digest: hex.EncodeToString(p.hash.Sum(nil))}, nil
}

// partial is an object on its way to the disk.
type partial struct {
	out    *os.File
	hash   hash.Hash
	size   int64 // bytes written so far
	tag    string
	budget int64 // bytes that may be written
	limit  int64 // the limit that messages name
}

// pull makes one attempt: from where the last one ended if the source can do that, else from the start.
func (p *partial) pull(parent context.Context, src source, idle time.Duration) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	watch := time.AfterFunc(idle, func() { cancel(errIdle) })
	defer watch.Stop()

	in, err := src.open(ctx, p.size, p.tag)
	if err != nil {
		if errors.Is(err, errUnusableRange) {
			p.tag = ""
		}
		return transportError(ctx, err)
	}
	defer in.body.Close()
	if in.size > p.budget {
		return tooLarge(p.limit)
	}
	if err := p.seek(in.offset); err != nil {
		return diskError(err)
	}
	p.tag = in.tag
	_, err = io.Copy(p, progress{in.body, func() { watch.Reset(idle) }})
	if err != nil {
		return transportError(ctx, err)
	}
	if in.size >= 0 && p.size != in.size {
		return truncated(io.ErrUnexpectedEOF)
	}
	return nil
}

// seek makes the next byte the one at offset, which is the present place or the start.
func (p *partial) seek(offset int64) error {
	if offset == p.size {
		return nil
	}
	if offset != 0 {
		return errors.New("a source has skipped bytes")
	}
	p.size = 0
	p.hash.Reset()
	if err := p.out.Truncate(0); err != nil {
		return err
	}
	_, err := p.out.Seek(0, io.SeekStart)
	return err
}

func (p *partial) Write(b []byte) (int, error) {
	if int64(len(b)) > p.budget-p.size {
		return 0, tooLarge(p.limit)
	}
	n, err := p.out.Write(b)
	p.size += int64(n)
	p.hash.Write(b[:n])
	if err != nil {
		return n, diskError(err)
	}
	return n, nil
}

// progress calls told whenever something has been read.
type progress struct {
	io.Reader
	told func()
}

func (r progress) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if n > 0 {
		r.told()
	}
	return n, err
}
