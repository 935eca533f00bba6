package story

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	servingv1alpha1 "github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
	"github.com/ctr-operator/ctr-operator/test/harness"
	"github.com/ctr-operator/ctr-operator/test/testkit/load"
)

// patience is how long a step may take on a slow machine; it usually takes a few seconds.
const patience = 2 * time.Minute

const (
	predictBody = `{"inputs": {"query": "人工智能", "doc_id": "doc-1", "position": 1, "score": 0.8, "summary": "人工智能技术介绍"}}`
	batchBody   = `{"inputs": [
  {"query": "机器学习", "doc_id": "doc-2", "position": 2, "score": 0.65, "summary": "机器学习入门教程"},
  {"query": "deep learning", "doc_id": "doc-6", "position": 2, "score": 0.7, "summary": "DL introduction"}]}`
)

func (s *story) firstVersion(ctx context.Context) error {
	if err := s.upload(ctx, 1); err != nil {
		return err
	}
	if err := s.apply(ctx, s.manifest(1, nil)); err != nil {
		return err
	}
	if err := s.wait(ctx, patience, "Ready", harness.Ready(), harness.Stable(1), harness.NoCanary()); err != nil {
		return err
	}
	if err := s.predictOne(ctx); err != nil {
		return err
	}
	if err := s.predictBatch(ctx); err != nil {
		return err
	}
	s.tell.Note("from here on 500 users ask in the background, 50 times a second over two connections that stay open")
	background, err := s.h.StartLoad(ctx, load.Config{
		URL: s.url(), Model: s.key.Name, Connections: 2, Rate: 50, Keys: 500, KeyHeader: keyHeader, Expect: scores,
	})
	if err != nil {
		return err
	}
	s.background = background
	return background.Flow(ctx, 50)
}

func (s *story) predictOne(ctx context.Context) error {
	got, err := s.h.HTTP(ctx, harness.Request{
		Method: http.MethodPost, URL: s.url() + "/v1/models/" + s.key.Name + ":predict", Body: predictBody,
	})
	if err != nil {
		return err
	}
	s.tell.Show("POST "+s.url()+"/v1/models/"+s.key.Name+":predict", predictBody+"\n"+got.Body)
	var answer struct {
		Outputs struct {
			Score float64 `json:"ctr_score"`
		} `json:"outputs"`
	}
	err = json.Unmarshal([]byte(got.Body), &answer)
	off := math.Abs(answer.Outputs.Score - scores[1])
	s.claim(err == nil && got.Status == http.StatusOK && off < 1e-12,
		"the prediction is what scikit-learn gives for this artifact", fmt.Sprintf("status %d, off by %.1e", got.Status, off))
	return nil
}

func (s *story) predictBatch(ctx context.Context) error {
	got, err := s.h.HTTP(ctx, harness.Request{
		Method: http.MethodPost, URL: s.url() + "/v1/models/" + s.key.Name + "/batch_predict", Body: batchBody,
	})
	if err != nil {
		return err
	}
	s.tell.Show("POST "+s.url()+"/v1/models/"+s.key.Name+"/batch_predict", batchBody+"\n"+got.Body)
	var answer struct {
		Outputs []struct {
			Score *float64 `json:"ctr_score"`
		} `json:"outputs"`
	}
	err = json.Unmarshal([]byte(got.Body), &answer)
	s.claim(err == nil && got.Status == http.StatusOK && len(answer.Outputs) == 2,
		"a batch of two gives two predictions", fmt.Sprintf("status %d, %d outputs", got.Status, len(answer.Outputs)))
	return nil
}

func (s *story) canary(ctx context.Context) error {
	if err := s.upload(ctx, 2); err != nil {
		return err
	}
	if err := s.apply(ctx, s.manifest(2, new(int32(10)))); err != nil {
		return err
	}
	if err := s.wait(ctx, patience, "version 2 has 10 %", harness.Ready(), harness.Stable(1), harness.Canary(2, 10)); err != nil {
		return err
	}
	s.tell.Note("each of %d users asks once, over %d kept-alive connections", Users, Connections)
	sum, err := s.split(ctx, 10)
	if err != nil {
		return err
	}
	s.onCanary = map[string]bool{}
	for user, revisions := range sum.Assignments {
		if len(revisions) == 1 && revisions[0] == 2 {
			s.onCanary[user] = true
		}
	}
	return nil
}

// split lets every user ask and claims that the canary's count is what its weight makes likely.
func (s *story) split(ctx context.Context, weight int) (load.Summary, error) {
	low, high := harness.Interval(Users, float64(weight)/100, harness.Confidence)
	sum, err := s.users(ctx, fmt.Sprintf("canary at %d %%", weight), fmt.Sprintf("%d to %d", low, high))
	if err != nil {
		return sum, err
	}
	got := sum.Revisions[2]
	s.claim(low <= got && got <= high,
		fmt.Sprintf("of %d users, version 1 answered %d and version 2 answered %d", Users, sum.Revisions[1], got),
		fmt.Sprintf("for %d %%, between %d and %d are expected in 999 of 1000 draws", weight, low, high))
	return sum, nil
}

