{{- /* Each block starts with an empty line and ends its last one. */ -}}
{{- define "type" -}}
{{- if markdownShouldRenderType . }}
### {{ .Name }}

{{ .Doc }}
{{ with index .Markers "kubebuilder:validation:XValidation" }}
{{ range . }}- {{ .Message }}
{{ end }}{{ end }}
{{- if .References }}
Used in:{{ range .SortedReferences }} {{ markdownRenderTypeLink . }}{{ end }}
{{ end }}
{{- if .EnumValues }}
{{ range .EnumValues }}- `{{ .Name }}`{{ with .Doc }}: {{ markdownRenderFieldDoc . }}{{ end }}
{{ end }}{{ end }}
{{- if .Members }}
| field | what it is | default | rules |
| --- | --- | --- | --- |
{{ range .Members }}{{ template "type_members" . }}{{ end }}
{{- end }}
{{- end }}
{{- end -}}
