import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventually } from '../../support/eventually.ts';
import type { ComposeFile, Service } from './compose-file.ts';
import type { ImageConfig, Images } from './images.ts';

const patienceMs = 90_000;
const aBind = /^\//;

interface Running {
  readonly folder: string;
  readonly config: ImageConfig;
  readonly process: ChildProcess;
  log: string;
  exit: number | undefined;
}

/**
 * Starts services as a compose file says, without an engine: each in a mount and process namespace of its own, chrooted into its image, as its user without capabilities,
 * the root file system read-only where it says so; all in one network namespace, where their names mean the loopback.
 */
export class Containers {
  readonly #file: ComposeFile;
  readonly #images: Images;
  readonly #directory: string;
  readonly #network: ChildProcess;
  readonly #running = new Map<string, Running>();

  constructor(file: ComposeFile, images: Images, directory: string) {
    this.#file = file;
    this.#images = images;
    this.#directory = directory;
    mkdirSync(join(directory, 'volumes'), { recursive: true });
    writeFileSync(join(directory, 'hosts'), `127.0.0.1 localhost ${Object.keys(file.services).join(' ')}\n`);
    this.#network = spawn('unshare', ['--net', '--', 'sh', '-c', 'ip link set lo up && exec sleep infinity'], { stdio: 'ignore' });
  }

