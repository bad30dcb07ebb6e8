# One image for all: MemoBuild, its command line and its page; buildkitd beside it; what Docker Desktop reads of an extension.
#
#   docker build -t memobuild:latest .
#
# Programs run in stages of the building machine's platform alone. The last stage only copies, so that an image for another
# platform needs no emulation.

ARG NODE_IMAGE=node:22-alpine3.23
ARG BUILDKIT_IMAGE=moby/buildkit:v0.32.2

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS tools
WORKDIR /src

FROM tools AS ui
WORKDIR /src/extension-ui
COPY extension-ui/package.json extension-ui/package-lock.json extension-ui/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.json icon.svg ../
COPY extension-ui ./
RUN npm run build

FROM tools AS server
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.json LICENSE ./
COPY bin bin
COPY protos protos
COPY scripts/bundle.ts scripts/
COPY proxy proxy
RUN npm run bundle -- /root-fs/opt/memobuild

FROM ${BUILDKIT_IMAGE} AS buildkit

# What has to lie somewhere, beside what the stages above made.
FROM tools AS layout
COPY --from=server /root-fs /root-fs
COPY --from=buildkit /etc/passwd /etc/group /root-fs/etc/
RUN echo 'memobuild:x:1000:1000:MemoBuild:/var/lib/memobuild:/sbin/nologin' >> /root-fs/etc/passwd \
 && echo 'memobuild:x:1000:' >> /root-fs/etc/group \
 && mkdir -p /root-fs/usr/local/bin /root-fs/opt/memobuild/extension-ui /data \
 && ln -s /opt/memobuild/bin/memobuild /root-fs/usr/local/bin/memobuild \
 && ln -s /ui /root-fs/opt/memobuild/extension-ui/dist

FROM ${NODE_IMAGE} AS node

# BuildKit's image brings git, ssh and the rest that buildkitd calls. It is copied: as a base it would give a volume to
# every container, those of MemoBuild too.
FROM scratch
COPY --from=buildkit / /
COPY --from=node /usr/local/bin/node /usr/local/bin/
COPY --from=node /usr/lib/libstdc++.so.6 /usr/lib/libgcc_s.so.1 /usr/lib/
COPY --from=layout /root-fs /
COPY --from=layout --chown=1000:1000 /data /var/lib/memobuild
COPY --from=ui /src/extension-ui/dist /ui
COPY metadata.json icon.svg docker-compose.yaml /

ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    MEMOBUILD_DATA_DIR=/var/lib/memobuild
EXPOSE 8372 8373
# buildkitd, and a MemoBuild that runs its own, need root: then the user is given to the container.
USER 1000:1000
# An address for the page is given in the environment, not by --http: this reads it too.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --start-interval=1s \
  CMD wget -q -Y off -O /dev/null "http://${MEMOBUILD_HTTP:-127.0.0.1:8373}/readyz" || exit 1
ENTRYPOINT ["memobuild"]
CMD ["serve"]

# https://docs.docker.com/extensions/extensions-sdk/extensions/labels/
LABEL org.opencontainers.image.title="MemoBuild" \
      org.opencontainers.image.description="Builds that share their cache: a build farm in front of BuildKit, without new flags" \
      org.opencontainers.image.vendor="MemoBuild" \
      org.opencontainers.image.licenses="Apache-2.0" \
      com.docker.desktop.extension.api.version=">= 0.3.4" \
      com.docker.desktop.extension.icon="https://raw.githubusercontent.com/memobuild/memobuild/main/icon.svg" \
      com.docker.extension.categories="ci-cd,utility-tools" \
      com.docker.extension.publisher-url="https://github.com/memobuild/memobuild" \
      com.docker.extension.account-info="" \
      com.docker.extension.screenshots='[ \
        {"alt": "Overview: hit rate, time saved, running builds", "url": "https://raw.githubusercontent.com/memobuild/memobuild/main/docs/screenshots/overview.png"}, \
        {"alt": "One build as a graph of its steps", "url": "https://raw.githubusercontent.com/memobuild/memobuild/main/docs/screenshots/graph.png"}, \
        {"alt": "Why a step ran", "url": "https://raw.githubusercontent.com/memobuild/memobuild/main/docs/screenshots/why.png"}, \
        {"alt": "The shared cache by project", "url": "https://raw.githubusercontent.com/memobuild/memobuild/main/docs/screenshots/cache.png"}]' \
      com.docker.extension.additional-urls='[ \
        {"title": "Documentation", "url": "https://github.com/memobuild/memobuild/tree/main/docs"}, \
        {"title": "Issues", "url": "https://github.com/memobuild/memobuild/issues"}, \
        {"title": "Licence", "url": "https://github.com/memobuild/memobuild/blob/main/LICENSE"}]' \
      com.docker.extension.detailed-description="<p>MemoBuild stands between <code>docker buildx</code> and BuildKit. Every build takes the layers that earlier builds of the same project left, whoever ran them, and adds its own behind its back: nobody waits for a cache to be written.</p><p>Its tab shows each build live, as a graph, a timeline and logs; why a step had to run, down to the file that changed; what the cache holds and what it saved.</p><ul><li>No flag changes, no fork of BuildKit, no account</li><li>All data stays on this machine</li><li>Metrics for Prometheus</li></ul>" \
      com.docker.extension.changelog="<p>The first version.</p>"

# They change with every commit, so they come last.
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
LABEL org.opencontainers.image.source="https://github.com/memobuild/memobuild" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
