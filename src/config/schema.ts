import { z } from 'zod';
import { durationMs, pathName, sizeBytes, timesADay, url } from '../core/fields.ts';
import { sinkDefinitions } from '../sinks/index.ts';
import { alertsSchema } from '../sinks/mqtt/config.ts';
import { sourceDefinitions } from '../sources/index.ts';
import { compileRunning } from '../windows/running.ts';

/** The whole of fettle.yaml. Sources, sinks and alerts declare their part beside their code. */

const journalSchema = z.strictObject({
  maxBytes: sizeBytes()
    .prefault('2GB')
    .describe('Largest size of the database; the oldest history goes first, and what is dropped is counted.'),
  maxAge: durationMs().prefault('30d').describe('How long history is kept.'),
  commit: durationMs()
    .prefault('20ms')
    .describe(
      'Longest wait of an acknowledgement or an alarm for a commit; usually the disk alone sets the pace. 1s where nobody waits for one.',
    ),
  onDiskFull: z
    .enum(['acknowledge', 'hold'])
    .default('acknowledge')
    .describe('acknowledge: go on, count what is not kept and record the gap; hold: acknowledge nothing, so the broker keeps it.'),
});

const percentOrNumber = () =>
  z.union([z.number().nonnegative(), z.string().regex(/^\d+(\.\d+)?\s*%$/, 'must be a number or a percentage like 10%')]);

const percentage = () =>
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*%$/, 'must be a percentage like 10%')
    .transform((text) => Number.parseFloat(text) / 100);

const limitsSchema = z
  .strictObject({
    hihi: z.number().optional().describe('High-high limit.'),
    hi: z.number().optional().describe('High limit.'),
    lo: z.number().optional().describe('Low limit.'),
    lolo: z.number().optional().describe('Low-low limit.'),
    rate: z.number().positive().optional().describe('Largest change per second.'),
  })
  .superRefine(({ hihi, hi, lo, lolo }, context) => {
    const rising = [
      ['lolo', lolo],
      ['lo', lo],
      ['hi', hi],
      ['hihi', hihi],
    ].filter(([, value]) => value !== undefined) as [string, number][];
    for (let i = 1; i < rising.length; i++) {
      const [below, low] = rising[i - 1] as [string, number];
      const [above, high] = rising[i] as [string, number];
      if (low >= high) context.addIssue({ code: 'custom', path: [above], message: `${above} (${high}) must be above ${below} (${low})` });
    }
  });

const tagSchema = z.strictObject({
  engineeringUnit: z.string().optional().describe('Unit shown with the value: °C, A, bar.'),
  limits: limitsSchema.optional().describe('Ordinary limits, in engineering units, judged on the rows of the asset.'),
  deadband: percentOrNumber()
    .default(0)
    .describe('How far the value must come back before a limit alarm ends: engineering units, or a share of the limit.'),
  onDelay: durationMs().prefault('0ms').describe('How long the value must be beyond the limit before it is raised.'),
  offDelay: durationMs().prefault('0ms').describe('How long it must be back before the alarm ends.'),
  flatline: durationMs().optional().describe('Raise when the value has not changed at all for this long.'),
  badQuality: durationMs().optional().describe('Raise when the tag has given nothing usable for this long.'),
  maxAge: durationMs()
    .optional()
    .describe(
      'How long the last value may stand in for a missing one. Three steps of the grid or three poll periods when absent, whichever is longer.',
    ),
  hold: z.boolean().default(false).describe('The tag reports on change: its last value stands until maxAge.'),
  advice: z.string().optional().describe('What a person should do when a limit of this tag is raised.'),
});

const windowSchema = z.strictObject({
  step: durationMs().prefault('1s').describe('Step of the grid: samples within a step become one row.'),
  length: z.int().min(2).max(65_536).default(64).describe('Steps in a window.'),
  slide: z.int().min(1).max(65_536).default(8).describe('Steps between two windows.'),
  allowedLateness: durationMs()
    .prefault('2s')
    .describe('How far samples may lag behind the newest one of their source and still enter their window.'),
});

