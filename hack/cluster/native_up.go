package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/ctr-operator/ctr-operator/hack/internal/oci"
)

const (
	startPatience = 120 * time.Second
	pollEvery     = 100 * time.Millisecond
	loopback      = "127.0.0.1"
)

func (n native) up(ctx context.Context) error {
	if err := requireRoot(); err != nil {
		return err
	}
	if err := ensureOSPackages(ctx, n.log, nodeNeeds()); err != nil {
		return err
	}
	if err := n.programs(ctx, wanted(modeNative)); err != nil {
		return err
	}
	if err := n.self(); err != nil {
		return err
	}
	images, err := n.systemImages(ctx, modeNative)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := n.clearLeftovers(ctx); err != nil {
		return err
	}
	if err := n.prepare(ctx, images); err != nil {
		return err
	}
	if err := n.run(ctx, images); err != nil {
		return err
	}
	say(n.log, "the cluster is up (%s)\n  export KUBECONFIG=%s\n  export PATH=%s:$PATH",
		time.Since(begun).Round(100*time.Millisecond), n.layout.kubeconfig(), n.layout.bin())
	return nil
}

func (n native) preparedMark() string { return n.layout.state("prepared") }

// clearLeftovers removes what a reboot or an interrupted run left: a cluster is taken up again only where its network is there
// and its preparation was finished in this boot.
func (n native) clearLeftovers(ctx context.Context) error {
	if _, err := os.Stat(n.layout.state()); errors.Is(err, os.ErrNotExist) && !n.network().exists() {
		return nil
	}
	mark, err := os.ReadFile(n.preparedMark())
	if err == nil && string(mark) == bootID() && n.network().exists() {
		return nil
	}
	say(n.log, "removing what is left of an earlier cluster")
	return n.down(ctx)
}

// prepare makes everything that the processes need; where that is done, nothing.
func (n native) prepare(ctx context.Context, images map[string]oci.Entry) error {
	if _, err := os.Stat(n.preparedMark()); err == nil {
		return nil
	}
	for _, dir := range []string{n.layout.state("kubeconfigs"), n.layout.runDir("s")} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return err
		}
	}
	if err := recordMode(n.layout, modeNative); err != nil {
		return err
	}
	if err := n.writeIdentities(time.Now()); err != nil {
		return err
	}
	if err := newSettings(n.layout, images["pause"].Ref, images["coredns"].Ref).write(n.layout); err != nil {
		return err
	}
	if err := saveSysctls(n.layout.state("sysctls.json")); err != nil {
		return err
	}
	raiseInotify()
	if err := n.controlGroups().create(); err != nil {
		return fmt.Errorf("control groups: %w", err)
	}
	if err := n.network().create(ctx); err != nil {
		return err
	}
	return os.WriteFile(n.preparedMark(), []byte(bootID()), 0o644)
}

// writeIdentities writes the certificates and the kubeconfigs that are used inside of the node.
func (n native) writeIdentities(now time.Time) error {
	pki, inside := n.layout.state("pki"), "https://"+net.JoinHostPort(loopback, apiPort)
	if err := writeCertificates(pki, now); err != nil {
		return err
	}
	for _, user := range kubeconfigUsers() {
		if err := writeKubeconfig(n.layout.state("kubeconfigs", user), inside, pki, user); err != nil {
			return err
		}
	}
	return writeKubeconfig(n.layout.nodeKubeconfig(), inside, pki, "admin")
}

// run starts what does not run, and waits until a pod could be scheduled and find a Service by its name.
func (n native) run(ctx context.Context, images map[string]oci.Entry) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, fmt.Errorf("the cluster is not up after %s", startPatience))
	defer cancel()
	starting := &startup{processes: n.supervisor(), running: map[string]<-chan error{}}
	if err := starting.ensure(storeAndRuntime(n.layout)); err != nil {
		return err
	}
	server, err := n.ensureForwarder(ctx, starting)
	if err != nil {
		return err
	}
	client, err := newAPI(server, n.layout.state("pki"))
	if err != nil {
		return err
	}
	if err := starting.wait(ctx, "containerd", n.containerdAnswers); err != nil {
		return err
	}
	if err := n.loadMissing(ctx, images); err != nil {
		return err
	}
	if err := starting.wait(ctx, "the API server", client.ready); err != nil {
		return err
	}
	say(n.log, "the API server is ready")
	if err := starting.ensure(controllersAndNode(n.layout)); err != nil {
		return err
	}
	if err := n.applyDNS(ctx); err != nil {
		return err
	}
	return n.waitForNode(ctx, starting, client)
}

