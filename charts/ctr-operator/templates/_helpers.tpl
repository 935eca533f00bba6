{{/* The chart's name, as objects are called. */}}
{{- define "ctr-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The release's name for objects; 52 characters leave room for what is appended. */}}
{{- define "ctr-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "ctr-operator.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "ctr-operator.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "ctr-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ctr-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ctr-operator.labels" -}}
{{ include "ctr-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "ctr-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "ctr-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "ctr-operator.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "ctr-operator.runtimeImage" -}}
{{ .Values.runtime.image.repository }}:{{ .Values.runtime.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Where helm test makes its model: the operator must be watching there. */}}
{{- define "ctr-operator.testNamespace" -}}
{{ .Values.watchNamespace | default .Release.Namespace }}
{{- end }}

{{/* A name of its own, so that no selector of the operator's finds the test's pod. */}}
{{- define "ctr-operator.testLabels" -}}
{{ merge (dict "app.kubernetes.io/name" (include "ctr-operator.testName" .)) (include "ctr-operator.labels" . | fromYaml) | toYaml }}
{{- end }}

{{/* A CTRModel's name follows stricter rules than a release's, so the release's name is not part of it. */}}
{{- define "ctr-operator.testName" -}}
ctr-operator-test
{{- end }}

{{/* What every container of the project may do: nothing but run. */}}
{{- define "ctr-operator.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "ctr-operator.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}