const learnSchema = z.strictObject({
  provisional: durationMs()
    .prefault('30m')
    .describe('Valid running time after which a first model begins to judge; its verdicts are provisional.'),
  established: durationMs().prefault('3d').describe('Valid running time after which the model is learnt anew and trusted.'),
  recogniseStops: z
    .boolean()
    .default(true)
    .describe(
      'Where running.when is not given: look for stops in what is learnt from, leave them out, and do not judge the machine while it stands still. fettle status shows what was recognised.',
    ),
  renew: durationMs()
    .optional()
    .describe(
      'Valid running time after which a candidate is learnt to follow the model in force. Never when absent, but after newNormal and slow change.',
    ),
  shadow: durationMs()
    .prefault('1d')
    .describe('Valid running time a candidate judges beside the model in force, unheard, before promote: auto may put it in force.'),
  promote: z
    .enum(['command', 'auto'])
    .default('command')
    .describe(
      'command: a person puts a candidate in force (fettle model promote). auto: so does the gateway, when it raised no more than the model in force and its self-test sees no less; never one learnt because of slow change.',
    ),
});

const driftSchema = z.strictObject({
  since: z.literal('commissioning').default('commissioning').describe('Against what: the rows the model was learnt from.'),
  warn: z
    .string()
    .regex(/^\d+(\.\d+)?\s*sd$/, 'must be a number of deviations, like 4sd')
    .prefault('4sd')
    .transform((text) => Number.parseFloat(text))
    .describe('How far the long mean of a channel may go, in deviations of the channel while learning.'),
  over: durationMs().prefault('7d').describe('How far back the long mean looks.'),
});

export const driftDefaults = driftSchema.parse({});

const detectorSchema = z
  .strictObject({
    model: z.string().min(1).optional().describe('Folder of the model bundle, relative to this file.'),
    learn: learnSchema.optional().describe('Learn what normal is from the asset itself, instead of a model that was made elsewhere.'),
    drift: driftSchema
      .optional()
      .describe('Warn of slow wear, which the detector itself follows. On for assets that learn from themselves.'),
    budget: timesADay()
      .optional()
      .describe('False alarms that can be put up with, for example 1/week: sets the limit once there is enough history to tell.'),
    precision: z
      .enum(['fp32', 'int8', 'int4', 'int2', 'auto'])
      .default('int8')
      .describe('Of what is learnt here. auto: the smallest that loses at most `loss`.'),
    family: z
      .enum(['linear', 'dense', 'conv1d', 'auto'])
      .default('linear')
      .describe(
        'Kind of network of what is learnt here. auto: another than linear where it tells small steps from healthy windows clearly better, found without labels within a minute.',
      ),
    loss: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe('precision: auto: what may be lost of the area under the curve, measured beside fp32 on the machine that learns.'),
    channels: z
      .record(z.string(), pathName())
      .optional()
      .describe('Channel of the model to tag, where the names do not tell: exact name first, then the last level of it.'),
  })
  .superRefine(({ model, learn, channels }, context) => {
    if ((model === undefined) === (learn === undefined)) {
      const message =
        model === undefined
          ? 'give a model, or learn: {} to learn one here'
          : 'a model was made elsewhere and learn makes one here: give one of the two';
      context.addIssue({ code: 'custom', path: [model === undefined ? 'model' : 'learn'], message });
    }
    if (learn !== undefined && channels !== undefined)
      context.addIssue({ code: 'custom', path: ['channels'], message: 'only a model that was made elsewhere has channels to name' });
  });

const runningSchema = z.strictObject({
  when: z
    .string()
    .superRefine((text, context) => {
      try {
        compileRunning(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: `"${text}": ${(error as Error).message}` });
      }
    })
    .describe('Expression over tags that is true while the machine runs, e.g. line1/press/state == 3.'),
  settle: durationMs().prefault('0ms').describe('How long after a start the machine is not judged yet.'),
});