func (n native) waitForNode(ctx context.Context, starting *startup, client *api) error {
	steps := []struct {
		what string
		done func(context.Context) bool
	}{
		{"the node to be Ready", func(ctx context.Context) bool {
			return client.condition(ctx, "/api/v1/nodes/"+nodeName, "Ready")
		}},
		{"the default service account", func(ctx context.Context) bool {
			return client.exists(ctx, "/api/v1/namespaces/default/serviceaccounts/default")
		}},
		{"the cluster's DNS", func(ctx context.Context) bool {
			return client.condition(ctx, "/apis/apps/v1/namespaces/kube-system/deployments/coredns", "Available")
		}},
	}
	for _, step := range steps {
		if err := starting.wait(ctx, step.what, step.done); err != nil {
			return err
		}
	}
	say(n.log, "node %s is Ready, DNS answers", nodeName)
	return nil
}

// ensureForwarder makes the API server reachable from the machine's loopback. The port stays the same as long as it is free, so
// that a kubeconfig in somebody's shell stays good.
func (n native) ensureForwarder(ctx context.Context, starting *startup) (server string, err error) {
	portFile := n.layout.state("port")
	recorded, _ := os.ReadFile(portFile) // none yet: any port will do
	port := strings.TrimSpace(string(recorded))
	if _, alive := starting.processes.find("forwarder"); alive && port != "" {
		return "https://" + net.JoinHostPort(loopback, port), nil
	}
	listener, err := listenOnLoopback(ctx, port)
	if err != nil {
		return "", err
	}
	defer listener.Close() // the forwarder has its own descriptor
	socket, err := listener.File()
	if err != nil {
		return "", err
	}
	defer socket.Close() // see above
	address := listener.Addr().String()
	if _, port, err = net.SplitHostPort(address); err != nil {
		return "", err
	}
	if err := os.WriteFile(portFile, []byte(port+"\n"), 0o644); err != nil {
		return "", err
	}
	server = "https://" + address
	if err := writeKubeconfig(n.layout.kubeconfig(), server, n.layout.state("pki"), "admin"); err != nil {
		return "", err
	}
	return server, starting.ensure([]daemon{{
		name:  "forwarder",
		argv:  []string{n.layout.bin("ctr-cluster"), "forward", net.JoinHostPort(loopback, apiPort)},
		files: []*os.File{socket},
	}})
}

// listenOnLoopback opens the wanted port, or any where it is taken or none is wanted.
func listenOnLoopback(ctx context.Context, wanted string) (*net.TCPListener, error) {
	var listening net.ListenConfig
	var failed error
	for _, port := range []string{wanted, "0"} {
		if port == "" {
			continue
		}
		listener, err := listening.Listen(ctx, "tcp", net.JoinHostPort(loopback, port))
		if err != nil {
			failed = err
			continue
		}
		socket, ok := listener.(*net.TCPListener)
		if !ok {
			return nil, fmt.Errorf("unexpected listener %T", listener)
		}
		return socket, nil
	}
	return nil, failed
}

func (n native) containerdAnswers(ctx context.Context) bool {
	return n.ctr(ctx, "version").Run() == nil
}

// loadMissing imports the cluster's own images, those that are not there yet.
func (n native) loadMissing(ctx context.Context, images map[string]oci.Entry) error {
	output, err := n.ctr(ctx, "images", "list", "--quiet").CombinedOutput()
	if err != nil {
		return fmt.Errorf("list images: %w: %s", err, output)
	}
	present := string(output)
	for _, entry := range images {
		if strings.Contains(present, entry.Ref+"\n") {
			continue
		}
		if err := n.load(ctx, []string{entry.Tar}); err != nil {
			return err
		}
	}
	return nil
}

func (n native) applyDNS(ctx context.Context) error {
	apply, err := n.command(ctx, []string{
		"kubectl", "apply", "--server-side", "--force-conflicts", "--validate=false", "-f", n.layout.state("coredns.yaml"),
	})
	if err != nil {
		return err
	}
	if output, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("apply the cluster's DNS: %w: %s", err, output)
	}
	return nil
}

// startup is the set of processes of which this run knows when they end.
type startup struct {
	processes supervisor
	running   map[string]<-chan error
}

// ensure starts those daemons that do not run.
func (s *startup) ensure(daemons []daemon) error {
	for _, d := range daemons {
		if _, alive := s.processes.find(d.name); alive {
			continue
		}
		ended, err := s.processes.start(d)
		if err != nil {
			return err
		}
		s.running[d.name] = ended
	}
	return nil
}

// wait waits for something, and stops waiting where a process that was started has ended.
func (s *startup) wait(ctx context.Context, what string, done func(context.Context) bool) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		if done(ctx) {
			return nil
		}
		for name, ended := range s.running {
			select {
			case err := <-ended:
				return fmt.Errorf("%s ended while waiting for %s: %w\n%s", name, what, exitError(err), s.processes.logTail(name))
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w (logs: %s)", what, context.Cause(ctx), s.processes.logs)
		case <-ticker.C:
		}
	}
}

// exitError gives an end without an error a name.
func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
