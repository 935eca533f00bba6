package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ctr-operator/ctr-operator/test/harness/story"
)

var _ = Describe("The demo's story", Label("demo"), func() {
	It("holds all that it claims", func(ctx SpecContext) {
		s := newScene(ctx, "search-ctr")
		result, err := story.Run(ctx, h, s.key, teller{})
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Claims).NotTo(BeEmpty())
		Expect(result.Broken()).To(BeEmpty())
		Expect(result.TotalFailed()).To(BeZero())
	}, SpecTimeout(6*time.Minute))
})

// teller tells the story to the spec's report.
type teller struct{}

func (teller) Step(number int, title string)   { By(fmt.Sprintf("%d. %s", number, title)) }
func (teller) Note(format string, args ...any) { GinkgoWriter.Printf(format+"\n", args...) }
func (teller) Show(title, text string)         { GinkgoWriter.Printf("%s\n%s\n", title, text) }
func (teller) Claim(c story.Claim)             { GinkgoWriter.Printf("%v: %s (%s)\n", c.Held, c.Text, c.Detail) }
