import { styleText } from 'node:util';
import type { GatewayStatus } from '../gateway/status.ts';
import type { DemoRecord } from './demo-record.ts';

const bars = '▁▂▃▄▅▆▇█';
const barWidth = 24;

/** Score over limit as blocks: the limit is the full height, what is above it is full too. */
const sparkline = (ratios: readonly number[]): string =>
  ratios
    .slice(-barWidth)
    .map((ratio) => bars[Math.min(7, Math.max(0, Math.floor(ratio * 7)))])
    .join('')
    .padEnd(barWidth);

const linkWords = { good: 'up', connecting: 'connecting', degraded: 'down, retrying', failed: 'down', stopped: 'stopped' } as const;

/** One frame of the live terminal view, without the cursor movements. `colour` false gives plain text. */
export function renderFrame(status: GatewayStatus, record: DemoRecord, elapsedS: number, hint: string, colour: boolean): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  const lines = [`${paint('bold', 'fettle demo')}  ${elapsedS.toFixed(0).padStart(3)} s   ${paint('dim', hint)}`, ''];
  lines.push(paint('dim', '  machine            score / limit               last    state'));
  for (const { asset, alarms, watchingText } of status.assets) {
    const ratios = record.ratios.get(asset) ?? [];
    const ratio = ratios.at(-1);
    const value = ratio === undefined ? '  -  ' : ratio.toFixed(2).padStart(5);
    const raised = alarms.length > 0;
    const state = raised
      ? paint('red', '▲ alert')
      : ratio === undefined
        ? paint('dim', '… filling the first window')
        : paint('green', '● in fine fettle');
    lines.push(`  ${asset.padEnd(18)} ${paint(ratio !== undefined && ratio > 1 ? 'red' : 'cyan', sparkline(ratios))}  ${value}   ${state}`);
    for (const alarm of alarms)
      lines.push(`      ${paint('red', alarm.message)}${alarm.advice === null ? '' : paint('yellow', `  → ${alarm.advice}`)}`);
    if (!raised && status.uptimeMs > 8000 && !watchingText.startsWith('watching all')) lines.push(`      ${paint('yellow', watchingText)}`);
  }
  const { samples, badSamples, windows, scores } = status.counters;
  const invalid = Object.entries(status.counters.invalidWindows).filter(([, count]) => count > 0);
  const [plc, sensors] = Object.values(status.sources);
  const cloud = status.sinks.cloud;
  const lanes = cloud?.delivery.lanes;
  const waiting = lanes === undefined ? 0 : lanes.alarms.points + lanes.results.points + lanes.samples.points;
  const link = cloud?.delivery.link.up === true ? paint('green', 'up') : paint('red', linkWords[cloud?.delivery.state ?? 'connecting']);
  lines.push(
    '',
    `  ${paint('dim', 'sources')}   modbus ${plc?.state ?? '-'} (${plc?.counters.requests ?? 0} reads)   mqtt ${sensors?.state ?? '-'} (${sensors?.counters.messages ?? 0} messages, QoS 1)`,
    `  ${paint('dim', 'samples')}   ${samples}${badSamples > 0 ? ` (${badSamples} bad)` : ''}   windows ${windows}   scores ${scores}${invalid.length > 0 ? `   invalid: ${invalid.map(([reason, count]) => `${count} ${reason}`).join(', ')}` : ''}`,
    `  ${paint('dim', 'journal')}   ${status.journal.commits} commits, last ${status.journal.commitMs.toFixed(1)} ms, on the disk before any acknowledgement`,
    `  ${paint('dim', 'cloud')}     link ${link}   outbox ${waiting} points waiting   ${cloud?.delivery.counters.delivered ?? 0} synced`,
    '',
    ...record.messages.slice(-7).map((message) => `  ${message.includes('RAISED') ? paint('red', message) : paint('green', message)}`),
  );
  return `${lines.join('\n')}\n`;
}
