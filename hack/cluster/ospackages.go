package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"strings"
)

// need is something from the operating system that a Go module cannot give.
type need struct {
	what    string
	missing func(context.Context) bool
	debian  []string // packages that bring it
}

// nodeNeeds are what a native node calls at run time.
func nodeNeeds() []need {
	return []need{
		programNeed("ip", "iproute2"),
		programNeed("nft", "nftables"),
		programNeed("nsenter", "util-linux"),
		programNeed("mount", "mount"),
	}
}

// cgoNeeds are what compiling runc with seccomp takes.
func cgoNeeds() []need {
	return []need{
		programNeed("gcc", "gcc", "libc6-dev"),
		programNeed("pkg-config", "pkg-config"),
		{
			what:   "the development files of libseccomp",
			debian: []string{"libseccomp-dev"},
			missing: func(ctx context.Context) bool {
				return exec.CommandContext(ctx, "pkg-config", "--exists", "libseccomp").Run() != nil
			},
		},
	}
}

func programNeed(name string, debian ...string) need {
	return need{what: name, debian: debian, missing: func(context.Context) bool { return !onPath(name) }}
}

func onPath(name string) bool {
	if _, err := exec.LookPath(name); err == nil {
		return true
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if info, err := os.Stat(dir + name); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// ensureOSPackages installs what is missing where it may and knows how, and else says exactly what that is.
func ensureOSPackages(ctx context.Context, log io.Writer, needs []need) error {
	whats, packages := missing(ctx, needs)
	if len(packages) == 0 {
		return nil
	}
	if os.Geteuid() != 0 || !onPath("apt-get") {
		return fmt.Errorf("missing: %s; install them (Debian's packages: %s) and run this again",
			strings.Join(whats, ", "), strings.Join(packages, " "))
	}
	say(log, "installing %s with apt-get", strings.Join(packages, " "))
	if err := aptInstall(ctx, packages); err != nil {
		return err
	}
	if whats, packages = missing(ctx, needs); len(packages) > 0 {
		return fmt.Errorf("still missing after apt-get install: %s (packages %s)",
			strings.Join(whats, ", "), strings.Join(packages, " "))
	}
	return nil
}

func missing(ctx context.Context, needs []need) (whats, packages []string) {
	for _, n := range needs {
		if n.missing(ctx) {
			whats = append(whats, n.what)
			packages = append(packages, n.debian...)
		}
	}
	sort.Strings(packages)
	return whats, packages
}

// aptInstall tries with the package lists as they are first: refreshing them takes longer than the installation.
func aptInstall(ctx context.Context, packages []string) error {
	install := append([]string{"install", "-y", "-q", "--no-install-recommends"}, packages...)
	if apt(ctx, install...) == nil {
		return nil
	}
	if err := apt(ctx, "update", "-q"); err != nil {
		return err
	}
	return apt(ctx, install...)
}

func apt(ctx context.Context, args ...string) error {
	command := exec.CommandContext(ctx, "apt-get", args...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}
