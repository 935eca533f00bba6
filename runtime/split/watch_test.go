package split

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// mount is a directory as the kubelet makes one of a ConfigMap: the file is a link into a directory that is swapped.
type mount struct {
	t   *testing.T
	dir string
}

func newMount(t *testing.T, content []byte) *mount {
	t.Helper()
	m := &mount{t, t.TempDir()}
	if content != nil {
		m.swap("..1", content)
		m.must(os.Symlink("..data/traffic.json", m.path()))
	}
	return m
}

func (m *mount) path() string { return filepath.Join(m.dir, contract.TrafficKey) }

func (m *mount) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// swap puts new content in the place of the old.
func (m *mount) swap(version string, content []byte) {
	m.t.Helper()
	in := func(name string) string { return filepath.Join(m.dir, name) }
	m.must(os.Mkdir(in(version), 0o755))
	m.must(os.WriteFile(filepath.Join(in(version), contract.TrafficKey), content, 0o600))
	old, _ := os.Readlink(in("..data"))
	m.must(os.Symlink(version, in("..data_tmp")))
	m.must(os.Rename(in("..data_tmp"), in("..data")))
	if old != "" {
		m.must(os.RemoveAll(in(old)))
	}
}

// events is a Recorder that tells of what happens, in order.
type events chan string

func (e events) TableLoaded(_, table *contract.TrafficTable, hash string) {
	switch {
	case (table == nil) != (hash == ""):
		e <- "a hash without a table, or the other way round"
	case table == nil:
		e <- "none"
	default:
		e <- table.Salt
	}
}

func (e events) TableRejected() { e <- "rejected" }

func (e events) want(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-e:
		if got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing happened; want %s", want)
	}
}

func tableJSON(t *testing.T, salt string) []byte {
	t.Helper()
	tt := table(10)
	tt.Salt = salt
	b, err := json.Marshal(tt)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func startWatch(t *testing.T, path string) (*Watcher, events) {
	t.Helper()
	e := make(events, 100)
	w, err := Watch(path, "m", slog.New(slog.DiscardHandler), e)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx, func() { e <- "changed" }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w, e
}

func salt(w *Watcher) string {
	if w.Table() == nil {
		return "none"
	}
	return w.Table().Salt
}

func TestWatchFollowsAConfigMap(t *testing.T) {
	m := newMount(t, tableJSON(t, "one"))
	w, e := startWatch(t, m.path())
	e.want(t, "one")
	for i, s := range []string{"two", "three", "four"} {
		m.swap("..v"+string(rune('a'+i)), tableJSON(t, s))
		e.want(t, s)
		e.want(t, "changed")
		if salt(w) != s {
			t.Fatalf("the table is %s", salt(w))
		}
	}
}

func TestWatchKeepsTheLastGoodTable(t *testing.T) {
	m := newMount(t, tableJSON(t, "one"))
	w, e := startWatch(t, m.path())
	e.want(t, "one")
	for i, bad := range []string{`{`, ``, `[]`, `{"model":"m"}`, string(tableJSON(t, "x")) + "x", `{"model":"other"}`} {
		m.swap("..bad"+string(rune('a'+i)), []byte(bad))
		e.want(t, "rejected")
		if salt(w) != "one" {
			t.Fatalf("%q: the table is %s", bad, salt(w))
		}
	}
	m.swap("..good", tableJSON(t, "two"))
	e.want(t, "two")
}

func TestWatchWithoutAFile(t *testing.T) {
	m := newMount(t, nil)
	w, e := startWatch(t, m.path())
	e.want(t, "none")
	m.must(os.WriteFile(filepath.Join(m.dir, "new"), tableJSON(t, "one"), 0o600))
	m.must(os.Rename(filepath.Join(m.dir, "new"), m.path()))
	e.want(t, "one")
	e.want(t, "changed")
	m.must(os.Remove(m.path()))
	e.want(t, "none")
	if w.Table() != nil {
		t.Error("there is a table")
	}
}

func TestWatchStartsWithABadTable(t *testing.T) {
	m := newMount(t, []byte(`{`))
	w, e := startWatch(t, m.path())
	e.want(t, "rejected")
	if w.Table() != nil {
		t.Error("there is a table")
	}
	m.swap("..good", tableJSON(t, "one"))
	e.want(t, "one")
}

func TestWatchWithoutADirectory(t *testing.T) {
	if _, err := Watch(filepath.Join(t.TempDir(), "no", "table.json"), "m", slog.New(slog.DiscardHandler), make(events, 1)); err == nil {
		t.Error("no error")
	}
}

func TestWatchRefusesHugeTables(t *testing.T) {
	m := newMount(t, append(tableJSON(t, "one"), make([]byte, maxTable)...))
	_, e := startWatch(t, m.path())
	e.want(t, "rejected")
}
