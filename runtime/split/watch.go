package split

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// maxTable bounds what is read as a table; a ConfigMap cannot hold more.
const maxTable = 1 << 20

// Recorder is told what becomes of the table.
type Recorder interface {
	TableLoaded(old, table *contract.TrafficTable, hash string)
	TableRejected()
}

// Watcher keeps the table of a file current. It watches the file's directory, since Kubernetes replaces a mounted
// ConfigMap by swapping a symbolic link beside the file.
//
// A file that is not there means that there is no table. A table that cannot be used is logged and counted, and the last
// good one stays.
type Watcher struct {
	path, model string
	log         *slog.Logger
	recorder    Recorder

	current atomic.Pointer[contract.TrafficTable]
	notify  *fsnotify.Watcher
	// seen is the hash of what was last read, good or bad; only Watch and Run touch it.
	seen string
}

// Watch reads the table once, and is ready to follow it. Run does that; Close ends it where Run is not reached.
func Watch(path, model string, log *slog.Logger, recorder Recorder) (*Watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching the traffic table: %w", err)
	}
	// The watch comes before the first read, so that no change falls between them.
	if err := notify.Add(filepath.Dir(path)); err != nil {
		return nil, errors.Join(fmt.Errorf("watching the directory of the traffic table %s: %w", path, err), notify.Close())
	}
	w := &Watcher{path: path, model: model, log: log, recorder: recorder, notify: notify, seen: "never"}
	w.reload()
	return w, nil
}

// Table is the table in use, nil where there is none. It must not be changed.
func (w *Watcher) Table() *contract.TrafficTable { return w.current.Load() }

// Close gives up the watch.
func (w *Watcher) Close() error { return w.notify.Close() }

// Run follows the file until ctx ends, and calls changed after each change of the table in use.
func (w *Watcher) Run(ctx context.Context, changed func()) error {
	defer w.notify.Close() // nothing is left to be done with it
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-w.notify.Events:
			if !ok {
				return errors.New("the watch of the traffic table has ended")
			}
			w.follow(changed)
		case err, ok := <-w.notify.Errors:
			if !ok {
				return errors.New("the watch of the traffic table has ended")
			}
			// Events may have been lost: what counts is the file as it is now.
			w.log.Warn("watching the traffic table", "path", w.path, "error", err)
			w.follow(changed)
		}
	}
}

func (w *Watcher) follow(changed func()) {
	before := w.Table()
	w.reload()
	if w.Table() != before {
		changed()
	}
}

// reload takes the file's content into use, if it is new.
func (w *Watcher) reload() {
	content, err := readFile(w.path)
	hash := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		// Reading may be half-way into a swap; the next event brings another try.
		hash = "unreadable: " + err.Error()
	default:
		sum := sha256.Sum256(content)
		hash = hex.EncodeToString(sum[:6])
	}
	if hash == w.seen {
		return
	}
	w.seen = hash
	if hash == "" {
		w.log.Info("there is no traffic table: every request is answered here", "path", w.path)
		w.use(nil, "")
		return
	}
	table, err := parse(content, w.model, err)
	if err != nil {
		w.recorder.TableRejected()
		w.log.Error("the traffic table cannot be used, the last one stays", "path", w.path, "error", err)
		return
	}
	w.log.Info("traffic table", "hash", hash, "revisions", table.Revisions)
	w.use(table, hash)
}

func (w *Watcher) use(table *contract.TrafficTable, hash string) {
	w.recorder.TableLoaded(w.current.Swap(table), table, hash)
}

func parse(content []byte, model string, readErr error) (*contract.TrafficTable, error) {
	if readErr != nil {
		return nil, readErr
	}
	table := new(contract.TrafficTable)
	if err := json.Unmarshal(content, table); err != nil {
		return nil, err
	}
	if err := Validate(table, model); err != nil {
		return nil, err
	}
	return table, nil
}

func readFile(path string) (content []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	content, err = io.ReadAll(io.LimitReader(f, maxTable+1))
	if err == nil && len(content) > maxTable {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxTable)
	}
	return content, err
}