const alarmSchema = z.strictObject({
  kind: z.enum(['alert', 'alarm']).default('alert').describe('alarm only where an operator must act in time (ISA-18.2).'),
  priority: z.enum(['low', 'medium', 'high', 'critical']).default('medium').describe('Priority shown with it.'),
  onDelay: durationMs().prefault('0ms').describe('How long the condition must hold before it is raised.'),
  offDelay: durationMs().prefault('0ms').describe('How long it must be over before the alarm ends.'),
  deadband: percentage().prefault('10%').describe('Share of the limit by which the score must fall below it before the alarm ends.'),
  latching: z.boolean().default(false).describe('Stays until a person resets it.'),
  acknowledge: z
    .enum(['automatic', 'required'])
    .optional()
    .describe('automatic: an alarm that has ended needs nobody. Automatic for alerts, required for alarms when absent.'),
  notWatchedAfter: durationMs().prefault('10m').describe('Raise when the asset could not be judged for this long.'),
  advice: z.string().optional().describe('What a person should do.'),
  consequence: z.string().optional().describe('What happens if nobody does.'),
});

const assetSchema = z.strictObject({
  id: pathName().describe('Name of the machine; levels with /.'),
  tags: z.array(pathName()).min(1).describe('Tags that belong to it.'),
  window: windowSchema.prefault({}).describe('Grid and windows.'),
  detector: detectorSchema.optional().describe('Model that judges the windows; limits alone are an asset too.'),
  context: pathName()
    .optional()
    .describe(
      'Tag with what the machine makes (product, recipe): each value has a model of its own, learnt from the asset itself. A value that is new is learnt first, and raises nothing.',
    ),
  running: runningSchema.optional().describe('When the machine runs; stopped, it is suppressed by design and never scored.'),
  alarm: alarmSchema.prefault({}).describe('How its alarms behave.'),
});

const serverSchema = z.strictObject({
  listen: z
    .string()
    .regex(/^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i, 'must be host:port')
    .default('127.0.0.1:7171')
    .describe('Where dashboard and HTTP API listen; port 0 takes any free one. 0.0.0.0:7171 for the whole network: then with tls.'),
  names: z
    .array(z.string().regex(/^[a-z0-9.-]+$/, 'must be a host name in lower case'))
    .default([])
    .describe(
      'Host names people reach it by; addresses and localhost are always answered. A page elsewhere cannot borrow the gateway then.',
    ),
  tls: z
    .union([
      z.literal('auto'),
      z.strictObject({
        cert: z.string().describe('File with the certificate (and those between it and the authority), PEM.'),
        key: z.string().describe('File with its key, PEM.'),
      }),
    ])
    .optional()
    .describe('HTTPS with a certificate of your own, or auto: one the gateway makes for itself and keeps in data. HTTP when absent.'),
});

const nodeRedSchema = z.strictObject({
  enabled: z.boolean().default(false).describe('Node-RED is started beside the gateway, in a process of its own.'),
  listen: z
    .string()
    .regex(/^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i, 'must be host:port')
    .default('127.0.0.1:1880')
    .describe(
      'Where its editor listens; another port where this one is taken. Engineers and admins of the gateway change flows, others look.',
    ),
  installation: z
    .string()
    .optional()
    .describe('Folder in which npm install node-red @fettle/node-red was run; where Fettle itself is when absent.'),
});

/** Assets that the registers of a Modbus server have room for. */
const mostExposed = 6_543;

const exposeModbusSchema = z.strictObject({
  url: url('tcp').describe(
    'Where it listens: tcp://127.0.0.1:1502; tcp://0.0.0.0:1502 for the whole network. There is no login in Modbus.',
  ),
  assets: z
    .array(z.string().min(1))
    .min(1)
    .max(mostExposed)
    .optional()
    .describe('In which order assets have their registers; that of this file when absent. Named here, a new asset moves nobody.'),
});

