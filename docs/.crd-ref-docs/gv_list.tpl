{{- define "gvList" -}}
<!-- Generated from api/v1alpha1 by make generate. -->
# API reference

Every field with its default and the rules that the apiserver holds it to. `kubectl explain ctrmodel.spec` says the same.
{{ range . }}{{ template "gvDetails" . }}{{ end -}}
{{- end -}}
