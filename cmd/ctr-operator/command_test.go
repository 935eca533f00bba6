package main

import (
	"bytes"
	"testing"

	. "github.com/onsi/gomega"
)

func TestFlags(t *testing.T) {
	g := NewWithT(t)
	flags := command("1.2.3").Flags()
	for name, value := range map[string]string{
		"metrics-address": ":8080", "health-address": ":8081", "leader-elect": "false", "runtime-image": "",
		"runtime-image-pull-policy": "IfNotPresent", "log-level": "INFO", "namespace": "",
	} {
		flag := flags.Lookup(name)
		g.Expect(flag).NotTo(BeNil(), name)
		g.Expect(flag.DefValue).To(Equal(value), name)
	}
}

func TestRefusesWhatItCannotRunWith(t *testing.T) {
	for message, args := range map[string][]string{
		`required flag(s) "runtime-image" not set`: {},
		`invalid argument "loud"`:                  {"--runtime-image=x", "--log-level=loud"},
		`pull policy "Sometimes"`:                  {"--runtime-image=x", "--runtime-image-pull-policy=Sometimes"},
		`unknown command "run"`:                    {"run"},
	} {
		t.Run(message, func(t *testing.T) {
			cmd := command("1.2.3")
			cmd.SetArgs(args)
			cmd.SetOut(&bytes.Buffer{})
			NewWithT(t).Expect(cmd.ExecuteContext(t.Context())).To(MatchError(ContainSubstring(message)))
		})
	}
}

func TestVersion(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	cmd := command("1.2.3")
	cmd.SetArgs([]string{"--version"})
	cmd.SetOut(&out)
	g.Expect(cmd.ExecuteContext(t.Context())).To(Succeed())
	g.Expect(out.String()).To(ContainSubstring("1.2.3"))
}