func (s *story) promote(ctx context.Context) error {
	if err := s.apply(ctx, s.manifest(2, new(int32(50)))); err != nil {
		return err
	}
	if err := s.wait(ctx, patience, "version 2 has 50 %", harness.Ready(), harness.Stable(1), harness.Canary(2, 50)); err != nil {
		return err
	}
	sum, err := s.split(ctx, 50)
	if err != nil {
		return err
	}
	var moved []string
	for user := range s.onCanary {
		if revisions := sum.Assignments[user]; len(revisions) != 1 || revisions[0] != 2 {
			moved = append(moved, user)
		}
	}
	s.claim(len(moved) == 0, fmt.Sprintf("all %d users who were on version 2 still are", len(s.onCanary)),
		strings.Join(moved, " "))

	if err := s.apply(ctx, s.manifest(2, new(int32(100)))); err != nil {
		return err
	}
	if err := s.wait(ctx, patience, "version 2 is stable", harness.Ready(), harness.Stable(2), harness.NoCanary()); err != nil {
		return err
	}
	if sum, err = s.users(ctx, "version 2 is stable", fmt.Sprint(Users)); err != nil {
		return err
	}
	s.claim(sum.Revisions[2] == Users, fmt.Sprintf("version 2 answered %d of %d users", sum.Revisions[2], Users), "")
	return s.drained(ctx, "version 1's")
}

// drained waits until the pods that were replaced are gone, with users asking all the while: only then has their end cost
// nothing.
func (s *story) drained(ctx context.Context, whose string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begin := time.Now()
	s.tell.Note("%s pods let their users go …", whose)
	if err := s.h.WaitOnlyLivePods(ctx, s.key); err != nil {
		return err
	}
	s.tell.Note("… and are gone after %.1f s", time.Since(begin).Seconds())
	return s.background.Flow(ctx, 50)
}

func (s *story) badVersion(ctx context.Context) error {
	if err := s.upload(ctx, 3); err != nil {
		return err
	}
	s.tell.Note("its golden.jsonl promises other predictions than its model.pkl gives")
	if err := s.apply(ctx, s.manifest(3, new(int32(100)))); err != nil {
		return err
	}
	err := s.wait(ctx, patience, "version 3 has failed its golden predictions",
		harness.Condition("RevisionReady", metav1.ConditionFalse, string(contract.ReasonGoldenMismatch)))
	if err != nil {
		return err
	}
	why, err := s.condition(ctx, "RevisionReady")
	if err != nil {
		return err
	}
	s.tell.Show("condition RevisionReady="+string(why.Status)+", reason "+why.Reason, why.Message)
	s.claim(saysWhatDiffered(why.Message), "the condition says which example differed, expected and got", "")

	sum, err := s.users(ctx, "version 3 is not ready", "0")
	if err != nil {
		return err
	}
	m, err := s.h.Model(ctx, s.key)
	if err != nil {
		return err
	}
	s.claim(sum.Revisions[3] == 0 && sum.Revisions[2] == Users && share(m, 3) == 0,
		fmt.Sprintf("version 3 answered %d users, version 2 all %d", sum.Revisions[3], sum.Revisions[2]),
		fmt.Sprintf("version 3's weight is %d", share(m, 3)))
	return nil
}

// saysWhatDiffered is how a condition tells of a golden example: its number, and the two values.
var saysWhatDiffered = regexp.MustCompile(`golden example \d+ expected ctr_score [0-9.e-]+, got [0-9.e-]+`).MatchString

func (s *story) setBack(ctx context.Context) error {
	if err := s.apply(ctx, s.manifest(2, new(int32(100)))); err != nil {
		return err
	}
	if err := s.wait(ctx, patience, "Ready again", harness.Ready(), harness.Stable(2), harness.NoCanary()); err != nil {
		return err
	}
	m, err := s.h.Model(ctx, s.key)
	if err != nil {
		return err
	}
	s.claim(onlyServes(m, 2), "version 2 has all of the traffic, and version 3 none", "")
	if _, err := s.users(ctx, "back to version 2", fmt.Sprint(Users)); err != nil {
		return err
	}
	if err := s.drained(ctx, "version 3's"); err != nil {
		return err
	}
	sum, err := s.background.Stop(ctx)
	if err != nil {
		return err
	}
	s.result.Background = sum
	s.result.Rows = append(s.result.Rows, Row{
		What: "in the background", Requests: sum.Requests, Revisions: sum.Revisions, Failed: sum.Failed,
		Took: time.Duration(sum.Seconds * float64(time.Second)),
	})
	s.claim(sum.Failed == 0 && sum.Requests > 500,
		fmt.Sprintf("of the %d requests in the background, %d failed", sum.Requests, sum.Failed), failures(sum))
	s.claim(s.result.TotalFailed() == 0,
		fmt.Sprintf("failed requests in the whole demo: %d of %d", s.result.TotalFailed(), s.result.TotalRequests()), "")
	return nil
}

func onlyServes(m *servingv1alpha1.CTRModel, number int64) bool {
	return len(m.Status.Traffic) == 1 && m.Status.Traffic[0].Number == number && m.Status.Traffic[0].Weight == 100
}
