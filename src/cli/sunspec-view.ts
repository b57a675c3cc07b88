import { stringify } from 'yaml';
import type { SunspecDevice, SunspecValue } from '../commissioning/sunspec.ts';
import { proposedTags } from '../commissioning/sunspec-tags.ts';
import type { Paint } from './status-view.ts';

/** Models with what they say. Ends with a line break. */
export function renderSunspec({ unit, base, models }: SunspecDevice, paint: Paint): string {
  const common = models.find(({ id }) => id === 1)?.values ?? [];
  const said = ['Mn', 'Md', 'Vr', 'SN'].map((name) => common.find((value) => value.name === name)?.value).filter((value) => value != null);
  const lines = [paint('bold', `unit ${unit}, SunSpec at ${base}: ${said.join(', ')}`)];
  for (const { id, label, address, length, values } of models) {
    lines.push('', paint('bold', `${id} ${label}`) + paint('dim', ` (holding registers ${address}-${address + length + 1})`));
    const given = values.filter(
      ({ value, type, name }) => value !== null && type !== 'sunssf' && type !== 'pad' && name !== 'ID' && name !== 'L',
    );
    if (values.length === 0)
      lines.push(paint('yellow', '  no definition of this model was published: fettle modbus read shows its registers'));
    const width = Math.max(0, ...given.map(({ path }) => path.length));
    for (const value of given) lines.push(`  ${value.path.padEnd(width)}  ${shown(value)}`);
    const absent = values.filter(({ value, type }) => value === null && type !== 'pad').length;
    if (absent > 0) lines.push(paint('dim', `  ${absent} values it does not have`));
  }
  return `${lines.join('\n')}\n\n→ --yaml proposes ${proposedTags({ unit, base, models }, 'x').length} tags for fettle.yaml\n`;
}

function shown({ value, units, labels, type }: SunspecValue): string {
  if (typeof value === 'string') return value;
  const label = labels?.[String(value)];
  if (label !== undefined) return `${value} (${label.toLowerCase().replaceAll('_', ' ')})`;
  if (type.startsWith('bitfield')) return `0x${(value as number).toString(16)}`;
  return units === undefined ? String(value) : `${value} ${units}`;
}

/** A source for fettle.yaml. */
export function renderSource(device: SunspecDevice, url: string, prefix: string): string {
  const source = { id: prefix.split('/').at(-1), type: 'modbus', url, unit: device.unit, poll: '1s', tags: proposedTags(device, prefix) };
  return stringify({ sources: [source] }, { collectionStyle: 'any', flowCollectionPadding: true, lineWidth: 200 });
}