  /** Starts a service once what it depends on is as it must be. Throws with the log of what is not. */
  async start(name: string): Promise<void> {
    if (this.#running.has(name)) return;
    const service = this.#service(name);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      await this.start(other);
      if (condition === 'service_completed_successfully') await this.#completed(other);
      else if (condition === 'service_healthy') await this.healthy(other);
    }
    const config = await this.#images.config(service.image);
    const folder = await this.#images.container(service.image);
    writeFileSync(join(folder, 'etc/hosts'), '');
    const entrypoint = service.entrypoint ?? config.Entrypoint ?? [];
    // An entrypoint of the file's own takes away the image's command.
    const command = service.command ?? (service.entrypoint === undefined ? (config.Cmd ?? []) : []);
    const child = this.#enter(name, service, config, folder, [...entrypoint, ...command]);
    const running: Running = { folder, config, process: child, log: '', exit: undefined };
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        running.log = (running.log + chunk.toString()).slice(-20_000);
      });
    child.once('exit', (code, signal) => {
      running.exit = code ?? 1000;
      if (signal !== null) running.log += `\n${signal}`;
    });
    this.#running.set(name, running);
  }

  /** Starts a service that ends once more, as the next `up` would. Throws with its log where it fails. */
  async again(name: string): Promise<void> {
    await this.#completed(name);
    this.#running.delete(name);
    await this.start(name);
    await this.#completed(name);
  }

  async healthy(name: string): Promise<void> {
    const { folder, config } = this.#of(name);
    const service = this.#service(name);
    const test = service.healthcheck?.test ?? config.Healthcheck?.Test ?? [];
    const command = test[0] === 'CMD-SHELL' ? ['/bin/sh', '-c', ...test.slice(1)] : test.slice(1);
    if (command.length === 0) throw new Error(`${name} has no health check`);
    const once = async (): Promise<boolean> => {
      if (this.#of(name).exit !== undefined) throw new Error(`${name} ended: ${this.log(name)}`);
      const child = this.#enter(name, service, config, folder, command);
      const code = await new Promise((resolve) => child.once('exit', resolve));
      if (code !== 0) await new Promise((resolve) => setTimeout(resolve, 500));
      return code === 0;
    };
    await eventually(once, `${name} is healthy`, patienceMs).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${this.log(name)}`);
    });
  }

  log(name: string): string {
    return this.#of(name).log;
  }

  /** Runs a program of this machine in the services' network. */
  observe(...command: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync('nsenter', ['-t', String(this.#network.pid), '--net', '--', ...command], { encoding: 'utf8', timeout: patienceMs });
  }

  volume(name: string): string {
    return join(this.#directory, 'volumes', name);
  }

  async stop(): Promise<void> {
    for (const { process, exit } of this.#running.values()) {
      if (exit !== undefined) continue;
      const gone = new Promise((resolve) => process.once('exit', resolve));
      process.kill('SIGKILL');
      await gone;
    }
    this.#network.kill('SIGKILL');
  }

  async #completed(name: string): Promise<void> {
    await eventually(() => this.#of(name).exit !== undefined, `${name} ends`, patienceMs);
    if (this.#of(name).exit !== 0) throw new Error(`${name} failed: ${this.log(name)}`);
  }

  #of(name: string): Running {
    const running = this.#running.get(name);
    if (running === undefined) throw new Error(`${name} was not started`);
    return running;
  }

  #service(name: string): Service {
    const service = this.#file.services[name];
    if (service === undefined) throw new Error(`there is no service ${name}`);
    return service;
  }

  #enter(name: string, service: Service, config: ImageConfig, folder: string, command: readonly string[]): ChildProcess {
    const [user = '0', group = user] = (service.user ?? config.User ?? '0:0').split(':');
    const groups = (service.group_add ?? []).join(',');
    const steps = [
      'set -e',
      'mount --make-rprivate /',
      'mount --bind "$R" "$R"',
      'mount -t proc proc "$R/proc"',
      'mount --bind /dev "$R/dev"',
    ];
    steps.push(`mount --bind '${join(this.#directory, 'hosts')}' "$R/etc/hosts"`);
    // What lies above first, as engines do it.
    const volumes = (service.volumes ?? []).map((volume) => volume.split(':')).sort(([, a = ''], [, b = '']) => (a < b ? -1 : 1));
    for (const [source = '', target = '', mode = 'rw'] of volumes) {
      const from = aBind.test(source) ? source : this.#volume(source, join(folder, target));
      const at = join(folder, target);
      const place = statSync(from).isFile() ? `mkdir -p '${dirname(at)}' && : >'${at}'` : `mkdir -p '${at}'`;
      steps.push(place, `mount --bind '${from}' '${at}'`);
      if (mode === 'ro') steps.push(`mount -o remount,bind,ro '${at}'`);
    }
    for (const each of service.tmpfs ?? []) steps.push(`mount -t tmpfs tmpfs "$R${each.split(':')[0]}"`);
    if (service.read_only === true) steps.push('mount -o remount,bind,ro "$R"');
    const privileges = service.security_opt?.includes('no-new-privileges:true') === true ? 'setpriv --no-new-privs ' : '';
    steps.push(
      `${privileges}chroot --userspec=${user}:${group} --groups='${groups}' "$R" /bin/sh -c 'cd "$0" && exec "$@"' '${config.WorkingDir || '/'}' "$@"`,
    );
    // The shell stays the first process of its namespace: it dies with us, as one that has changed its user does not, and takes all others along.
    steps.push('exit $?');
    const environment = {
      ...Object.fromEntries((config.Env ?? []).map((line) => line.split(/=(.*)/s).slice(0, 2))),
      ...service.environment,
    };
    const all = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: name,
      HOME: '/',
      ...environment,
      R: folder,
    };
    const enter = ['-t', String(this.#network.pid), '--net', '--', 'unshare', '--mount', '--pid', '--fork', '--kill-child', '--'];
    return spawn('nsenter', [...enter, 'sh', '-c', steps.join('\n'), 'sh', ...command], { env: all, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** A new volume takes over what is there in the image, and whose it is. */
  #volume(name: string, inImage: string): string {
    const folder = this.volume(name);
    if (existsSync(folder)) return folder;
    mkdirSync(folder);
    if (!existsSync(inImage)) return folder;
    execFileSync('cp', ['-a', `${inImage}/.`, folder]);
    const { uid, gid, mode } = statSync(inImage);
    chownSync(folder, uid, gid);
    chmodSync(folder, mode);
    return folder;
  }
}
