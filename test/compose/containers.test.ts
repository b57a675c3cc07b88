import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { requirePeer } from '../support/peers.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';
import { readComposeFile } from './support/compose-file.ts';
import { Containers } from './support/containers.ts';
import { Images } from './support/images.ts';

const here = sharedDirectory();
const patienceMs = 900_000;
let images: Images | undefined;
let containers: Containers | undefined;

/** What Grafana's image starts: there is none here, so this says what it would have been given. */
const grafanaStandIn = `#!/bin/sh
echo "password of InfluxDB: \${#INFLUXDB_PASSWORD} characters"
echo "password of admin: $(wc -c <"$GF_SECURITY_ADMIN_PASSWORD__FILE") characters"
echo "Prometheus: $PROMETHEUS_URL"
ls /etc/grafana/provisioning/datasources/*.yaml /var/lib/grafana/dashboards/*/*.json
touch /var/lib/grafana/grafana.db && echo 'data can be written'
touch /etc/grafana/provisioning/x 2>/dev/null || echo 'provisioning cannot'
exec sleep 1000
`;

/** A fault at once, so that nobody has to wait for the first one. */
const sooner = `services:
  plant:
    command: [plant, --modbus, "0.0.0.0:1502", --mqtt, "mqtt://mosquitto:1883", --mqtt-user, plant, --mqtt-password-file, /secrets/plant/mqtt, --seed, "5", --first-fault, 15s, --fault-every, 10s, --fault-for, 8s]
`;

beforeAll(async () => {
  // Mounts, users and namespaces are for root.
  if (['buildah', 'mmdebstrap', 'docker-compose', 'ip'].some((name) => requirePeer(name) === undefined) || process.getuid?.() !== 0) return;
  images = new Images(join(here, 'images'));
  await images.base('docker.io/library/debian:12.12-slim', 'docker.io/library/node:24.21.0-bookworm-slim');
  await images.standIn(
    [
      'docker.io/library/eclipse-mosquitto:2.0.22',
      'docker.io/library/influxdb:1.11.8-alpine',
      'docker.io/prom/prometheus:v3.5.0',
      'docker.io/grafana/grafana:12.2.0',
    ],
    ['mosquitto', 'mosquitto-clients', 'influxdb', 'prometheus', 'wget'],
    { 'run.sh': grafanaStandIn },
  );
  const override = join(here, 'sooner.yml');
  writeFileSync(override, sooner);
  const file = readComposeFile(override);
  for (const [name, { build, image }] of Object.entries(file.services))
    if (build !== undefined && (name === 'setup' || name === 'node-red')) await images.build(root, build.target as string, image);
  containers = new Containers(file, images, join(here, 'containers'));
}, patienceMs);

afterAll(async () => {
  await containers?.stop();
  await images?.dispose();
}, patienceMs);

it(
  'the images that the Dockerfile builds run what docker-compose.yml describes, down to alarm, store and editor',
  async ({ skip }) => {
    if (containers === undefined || images === undefined) return skip('for root, with buildah');
    const up = containers;
    for (const name of ['node-red', 'grafana']) await up.start(name);
    await up.healthy('node-red');
    const observer = join(import.meta.dirname, 'support/observer.ts');
    const { stdout, stderr } = up.observe(process.execPath, observer, join(here, 'containers/volumes'));
    expect(stderr).toBe('');
    const seen = JSON.parse(stdout) as { alarm?: { asset: string; rule: string }; assets: object[]; flows: string[] };
    expect(seen.alarm).toMatchObject({ rule: expect.any(String), asset: expect.stringMatching(/^line[12]\//) });
    expect(seen.assets).toHaveLength(4);
    expect(seen.flows).toContain('fettle-alarms');
    expect(seen).toMatchObject({
      login: 200,
      stored: ['line1/compressor', 'line1/pump', 'line2/conveyor', 'line2/oven'],
      strangerReads: 401,
      grafanaWrites: 403,
      editor: 401,
      token: 200,
      scraped: '1',
      rules: 25,
      anonymous: expect.stringMatching(/not authori[sz]ed/i),
    });
    expect(up.log('grafana')).toMatch(/provisioning\/datasources\/fettle-prometheus\.yaml\n.*datasources\/fettle\.yaml\n/);
    await eventually(() => up.log('grafana').includes('provisioning cannot'), 'Grafana has started');
    expect(up.log('grafana')).toMatch(/InfluxDB: 32 characters\n.*admin: 32 characters\n/);
    expect(up.log('grafana')).toContain('data can be written');
    expect(up.log('node-red')).not.toMatch(/\[error\]/);
    // Nobody but their owner and the containers they are for.
    for (const volume of readdirSync(up.volume('.')).filter((name) => name.startsWith('secrets-')))
      for (const name of ['', ...readdirSync(up.volume(volume))]) expect(statSync(join(up.volume(volume), name)).mode & 0o007).toBe(0);
    // Only the library of this platform.
    const library = join(await images.container('fettle/gateway:0.1.0'), 'opt/fettle/node_modules/onnxruntime-node/bin');
    expect(readdirSync(join(library, readdirSync(library)[0] as string))).toEqual(['linux']);
  },
  patienceMs,
);

it(
  'a second `up` keeps passwords and accounts',
  async ({ skip }) => {
    if (containers === undefined || images === undefined) return skip('for root, with buildah');
    const before = containers.volume('secrets-gateway');
    const times = (): number[] => readdirSync(before).map((name) => statSync(join(before, name)).mtimeMs);
    const made = times();
    expect(made.length).toBeGreaterThan(3);
    for (const name of ['setup', 'accounts']) await containers.again(name);
    expect(times()).toEqual(made);
  },
  patienceMs,
);
