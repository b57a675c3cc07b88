import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../house/sources.ts';

const run = promisify(execFile);
const largestAnswer = 50_000_000;

/** What an image says of how it is started. */
export interface ImageConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

/** Images in a store of their own, made by buildah, which needs no daemon. There is no registry here: what a registry would give is stood in for by Debian trees. */
export class Images {
  readonly #directory: string;
  readonly #storage: readonly string[];

  constructor(directory: string) {
    this.#directory = directory;
    this.#storage = ['--root', join(directory, 'store'), '--runroot', join(directory, 'run'), '--storage-driver', 'overlay'];
  }

  /** A bare Debian by the names of what the Dockerfile builds upon. That for Node has the Node and npm of this machine: `npm ci` brings the one that counts. */
  async base(debian: string, node: string): Promise<void> {
    const container = await this.#tree([]);
    await this.#buildah('commit', '-q', container, debian);
    const folder = (await this.#buildah('mount', container)).trim();
    const npm = join(realpathSync(which('npm')), '../..');
    cpSync(realpathSync(which('node')), join(folder, 'usr/bin/node'));
    cpSync(npm, join(folder, 'usr/lib/node_modules/npm'), { recursive: true });
    for (const name of ['npm', 'npx']) {
      writeFileSync(join(folder, 'usr/bin', name), `#!/bin/sh\nexec node /usr/lib/node_modules/npm/bin/${name}-cli.js "$@"\n`);
      chmodSync(join(folder, 'usr/bin', name), 0o755);
    }
    // How this machine reaches npm's registry.
    for (const file of [join(homedir(), '.npmrc'), '/etc/npmrc', '/usr/etc/npmrc', '/etc/ssl/certs/ca-certificates.crt'])
      if (existsSync(file)) cpSync(file, join(folder, file), { recursive: true });
    await this.#buildah('config', '--env', 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt', container);
    await this.#buildah('commit', '-q', container, node);
  }

  /** A Debian with packages, by the names of images that have the same programs; `files` beside them. */
  async standIn(names: readonly string[], packages: readonly string[], files: Readonly<Record<string, string>>): Promise<void> {
    const container = await this.#tree(packages);
    const folder = (await this.#buildah('mount', container)).trim();
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), text, { mode: 0o755 });
    }
    for (const name of names) await this.#buildah('commit', '-q', container, name);
  }

  /** Throws with what the build said. */
  async build(context: string, target: string, tag: string): Promise<void> {
    await this.#buildah(
      'build',
      '--isolation',
      'chroot',
      '--layers',
      '--pull-never',
      '--format',
      'docker',
      '--target',
      target,
      '-t',
      tag,
      context,
    );
  }

  async config(image: string): Promise<ImageConfig> {
    const said = JSON.parse(await this.#buildah('inspect', '--type', 'image', image)) as { Docker: { config: ImageConfig } };
    return said.Docker.config;
  }

  /** Where the files of a new container of `image` are. */
  async container(image: string): Promise<string> {
    const name = (await this.#buildah('from', '--pull-never', image)).trim();
    return (await this.#buildah('mount', name)).trim();
  }

  async dispose(): Promise<void> {
    await this.#buildah('umount', '--all').catch(() => {});
    await this.#buildah('rm', '--all').catch(() => {});
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #tree(packages: readonly string[]): Promise<string> {
    const tar = join(this.#directory, `debian-${packages.length}.tar`);
    mkdirSync(this.#directory, { recursive: true });
    const include = packages.length === 0 ? [] : [`--include=${packages.join(',')}`];
    await run('mmdebstrap', ['--quiet', '--variant=minbase', ...include, 'bookworm', tar], { maxBuffer: largestAnswer });
    const container = (await this.#buildah('from', 'scratch')).trim();
    await this.#buildah('add', container, tar, '/');
    rmSync(tar);
    return container;
  }

  async #buildah(...args: readonly string[]): Promise<string> {
    try {
      return (await run('buildah', [...this.#storage, ...args], { maxBuffer: largestAnswer })).stdout;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`buildah ${args[0]}: ${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
    }
  }
}

const which = (name: string): string =>
  execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8', env: { PATH: outside } }).trim();
// Not the Node that npm puts in front for the project's scripts.
const outside = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => !folder.startsWith(root))
  .join(':');
