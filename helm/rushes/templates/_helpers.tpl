{{- define "rushes.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end }}

{{- define "rushes.labels" -}}
app.kubernetes.io/name: rushes
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "rushes.secret" -}}
{{ .Values.secrets.existing | default (printf "%s-secrets" (include "rushes.name" .)) }}
{{- end }}

{{- define "rushes.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* How many forwarders there may be: of each, the port is kept. */}}
{{- define "rushes.mostForwarders" -}}
{{ .Values.autoscaling.enabled | ternary (max .Values.sfu.replicas .Values.sfu.maxReplicas) .Values.sfu.replicas }}
{{- end }}

{{/* Where each service is, as whoever is not a gateway is told: any instance of several, and every forwarder. */}}
{{- define "rushes.services" -}}
{{- $name := include "rushes.name" . -}}
{{- $services := dict "svc_media.http" (printf "%s-media:8081" $name) -}}
{{- range list "project" "media" "annotation" "version" "signaling" -}}
{{- $_ := set $services (printf "svc_%s" .) (printf "%s-%s:50051" $name .) -}}
{{- end -}}
{{- $_ := set $services "svc_sfu" (printf "dns:///%s-sfu-each:50051" $name) -}}
{{ toJson $services }}
{{- end }}

{{/* Gateways find every instance of what keeps notes, versions, rooms and people, and choose by the video, room or project. */}}
{{- define "rushes.gatewayServices" -}}
{{- $services := include "rushes.services" . | fromJson -}}
{{- $each := list "annotation" "version" "signaling" -}}
{{- if gt (int .Values.project.replicas) 1 -}}
{{- $each = append $each "project" -}}
{{- end -}}
{{- range $each -}}
{{- $_ := set $services (printf "svc_%s" .) (printf "dns:///%s-%s-each:50051" (include "rushes.name" $) .) -}}
{{- end -}}
{{ toJson $services }}
{{- end }}

{{- define "rushes.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "rushes.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* One of the secret settings. Arguments: root, variable, key of the Secret. */}}
{{- define "rushes.fromSecret" -}}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef: {name: {{ include "rushes.secret" (index . 0) }}, key: {{ index . 2 }}, optional: {{ index . 3 }}}
{{- end }}
