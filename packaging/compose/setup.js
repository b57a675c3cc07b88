// Runs once before the others of docker-compose.yml, and again at each `up`: what is there stays. No password is the same on two machines, and none stands in a file of the repository.
//   setup.js secrets    passwords, each for who needs it; tokens for Node-RED and Prometheus
//   setup.js accounts   users and database in InfluxDB
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const secrets = process.env.FETTLE_SECRETS ?? '/secrets';
const influxdb = process.env.INFLUXDB_URL ?? 'http://influxdb:8086';
const data = process.env.FETTLE_DATA ?? '/data';
const database = 'fettle';

const read = (name) => readFileSync(join(secrets, name), 'utf8');
// The group may read it: users of other containers are in it.
const write = (name, text) => writeFileSync(join(secrets, name), text, { mode: 0o640 });

/** One password, for all who need it: `mosquitto/<user>` knows it, and so does the user. */
function password(...names) {
  const known = names.find((name) => existsSync(join(secrets, name)));
  const text = known === undefined ? randomBytes(24).toString('base64url') : read(known);
  for (const name of names) if (!existsSync(join(secrets, name))) write(name, text);
}

function makeSecrets() {
  password('mosquitto/fettle', 'gateway/mqtt');
  password('mosquitto/plant', 'plant/mqtt');
  password('mosquitto/node-red', 'node-red/mqtt');
  password('mosquitto/health');
  password('gateway/influxdb');
  password('gateway/influxdb-admin');
  password('grafana/influxdb', 'gateway/influxdb-grafana');
  password('grafana/admin');
  token('node-red', 'operator');
  token('prometheus', 'viewer');
}

function token(name, role) {
  if (existsSync(join(secrets, `${name}/token`))) return;
  // While no gateway runs on the data directory, whoever may write it may do this.
  const said = execFileSync('fettle', ['token', 'add', name, '--role', role, '--data', data, '--json'], {
    encoding: 'utf8',
  });
  write(`${name}/token`, JSON.parse(said).secret);
}

/** Throws what InfluxDB says. */
async function query(text, user) {
  const headers = user === undefined ? {} : { authorization: `Basic ${Buffer.from(`admin:${user}`).toString('base64')}` };
  const response = await fetch(`${influxdb}/query`, { method: 'POST', headers, body: new URLSearchParams({ q: text }) });
  const { error, results = [] } = await response.json();
  const said = error ?? results.find((result) => result.error !== undefined)?.error;
  if (said !== undefined) throw new Error(`InfluxDB: ${said}`);
}

async function makeAccounts() {
  const admin = read('gateway/influxdb-admin');
  // Until there is an administrator InfluxDB takes this from anybody, and nothing else; afterwards it refuses.
  await query(`CREATE USER admin WITH PASSWORD '${admin}' WITH ALL PRIVILEGES`).catch(() => {});
  await query(`CREATE DATABASE ${database}`, admin);
  for (const [user, file, right] of [
    ['fettle', 'gateway/influxdb', 'ALL'],
    ['grafana', 'gateway/influxdb-grafana', 'READ'],
  ]) {
    await query(`CREATE USER ${user} WITH PASSWORD '${read(file)}'`, admin);
    await query(`GRANT ${right} ON ${database} TO ${user}`, admin);
  }
}

if (process.argv[2] === 'accounts') await makeAccounts();
else makeSecrets();
