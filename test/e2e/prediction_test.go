package e2e

import (
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

// seedArtifact is a real model of another project, which is not part of this repository.
const seedArtifact = "../shared/data/seed-lr/ctr_model.pkl"

type inputs struct {
	Query    string  `json:"query"`
	DocID    string  `json:"doc_id"`
	Position int     `json:"position"`
	Score    float64 `json:"score"`
	Summary  string  `json:"summary"`
}

var _ = Describe("A real artifact", Label("prediction"), func() {
	It("answers through the Service what its parameters say", func(ctx SpecContext) {
		content, err := os.ReadFile(filepath.Join(h.Root, seedArtifact))
		if os.IsNotExist(err) {
			Skip("there is no " + seedArtifact + " beside the repository")
		}
		Expect(err).NotTo(HaveOccurred())

		s := newScene(ctx, "seed")
		url, err := h.PutObject(ctx, "e2e/seed/ctr_model.pkl", content)
		Expect(err).NotTo(HaveOccurred())
		s.create(ctx, s.model(url))
		s.eventually(ctx, "the seed artifact serves", harness.Ready(), harness.Stable(1))

		// Computed in exact arithmetic from the parameters in the file, and rounded.
		for _, row := range []struct {
			inputs inputs
			want   float64
		}{
			{inputs{"人工智能", "d", 1, 0.8, "人工智能技术介绍"}, 1.1973463959775956e-07},
			{inputs{"artificial intelligence", "d", 1, 0.8, "AI technology introduction"}, 1.3551280230711540e-07},
			{inputs{"deep learning", "d", 2, 0.7, "DL introduction"}, 7.7799228833763188e-07},
			{inputs{"", "d", 1, 0, ""}, 5.5257607306555911e-05},
		} {
			got, revision := s.predict(ctx, row.inputs)
			Expect(got).To(BeNumerically("~", row.want, 1e-12*row.want), "%+v", row.inputs)
			Expect(revision).To(Equal("1"))
		}
	}, SpecTimeout(2*time.Minute))
})

var _ = Describe("A canary at 0 %", Label("prediction"), func() {
	It("gets no traffic, and answers under its own address", func(ctx SpecContext) {
		s := newScene(ctx, "preview")
		s.givenStable(ctx)
		s.givenCanary(ctx, 0)

		Expect(s.ask(ctx, 1000, 1000).Revisions).To(Equal(map[int64]int{1: 1000}))
		traffic := s.status(ctx).Traffic
		Expect(traffic).To(HaveLen(2))
		for _, t := range traffic {
			sum, err := h.Load(ctx, load.Config{URL: t.URL, Model: s.key.Name, Requests: 100, Connections: 2})
			Expect(err).NotTo(HaveOccurred())
			expectNoFailures(sum)
			Expect(sum.Revisions).To(Equal(map[int64]int{t.Number: 100}), t.URL)
		}
	}, SpecTimeout(2*time.Minute))
})

var _ = Describe("The chart", Label("chart"), func() {
	It("passes its own test: a prediction from a model of its own", func(ctx SpecContext) {
		said, err := h.TestRelease(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(said).To(ContainSubstring("ctr_score"))
	}, SpecTimeout(4*time.Minute))
})
