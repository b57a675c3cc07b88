import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Architecture, run } from './make-tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const packaging = join(root, 'packaging');
const debianNames: Record<Architecture, string> = { x64: 'amd64', arm64: 'arm64' };

const control = (version: string, architecture: string, kilobytes: number): string => `Package: fettle
Version: ${version}
Architecture: ${architecture}
Maintainer: Fettle <packages@fettle.invalid>
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.28), libstdc++6 (>= 8), passwd
Section: misc
Priority: optional
Description: Anomaly-detection gateway for machines
 Reads sensors over Modbus and MQTT, watches every machine with a small
 quantized model, raises explained alerts on MQTT and delivers results to
 InfluxDB whenever the link is up. Brings its own Node.js and packages.
`;

/** A .deb of a tree as `makeTree` made it, in `folder`. Returns its path. */
export function makeDeb(tree: string, folder: string, staging: string, architecture: Architecture): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  for (const part of ['DEBIAN', 'opt', 'usr/bin', 'lib/systemd/system', 'etc/fettle']) mkdirSync(join(staging, part), { recursive: true });
  cpSync(tree, join(staging, 'opt/fettle'), { recursive: true, verbatimSymlinks: true });
  symlinkSync('/opt/fettle/fettle', join(staging, 'usr/bin/fettle'));
  cpSync(join(packaging, 'fettle.service'), join(staging, 'lib/systemd/system/fettle.service'));
  cpSync(join(packaging, 'fettle.yaml'), join(staging, 'etc/fettle/fettle.yaml'));
  const kilobytes = Number(run('du', ['-sk', join(staging, 'opt')], root).split('\t')[0]);
  writeFileSync(join(staging, 'DEBIAN/control'), control(version, debianNames[architecture], kilobytes));
  writeFileSync(join(staging, 'DEBIAN/conffiles'), '/etc/fettle/fettle.yaml\n');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    cpSync(join(packaging, script), join(staging, 'DEBIAN', script));
    chmodSync(join(staging, 'DEBIAN', script), 0o755);
  }
  const file = join(folder, `fettle_${version}_${debianNames[architecture]}.deb`);
  run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', staging, file], root);
  return file;
}
