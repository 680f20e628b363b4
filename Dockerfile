# The daemon with what it calls: git's ssh transport needs OpenSSH, file:// repositories need git.
# It is not built by CI, which runs no containers.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY bench/src bench/src
RUN cargo build --release --locked --bin gitmoor

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    # OpenSSH wants to know who it runs for.
    && useradd --uid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin gitmoor
COPY --from=build /src/target/release/gitmoor /usr/local/bin/gitmoor
USER 65532:65532
ENV HOME=/tmp
ENTRYPOINT ["gitmoor"]
