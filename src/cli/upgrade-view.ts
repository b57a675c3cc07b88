import { formatProblem } from '../config/load.ts';
import { formatBytes, formatDuration } from '../core/duration.ts';
import type { UpgradeReport } from '../gateway/upgrade-report.ts';
import { printable } from './aligned.ts';
import type { Paint } from './status-view.ts';

const marks = { good: ['●', 'green'], change: ['▲', 'yellow'], bad: ['✗', 'red'] } as const;

interface Row {
  readonly mark: keyof typeof marks;
  readonly what: string;
  readonly text: string;
  readonly advice?: string;
}

/** What `fettle upgrade check` says to a person. Ends with a line break. */
export function renderUpgrade(report: UpgradeReport, paint: Paint): string {
  const rows = [...data(report), ...copy(report), ...configuration(report), ...models(report), ...state(report), ...devices(report)];
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.flatMap(({ mark, what, text, advice }) => [
    `  ${paint(marks[mark][1], marks[mark][0])} ${what.padEnd(width)}  ${printable(text)}`,
    ...(advice === undefined ? [] : [paint('yellow', `    ${' '.repeat(width)}  → ${printable(advice)}`)]),
  ]);
  return `${paint('bold', headline(report))}\n\n${lines.join('\n')}\n\n${verdict(report, paint)}\n`;
}

function headline({ fromVersion, toVersion, fromSchema, toSchema, data, running }: UpgradeReport): string {
  const known = fromVersion === null ? undefined : `Fettle ${fromVersion}`;
  const from = known ?? (fromSchema === null ? undefined : fromSchema < toSchema ? 'an older Fettle' : 'another Fettle');
  const versions = from === undefined || fromVersion === toVersion ? `Fettle ${toVersion}` : `${from} → ${toVersion}`;
  return `${versions} on ${data}${running ? ', where a gateway runs: it goes on' : ''}`;
}

function data({ fromSchema, toSchema, migrations, fromVersion }: UpgradeReport): Row[] {
  if (fromSchema === null) return [{ mark: 'good', what: 'data', text: 'there are none yet' }];
  if (fromSchema > toSchema) {
    return [
      {
        mark: 'bad',
        what: 'data',
        text: `of schema ${fromSchema}; this version knows ${toSchema} and will not start on them`,
        advice: `${fromVersion === null ? 'start the newer version' : `start Fettle ${fromVersion}`}, or go back to the data of before its upgrade: fettle upgrade undo`,
      },
    ];
  }
  if (migrations.length === 0)
    return [{ mark: 'good', what: 'data', text: `of schema ${toSchema}, as this version writes them: stay as they are` }];
  return migrations.map(({ schema, words }) => ({ mark: 'change', what: `data ${schema - 1} → ${schema}`, text: words }));
}

function copy({ copy }: UpgradeReport): Row[] {
  if (copy === null) return [];
  const { file, bytes, freeBytes, neededBytes, fits, replaces, secondsOnDisk, secondsOnCard } = copy;
  const took =
    secondsOnCard === secondsOnDisk
      ? 'a second'
      : `${formatDuration(secondsOnDisk * 1000)}, on an SD card up to ${formatDuration(secondsOnCard * 1000)}`;
  const row: Row = {
    mark: fits ? 'good' : 'bad',
    what: 'copy',
    text: `about ${formatBytes(bytes)} are kept in ${file} first, of ${formatBytes(freeBytes)} free; takes about ${took}`,
    ...(!fits && { advice: `make room: ${formatBytes(neededBytes)} are needed; or let it run with a lower journal.maxBytes first` }),
  };
  return [row, ...replaces.map((old): Row => ({ mark: 'change', what: 'copy', text: `${old}, of an earlier upgrade, goes` }))];
}

function configuration({ problems }: UpgradeReport): Row[] {
  if (problems.length === 0) return [{ mark: 'good', what: 'configuration', text: 'every key is known to this version' }];
  return problems.map((problem) => ({ mark: 'bad', what: 'configuration', text: formatProblem(problem) }));
}

function models({ models }: UpgradeReport): Row[] {
  const unusable = models.filter(({ problem }) => problem !== null);
  const usable = models.length - unusable.length;
  return [
    ...(usable === 0
      ? []
      : [
          {
            mark: 'good',
            what: 'models',
            text: `${counted(usable, 'model')} in force: score here as they did where they were learnt`,
          } as const,
        ]),
    ...unusable.map(
      ({ asset, bundle, problem }): Row => ({
        mark: 'bad',
        what: 'models',
        text: `${asset} would be without its model (${bundle}): ${problem}`,
        advice: 'it would learn again, and not be judged until then; the bundle stays for the version that can use it',
      }),
    ),
  ];
}

function state({ state, anew, running }: UpgradeReport): Row[] {
  const what = 'state';
  const row: Record<UpgradeReport['state'], Row[]> = {
    none: [],
    kept: [{ mark: 'good', what, text: 'alarms, windows and baselines go on where they are' }],
    rebuilt: [{ mark: 'change', what, text: 'alarms, windows and baselines are made anew from the journal; the first start takes longer' }],
    unknown: [
      {
        mark: 'change',
        what,
        text: running ? 'only to be looked at while no gateway runs' : 'cannot be looked at',
        ...(running && { advice: 'stop the gateway and ask again, if you want to know before' }),
      },
    ],
  };
  return [
    ...row[state],
    ...anew.map((asset): Row => ({ mark: 'change', what, text: `${asset} begins anew: its grid or tags are not those of the last run` })),
  ];
}

function devices({ remembered, forgotten }: UpgradeReport): Row[] {
  return [
    ...(remembered === 0
      ? []
      : [{ mark: 'good', what: 'devices', text: `what was learnt of ${counted(remembered, 'source')} is kept` } as const]),
    ...forgotten.map((id): Row => ({ mark: 'change', what: 'devices', text: `what was learnt of the devices of ${id} is found out anew` })),
  ];
}

function verdict({ safe, fromSchema, copy }: UpgradeReport, paint: Paint): string {
  if (!safe) return paint('red', 'Something needs a person before this version is started (✗).');
  const kept = 'Samples, results, what waits for sinks, models, users and the configuration files stay as they are.';
  if (fromSchema === null || copy === null) return `${paint('green', 'Safe.')} ${kept}`;
  return `${paint('green', 'Safe.')} ${kept}\nTo go back within 30 days: fettle upgrade undo, then the version before.`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
