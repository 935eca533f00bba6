{{- define "type_members" -}}
| `{{ .Name }}` _{{ markdownRenderType .Type }}_ | {{ if eq .Name "metadata" }}Kubernetes' own metadata.{{ else }}{{ markdownRenderFieldDoc .Doc }}{{ end }} | {{ with .Default }}`{{ . }}`{{ end }} |
{{- range .Validation }}{{ if not (has . (list "Optional: {}" "Type: string")) }} {{ if eq . "Required: {}" }}required{{ else }}{{ markdownRenderFieldDoc . }}{{ end }}<br />{{ end }}{{ end }}
{{- range index .Markers "kubebuilder:validation:XValidation" }} {{ markdownRenderFieldDoc .Message }}<br />{{ end }} |
{{ end -}}
