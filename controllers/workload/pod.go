package workload

import (
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/ctr-operator/ctr-operator/api/v1alpha1"
	"github.com/ctr-operator/ctr-operator/controllers/revision"
	"github.com/ctr-operator/ctr-operator/runtime/contract"
)

// Container is the name of the container that serves.
const Container = "server"

const (
	portName       = "http"
	portOperations = "operations"
	volumeTraffic  = "traffic"
	volumeArtifact = "artifact"

	// The way out of a pod: it is taken out of the Services while it still accepts (endpointLag), then the server drains,
	// closing its connections (drainTimeout), and only then is it killed.
	endpointLag      = 3 * time.Second
	drainTimeout     = 20 * time.Second
	terminationGrace = 40 * time.Second

	// startupMargin keeps the startup probe from killing a server that is about to say itself why it could not start.
	startupMargin = 30 * time.Second

	userID = 65532
)

// required and optional are the keys of a credentials Secret.
var (
	requiredKeys = []string{contract.EnvAccessKeyID, contract.EnvSecretAccessKey}
	optionalKeys = []string{contract.EnvSessionToken, contract.EnvRegion, contract.EnvEndpoint, contract.EnvAddressing}
)

func podTemplate(m Model, rev revision.Revision, trafficConfigMap string) *coreac.PodTemplateSpecApplyConfiguration {
	server := v1alpha1.WithServerDefaults(rev.User.Server)
	user := v1alpha1.PodTemplate{}
	if rev.User.PodTemplate != nil {
		user = *rev.User.PodTemplate
	}
	spec := coreac.PodSpec().
		WithContainers(container(m, rev, server)).
		WithVolumes(
			coreac.Volume().WithName(volumeTraffic).
				WithConfigMap(coreac.ConfigMapVolumeSource().WithName(trafficConfigMap)),
			coreac.Volume().WithName(volumeArtifact).
				WithEmptyDir(coreac.EmptyDirVolumeSource().WithSizeLimit(scratchSize(*server.MaxArtifactSize)))).
		WithTerminationGracePeriodSeconds(int64(terminationGrace.Seconds())).
		WithEnableServiceLinks(false).
		WithAutomountServiceAccountToken(false).
		WithSecurityContext(coreac.PodSecurityContext().
			WithRunAsNonRoot(true).WithRunAsUser(userID).WithRunAsGroup(userID).WithFSGroup(userID).
			WithSeccompProfile(coreac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault)))
	placement(spec, user, m.Selector(rev.Name))
	return coreac.PodTemplateSpec().
		WithLabels(merged(user.Labels, m.RevisionLabels(rev.Name))).
		WithAnnotations(user.Annotations).
		WithSpec(spec)
}

func container(m Model, rev revision.Revision, server v1alpha1.Server) *coreac.ContainerApplyConfiguration {
	requests, limits := Resources(rev.User.Resources)
	c := coreac.Container().
		WithName(Container).
		WithImage(rev.Image.Ref).
		WithArgs(args(m, rev, server)...).
		WithPorts(
			coreac.ContainerPort().WithName(portName).
				WithContainerPort(contract.PortREST).WithProtocol(corev1.ProtocolTCP),
			coreac.ContainerPort().WithName(portOperations).
				WithContainerPort(contract.PortOperations).WithProtocol(corev1.ProtocolTCP)).
		WithEnv(environment(rev.User.Artifact, limits)...).
		WithResources(coreac.ResourceRequirements().WithRequests(requests).WithLimits(limits)).
		WithVolumeMounts(
			coreac.VolumeMount().WithName(volumeTraffic).WithMountPath(contract.TrafficDir).WithReadOnly(true),
			coreac.VolumeMount().WithName(volumeArtifact).WithMountPath(contract.ArtifactDir)).
		WithStartupProbe(probe(contract.PathReady, time.Second, 2*time.Second,
			int32((server.StartupTimeout.Duration+startupMargin)/time.Second))).
		WithReadinessProbe(probe(contract.PathReady, 2*time.Second, 2*time.Second, 2)).
		WithLivenessProbe(probe(contract.PathLive, 10*time.Second, 5*time.Second, 3)).
		WithLifecycle(coreac.Lifecycle().WithPreStop(coreac.LifecycleHandler().
			WithSleep(coreac.SleepAction().WithSeconds(int64(endpointLag.Seconds()))))).
		WithTerminationMessagePath(contract.TerminationLog).
		WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError).
		WithSecurityContext(coreac.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithReadOnlyRootFilesystem(true).
			WithRunAsNonRoot(true).
			WithCapabilities(coreac.Capabilities().WithDrop("ALL")))
	if rev.Image.PullPolicy != "" {
		c.WithImagePullPolicy(rev.Image.PullPolicy)
	}
	return c
}