const exposeSchema = z.strictObject({
  modbus: z
    .union([url('tcp').transform((address) => ({ url: address, assets: undefined })), exposeModbusSchema])
    .optional()
    .describe('A Modbus TCP server that can only be read: bits for alarms, scores, a heartbeat. fettle expose prints the register list.'),
});

const logSchema = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least important line that is written.'),
});

export const configSchema = z.strictObject({
  site: z
    .string()
    .regex(/^[^/+#$\s]+$/, 'must be one level without spaces, / + # $')
    .describe('Name of the plant; the first level of every topic.'),
  include: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Further files with sources, tags, assets and sinks, relative to this one; patterns like lines/*.yaml are taken in order of their names.',
    ),
  data: z.string().min(1).default('./data').describe('Directory for the database, relative to this file.'),
  journal: z
    .union([z.literal('off'), journalSchema])
    .prefault({})
    .describe('The log of samples; off keeps none, with no promise across a crash.'),
  limits: z
    .strictObject({
      tags: z.int().min(1).default(100_000).describe('Most different tags; a template that makes more is refused, counted.'),
      texts: z.int().min(1).default(100_000).describe('Most different texts of string tags.'),
      memory: sizeBytes().prefault('64MB').describe('Samples that may wait for the disk; then the sources are held back.'),
    })
    .prefault({})
    .describe('Bounds.'),
  sources: z.array(z.discriminatedUnion('type', sourceSchemas())).default([]).describe('Where samples come from.'),
  tags: z.record(pathName(), tagSchema).default({}).describe('What holds for a tag wherever it comes from.'),
  assets: z.array(assetSchema).default([]).describe('The machines that are watched.'),
  detector: z
    .strictObject({
      budget: timesADay()
        .optional()
        .describe(
          'False alarms of the whole site that can be put up with, for example 1/day: assets that learn and have no budget of their own share it.',
        ),
    })
    .prefault({})
    .describe('What all detectors share.'),
  alerts: alertsSchema.optional().describe('MQTT broker the alerts are published to.'),
  sinks: z.array(z.discriminatedUnion('type', sinkSchemas())).default([]).describe('Where results are synced to.'),
  server: serverSchema.prefault({}).describe('Dashboard and HTTP API.'),
  nodeRed: nodeRedSchema.prefault({}).describe('An editor for flows beside the gateway.'),
  expose: exposeSchema.optional().describe('Alarms and scores for other systems to read.'),
  log: logSchema.prefault({}).describe('Log.'),
});

export type Config = z.output<typeof configSchema>;
export type AssetConfig = z.output<typeof assetSchema>;
export type TagConfig = z.output<typeof tagSchema>;

/** As `tags` says, else as the source does; null where nobody does. */
export function engineeringUnitOf({ tags, sources }: Config, tag: string): string | null {
  const configured = tags[tag]?.engineeringUnit;
  if (configured !== undefined) return configured;
  for (const source of sources) {
    if (source.type === 'mqtt') continue;
    const unit = source.tags.find((one) => one.tag === tag)?.engineeringUnit;
    if (unit !== undefined) return unit;
  }
  return null;
}

/** False alarms a day an asset may raise: its own budget, or its part of what the site leaves to those without one. */
export function budgetOf({ assets, detector: { budget: ofSite } }: Config, { detector }: AssetConfig): number | undefined {
  if (detector?.budget !== undefined || ofSite === undefined) return detector?.budget;
  const learning = assets.filter((asset) => asset.detector?.learn !== undefined);
  const own = learning.reduce((sum, asset) => sum + (asset.detector?.budget ?? 0), 0);
  const sharing = learning.filter((asset) => asset.detector?.budget === undefined).length;
  return Math.max(ofSite - own, 0) / sharing || undefined;
}

function sourceSchemas() {
  const [modbus, mqtt, http] = sourceDefinitions;
  return [modbus.schema, mqtt.schema, http.schema] as const;
}

function sinkSchemas() {
  const [first, ...rest] = sinkDefinitions.map((definition) => definition.schema);
  if (first === undefined) throw new Error('no sink is registered');
  return [first, ...rest] as const;
}
