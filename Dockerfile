# The daemon with what it calls: git's ssh transport needs OpenSSH, file:// repositories need git. It runs as nobody, writes to
# /cache and /tmp only, and its root can be read-only.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag NAME:TAG .
#
# It is not built by CI, which runs no containers; tests/suite/packaging/dockerfile.rs looks at what can be looked at.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

# On the builder's own platform, for the target's: compiling under emulation takes hours.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
ARG TARGETARCH
WORKDIR /src
COPY hack/cross hack/cross
RUN hack/cross setup "$TARGETARCH"
COPY Cargo.toml Cargo.lock ./
COPY bench/src bench/src
COPY deploy deploy
COPY src src
# The same sources give the same program: no path and no time of this build is in it.
RUN hack/cross build "$TARGETARCH" /gitmoor

FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
    # OpenSSH wants to know who it runs for.
    && useradd --uid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin gitmoor \
    # kubectl's name for it, for those who copy the program out.
    && ln -s gitmoor /usr/local/bin/kubectl-gitmoor
COPY --from=build /gitmoor /usr/local/bin/gitmoor
USER 65532:65532
ENV HOME=/tmp
ENTRYPOINT ["gitmoor"]
CMD ["--help"]