// args are the flags of `ctr-runtime serve`.
func args(m Model, rev revision.Revision, server v1alpha1.Server) []string {
	out := []string{
		"serve",
		"--model=" + m.Name,
		"--model-type=" + string(rev.User.ModelType),
		"--artifact-url=" + rev.User.ArtifactURL,
		"--revision=" + rev.Name,
		"--revision-number=" + strconv.FormatInt(rev.Number, 10),
		"--traffic-file=" + contract.TrafficDir + "/" + contract.TrafficKey,
		"--artifact-dir=" + contract.ArtifactDir,
		"--max-artifact-bytes=" + strconv.FormatInt(server.MaxArtifactSize.Value(), 10),
		"--startup-timeout=" + server.StartupTimeout.Duration.String(),
		"--max-request-bytes=" + strconv.FormatInt(server.MaxRequestSize.Value(), 10),
		"--max-batch-size=" + strconv.FormatInt(int64(*server.MaxBatchSize), 10),
		"--forward-timeout=" + server.ForwardTimeout.Duration.String(),
		"--drain-timeout=" + drainTimeout.String(),
		"--termination-log=" + contract.TerminationLog,
	}
	if artifact := rev.User.Artifact; artifact != nil {
		if artifact.SHA256 != "" {
			out = append(out, "--sha256="+artifact.SHA256)
		}
		if artifact.Format != "" {
			out = append(out, "--artifact-format="+string(artifact.Format))
		}
	}
	// The kubelet expands $(NAME) in arguments; "$$" is a plain dollar.
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "$", "$$")
	}
	return out
}

// environment is the Go runtime's memory limit, a tenth below the container's, so that the collector works harder before
// the kernel kills; and the credentials.
func environment(artifact *v1alpha1.Artifact, limits corev1.ResourceList) []*coreac.EnvVarApplyConfiguration {
	memory := limits.Memory().Value()
	env := []*coreac.EnvVarApplyConfiguration{
		coreac.EnvVar().WithName("GOMEMLIMIT").WithValue(strconv.FormatInt(memory-memory/10, 10)),
	}
	if artifact == nil || artifact.SecretRef == nil {
		return env
	}
	for _, key := range requiredKeys {
		env = append(env, fromSecret(artifact.SecretRef.Name, key, false))
	}
	for _, key := range optionalKeys {
		env = append(env, fromSecret(artifact.SecretRef.Name, key, true))
	}
	return env
}

func fromSecret(secret, key string, optional bool) *coreac.EnvVarApplyConfiguration {
	return coreac.EnvVar().WithName(key).WithValueFrom(coreac.EnvVarSource().
		WithSecretKeyRef(coreac.SecretKeySelector().WithName(secret).WithKey(key).WithOptional(optional)))
}

func probe(path string, period, timeout time.Duration, failures int32) *coreac.ProbeApplyConfiguration {
	return coreac.Probe().
		WithHTTPGet(coreac.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(portOperations))).
		WithPeriodSeconds(int32(period.Seconds())).
		WithTimeoutSeconds(int32(timeout.Seconds())).
		WithFailureThreshold(failures)
}

// scratchSize is room for an archive and for what is in it, and some more for directories and a last block.
func scratchSize(artifact resource.Quantity) resource.Quantity {
	const more = 16 << 20
	return *resource.NewQuantity(2*artifact.Value()+more, resource.BinarySI)
}

// placement is where the pods run, and as whom.
func placement(spec *coreac.PodSpecApplyConfiguration, user v1alpha1.PodTemplate, selector map[string]string) {
	spec.WithNodeSelector(user.NodeSelector)
	spec.Tolerations = tolerations(user.Tolerations)
	spec.Affinity = affinity(user.Affinity)
	spec.TopologySpreadConstraints = topologySpread(user.TopologySpreadConstraints, selector)
	if user.PriorityClassName != "" {
		spec.WithPriorityClassName(user.PriorityClassName)
	}
	if user.ServiceAccountName != "" {
		spec.WithServiceAccountName(user.ServiceAccountName)
	}
	for _, ref := range user.ImagePullSecrets {
		spec.WithImagePullSecrets(coreac.LocalObjectReference().WithName(ref.Name))
	}
}

// spreadEvenly is for users who say nothing: over nodes and zones, as far as possible.
func spreadEvenly(selector map[string]string) []coreac.TopologySpreadConstraintApplyConfiguration {
	var out []coreac.TopologySpreadConstraintApplyConfiguration
	for _, key := range []string{corev1.LabelHostname, corev1.LabelTopologyZone} {
		out = append(out, *coreac.TopologySpreadConstraint().
			WithMaxSkew(1).WithTopologyKey(key).WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(metaac.LabelSelector().WithMatchLabels(selector)))
	}
	return out
}
