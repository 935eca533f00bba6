# syntax=docker/dockerfile:1
# The project's images, for people who build with Docker or Podman:
#   docker build --target operator -t ctr-operator/ctr-operator:dev .
#   docker build --target runtime  -t ctr-operator/ctr-runtime:dev .
# `make images` makes the same images from the same flags without a daemon.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOFLAGS=-buildvcs=false
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ ./cmd/ctr-operator ./cmd/ctr-runtime
# The base has nothing: no user to name, no /tmp. (The certificates of the public authorities are in the programs.)
RUN mkdir -p /base/etc /base/tmp && chmod 1777 /base/tmp && \
    printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' > /base/etc/passwd && \
    printf 'root:x:0:\nnonroot:x:65532:\n' > /base/etc/group

FROM scratch AS base
COPY --from=build /base/ /
USER 65532:65532
WORKDIR /

FROM base AS runtime
COPY --from=build /out/ctr-runtime /ctr-runtime
EXPOSE 8501 8502
ENTRYPOINT ["/ctr-runtime"]

FROM base AS operator
COPY --from=build /out/ctr-operator /ctr-operator
EXPOSE 8080 8081
ENTRYPOINT ["/ctr-operator"]
