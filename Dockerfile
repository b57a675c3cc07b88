# Two images from one build: `gateway` (the last, hence the default) and `node-red`. amd64 and arm64:
#   docker build -t fettle .                 docker build --target node-red -t fettle-node-red .
FROM --platform=$BUILDPLATFORM node:24.21.0-bookworm-slim AS trees
# Docker calls an architecture amd64 that Node calls x64.
ARG TARGETARCH
WORKDIR /src
COPY . .
# What only the build needs does not stay in its cache.
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && npm run --silent package -- --tree /out/gateway --node-red /out/node-red --arch "$(echo "$TARGETARCH" | sed s/amd64/x64/)" \
 && rm -rf node_modules "$HOME/.npm"

FROM debian:12.12-slim AS machine
RUN groupadd --gid 10001 fettle \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin fettle \
 && install -d -o 10001 -g 10001 -m 0700 /data
WORKDIR /data

FROM machine AS node-red
COPY --from=trees /out/node-red /opt/node-red
RUN install -o 10001 -g 10001 -m 0600 /opt/node-red/first-flow/* /data/
USER 10001:10001
EXPOSE 1880
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/opt/node-red/node_modules/.bin/node", "-e", "fetch('http://127.0.0.1:1880/auth/login').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/opt/node-red/node-red"]

FROM machine AS gateway
COPY --from=trees /out/gateway /opt/fettle
# What docker-compose.yml lays volumes over: a new volume takes over whose a directory is. 1883 is mosquitto's user, 472 Grafana's.
RUN ln -s /opt/fettle/fettle /usr/local/bin/fettle \
 && install -d -o 10001 -g 10001 -m 0750 /secrets /secrets/gateway /secrets/plant /secrets/mosquitto /secrets/grafana /secrets/node-red /secrets/prometheus \
 && install -d -o 10001 -g 10001 -m 0700 /volumes /volumes/influxdb /volumes/prometheus \
 && install -d -o 1883 -g 1883 -m 0700 /volumes/mosquitto \
 && install -d -o 472 -g 472 -m 0700 /volumes/grafana
USER 10001:10001
EXPOSE 7171
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["fettle", "status", "--alive", "-c", "/etc/fettle/fettle.yaml"]
ENTRYPOINT ["/opt/fettle/fettle"]
CMD ["run", "-c", "/etc/fettle/fettle.yaml"]
