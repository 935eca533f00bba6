package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const mountinfoV1 = `21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 21 0:26 / /sys/fs/cgroup rw,relatime - tmpfs cgroup rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu rw,relatime shared:5 - cgroup cgroup rw,cpu
32 30 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
34 21 0:30 / /var/lib/box/rootfs/sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
35 21 0:31 / /mnt/a\040folder\134x rw,relatime - tmpfs tmpfs rw
`

func TestParseMounts(t *testing.T) {
	mounts := parseMounts(mountinfoV1)
	if len(mounts) != 7 {
		t.Fatalf("%d mounts", len(mounts))
	}
	if got := mounts[2]; got.point != "/sys/fs/cgroup/cpu" || got.kind != "cgroup" {
		t.Errorf("the optional field before the dash confuses: %+v", got)
	}
	if got := mounts[6].point; got != `/mnt/a folder\x` {
		t.Errorf("escapes: %q", got)
	}
}

func TestControlGroupFolders(t *testing.T) {
	groups := controlGroups{name: "node"}
	got := groups.foldersIn(parseMounts(mountinfoV1))
	want := []string{"/sys/fs/cgroup/cpu/node", "/sys/fs/cgroup/systemd/node", "/sys/fs/cgroup/unified/node"}
	if !slices.Equal(got, want) {
		t.Errorf("v1: %q, want %q", got, want)
	}
	const v2 = "30 21 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
	if got := groups.foldersIn(parseMounts(v2)); !slices.Equal(got, []string{"/sys/fs/cgroup/node"}) {
		t.Errorf("v2: %q", got)
	}
}

func TestParseStartTicks(t *testing.T) {
	fields := func(state string) string {
		return "42 (a (b) c) " + state + " 1 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 200"
	}
	if got, err := parseStartTicks(fields("S")); err != nil || got != 98765 {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := parseStartTicks(fields("Z")); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a zombie counts as running: %v", err)
	}
	if _, err := parseStartTicks("garbage"); err == nil {
		t.Error("garbage is accepted")
	}
}

// A pid alone is not an identity: the system gives numbers out again, and then it is somebody else's process.
func TestSupervisorKnowsOnlyItsOwn(t *testing.T) {
	dir := t.TempDir()
	processes := supervisor{records: dir, logs: dir}
	started, err := startTicks(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	own := record{PID: os.Getpid(), Started: started, Boot: bootID()}
	tests := []struct {
		name   string
		change func(*record)
		want   bool
	}{
		{"the same process", func(*record) {}, true},
		{"the number given out again", func(r *record) { r.Started++ }, false},
		{"recorded before a reboot", func(r *record) { r.Boot = "another boot" }, false},
		{"no such process", func(r *record) { r.PID = 1 << 30 }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			changed := own
			test.change(&changed)
			if err := processes.write("daemon", changed); err != nil {
				t.Fatal(err)
			}
			if _, found := processes.find("daemon"); found != test.want {
				t.Errorf("found = %v", found)
			}
		})
	}
	// The last record is of no process: stop removes it and signals nobody.
	if err := processes.stop(t.Context(), "daemon", time.Second); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "daemon.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the record stays: %v", err)
	}
}

func TestIsShim(t *testing.T) {
	n := native{builder{layout: layout{cache: "/cache"}}}
	shim := func(socket string) []byte {
		return []byte(strings.Join([]string{"/x/containerd-shim-runc-v2", "-namespace", "k8s.io", "-address", socket, ""}, "\x00"))
	}
	if !n.isShim(shim(n.layout.containerdSocket())) {
		t.Error("our shim is not known")
	}
	if n.isShim(shim("/run/containerd/containerd.sock")) {
		t.Error("the shim of another containerd is taken for ours")
	}
	if n.isShim([]byte("vi\x00" + n.layout.containerdSocket())) {
		t.Error("any program that names our socket is taken for a shim")
	}
}

// The request ends with the client's half of the connection, and only then does the answer come: both halves have to work.
func TestForwardKeepsHalvesApart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := listen(t)
	go func() {
		for {
			connection, err := server.Accept()
			if err != nil {
				return
			}
			body, _ := io.ReadAll(connection)
			_, _ = fmt.Fprintf(connection, "%d bytes", len(body))
			connection.Close()
		}
	}()
	front := listen(t)
	ended := make(chan error, 1)
	go func() { ended <- forward(ctx, front, server.Addr().String()) }()

	client, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := client.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(client)
	if err != nil || string(answer) != "100000 bytes" {
		t.Errorf("%q, %v", answer, err)
	}

	idle, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("an idle connection keeps the forwarder from ending")
	}
}

func TestForwardClosesWhereNobodyListens(t *testing.T) {
	gone := listen(t)
	address := gone.Addr().String()
	gone.Close()
	front := listen(t)
	go func() { _ = forward(t.Context(), front, address) }()
	client, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if answer, _ := io.ReadAll(client); len(answer) != 0 {
		t.Errorf("answer %q from nobody", answer)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func TestHasCondition(t *testing.T) {
	const node = `{"status":{"conditions":[{"type":"Ready","status":"True"},{"type":"MemoryPressure","status":"False"}]}}`
	tests := []struct {
		object, kind string
		want         bool
	}{
		{node, "Ready", true},
		{node, "MemoryPressure", false},
		{node, "Available", false},
		{"not JSON", "Ready", false},
	}
	for _, test := range tests {
		if got := hasCondition([]byte(test.object), test.kind); got != test.want {
			t.Errorf("%s in %.20s: %v", test.kind, test.object, got)
		}
	}
}

func TestChooseMode(t *testing.T) {
	l := layout{cache: t.TempDir()}
	t.Setenv("CLUSTER", "")
	if err := recordMode(l, modeKind); err != nil {
		t.Fatal(err)
	}
	if got, err := chooseMode(t.Context(), l); err != nil || got != modeKind {
		t.Errorf("what is up counts: %q, %v", got, err)
	}
	t.Setenv("CLUSTER", modeExisting)
	if got, err := chooseMode(t.Context(), l); err != nil || got != modeExisting {
		t.Errorf("what is asked for counts more: %q, %v", got, err)
	}
	t.Setenv("CLUSTER", "minikube")
	if _, err := chooseMode(t.Context(), l); err == nil {
		t.Error("an unknown mode is accepted")
	}
}

func TestTrimContainerScheme(t *testing.T) {
	for id, want := range map[string]string{"containerd://abc": "abc", "abc": "abc"} {
		if got := trimContainerScheme(id); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
}

func TestResolveUsesTheGivenPath(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"program": program, "data": "data", "./program": "./program"} {
		if got := resolve(name, "/nonesuch:"+dir); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestMissingPackages(t *testing.T) {
	here := need{what: "a", debian: []string{"pkg-a"}, missing: func(context.Context) bool { return false }}
	gone := need{what: "b", debian: []string{"pkg-c", "pkg-b"}, missing: func(context.Context) bool { return true }}
	whats, packages := missing(t.Context(), []need{here, gone})
	if !slices.Equal(whats, []string{"b"}) || !slices.Equal(packages, []string{"pkg-b", "pkg-c"}) {
		t.Errorf("%q, %q", whats, packages)
	}
}
