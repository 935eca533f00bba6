package v1alpha1

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The defaults of the schema, for specs that were stored before a field had one. They are the model server's own.
const (
	DefaultReplicas        = int32(1)
	DefaultMaxRequestSize  = "1Mi"
	DefaultMaxBatchSize    = int32(1024)
	DefaultForwardTimeout  = 500 * time.Millisecond
	DefaultMaxArtifactSize = "1Gi"
	DefaultStartupTimeout  = 5 * time.Minute
)

// WithServerDefaults fills in what is not set.
func WithServerDefaults(in *Server) Server {
	var s Server
	if in != nil {
		s = *in.DeepCopy()
	}
	if s.MaxRequestSize == nil {
		s.MaxRequestSize = new(resource.MustParse(DefaultMaxRequestSize))
	}
	if s.MaxBatchSize == nil {
		s.MaxBatchSize = new(DefaultMaxBatchSize)
	}
	if s.ForwardTimeout == nil {
		s.ForwardTimeout = &metav1.Duration{Duration: DefaultForwardTimeout}
	}
	if s.MaxArtifactSize == nil {
		s.MaxArtifactSize = new(resource.MustParse(DefaultMaxArtifactSize))
	}
	if s.StartupTimeout == nil {
		s.StartupTimeout = &metav1.Duration{Duration: DefaultStartupTimeout}
	}
	return s
}

// ReplicasOrDefault is the number of pods asked for.
func (s *CTRModelSpec) ReplicasOrDefault() int32 {
	if s.Replicas == nil {
		return DefaultReplicas
	}
	return *s.Replicas
}

// CanaryWeightOrDefault is the weight asked for; unset means all.
func (s *CTRModelSpec) CanaryWeightOrDefault() int32 {
	if s.CanaryWeight == nil {
		return 100
	}
	return *s.CanaryWeight
}

// StickinessOrNone is where the key is that keeps a user on one side; both parts are empty where there is none.
func (s *CTRModelSpec) StickinessOrNone() Stickiness {
	if s.Traffic == nil || s.Traffic.Stickiness == nil {
		return Stickiness{}
	}
	return *s.Traffic.Stickiness
}
