import type { Clock } from '../../src/core/clock.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A site whose samples go to a store that nobody reaches, and a clock that can be put ahead. */
export function cutOffSite() {
  const ahead = { ms: 0 };
  const clock: Clock = { wallMs: () => Date.now() + ahead.ms, monotonicMs: () => performance.now() + ahead.ms };
  const configuration = {
    site: 'north',
    data: temporaryDirectory(),
    journal: { maxBytes: '64MB' },
    sources: [{ id: 'program', type: 'http', tags: [{ tag: 'press/flow' }] }],
    sinks: [{ id: 'cloud', type: 'influxdb', url: 'http://127.0.0.1:1', send: ['samples', 'alarms'] }],
  };
  return { configuration, clock, ahead };
}
