/** What stands between mqtt in and mqtt out. */
export type FlowWork =
  /** A function node: windows, mean and deviation, no inference. */
  | { readonly kind: 'function'; readonly windowsToo: boolean }
  /** A function node: for each message a window, and a bare run of ONNX Runtime, one message after the other. */
  | { readonly kind: 'runs'; readonly model: string }
  /** The nodes window, score and alarm. */
  | { readonly kind: 'fettle'; readonly model: string };

export interface FlowSettings {
  readonly work: FlowWork;
  /** Of the broker. */
  readonly url: string;
  /** Subscription whose second level is the asset. */
  readonly topic: string;
  /** Fields of a message that are watched; `ts` is its event time, ms. */
  readonly channels: readonly string[];
  readonly stepMs: number;
  /** Of a window and of its slide, rows of the grid. */
  readonly length: number;
  readonly slide: number;
  /** Standard deviation within a window from which on an asset is in alarm. */
  readonly limit: number;
}

/** The id of the node that takes every message in. */
export const takingNode = 'windows';
/** The id of the node whose messages are windows, judged in one way or another. */
export const judgingNode = 'judged';
/** What the function of `runs` finds in its global context. */
export interface BareModel {
  /** Score by limit. */
  ratio(window: Float32Array): Promise<number>;
}

/** Where its alerts go: root, site, asset, as Fettle's do. */
export const alertTopics = 'node-red/bench/+/alarm/event';

/**
 * mqtt in → … → mqtt out, as one would draw it in the editor. The function: windows of the event-time grid for each asset, an alert at QoS 1 when an asset enters or leaves alarm, and where `windowsToo`
 * mean and standard deviation of every channel published for each window at QoS 0. A window is closed by the first message behind it, as Fettle's is without allowed lateness.
 */
export function nodeRedFlow(settings: FlowSettings): object[] {
  const { url, topic, work } = settings;
  const { hostname, port } = new URL(url);
  const out = (id: string, qos: 0 | 1): object => ({
    id,
    type: 'mqtt out',
    z: 'flow',
    broker: 'broker',
    topic: '',
    qos: `${qos}`,
    wires: [],
  });
  const connection = { clientid: '', autoConnect: true, protocolVersion: '5', keepalive: '60', cleansession: true };
  const common = [
    { id: 'flow', type: 'tab', label: 'windows' },
    { id: 'broker', type: 'mqtt-broker', broker: hostname, port, ...connection },
    { id: 'in', type: 'mqtt in', z: 'flow', broker: 'broker', topic, qos: '0', datatype: 'json', wires: [[takingNode]] },
    out('alert', 1),
  ];
  if (work.kind === 'fettle') return [...common, ...fettleNodes(topic.replace('+', '{asset}'), work.model)];
  const isRunning = work.kind === 'runs';
  const withWindows = work.kind === 'function' && work.windowsToo;
  const node = { id: takingNode, type: 'function', z: 'flow', outputs: 2, timeout: 0, wires: [['alert'], withWindows ? ['window'] : []] };
  const [initialize, func] = isRunning ? [onStartRunning(settings), onMessageRunning] : [onStart(settings, withWindows), onMessage];
  return [...common, ...(withWindows ? [out('window', 0)] : []), { ...node, initialize, func }];
}

const fettleNodes = (topic: string, model: string): object[] => {
  const alarm = { onDelay: '0s', offDelay: '0s', deadband: '10%', priority: 'medium', latching: false, advice: '' };
  const window = { asset: topic, assetType: 'topic', model: 'model', values: '', lateness: '0ms' };
  const rules = [{ t: 'set', p: 'topic', pt: 'msg', to: "'node-red/bench/' & topic & '/alarm/event'", tot: 'jsonata' }];
  return [
    { id: 'model', type: 'fettle-model', model },
    { id: takingNode, type: 'fettle-window', z: 'flow', ...window, wires: [[judgingNode], []] },
    { id: judgingNode, type: 'fettle-score', z: 'flow', model: 'model', wires: [['alarm']] },
    { id: 'alarm', type: 'fettle-alarm', z: 'flow', ...alarm, wires: [[], ['named']] },
    { id: 'named', type: 'change', z: 'flow', rules, wires: [['alert']] },
  ];
};

/**
 * The work itself stands in "On Start" as functions that the context keeps: the body of a function node is made anew for every message, so its code stays in the interpreter, theirs
 * gets compiled (measured: 25 instead of 37 µs of CPU for a message). Numbers in a ring of the asset instead of a list of messages: nothing is moved when the window
 * slides, and nothing is left to collect.
 */
const onStart = ({ channels, stepMs, length, slide, limit }: FlowSettings, windowsToo: boolean): string => `
const channels = ${JSON.stringify(channels)};
const [step, length, slide, limit] = [${stepMs}, ${length}, ${slide}, ${limit}];
const width = channels.length;
const assets = new Map();
const { sqrt, floor } = Math;

function closed(name, asset) {
  const { ring } = asset;
  const mean = [], std = [];
  let alarm = false;
  for (let c = 0; c < width; c++) {
    let sum = 0, squares = 0;
    for (let i = c; i < ring.length; i += width) sum += ring[i];
    const m = sum / length;
    for (let i = c; i < ring.length; i += width) squares += (ring[i] - m) * (ring[i] - m);
    mean.push(m);
    std.push(sqrt(squares / length));
    if (std[c] > limit) alarm = true;
  }
  const at = new Date(asset.end * step).toISOString();
  const messages = ${windowsToo ? "[null, { topic: 'node-red/bench/' + name + '/window', payload: { at, mean, std } }]" : '[null, null]'};
  if (alarm !== asset.alarm) {
    asset.alarm = alarm;
    messages[0] = { topic: 'node-red/bench/' + name + '/alarm/event', payload: { at, to: alarm ? 'unacknowledged' : 'normal', std } };
  }
  return messages;
}

const state = { windows: 0, take };
function take(topic, row) {
  const name = topic.split('/')[1];
  const n = floor(row.ts / step);
  let asset = assets.get(name);
  if (asset === undefined || n >= asset.end + slide) {
    asset = { ring: new Float64Array(length * width), rows: 0, end: (floor(n / slide) + 1) * slide, alarm: asset !== undefined && asset.alarm };
    assets.set(name, asset);
  }
  let messages = null;
  if (n >= asset.end) {
    if (asset.rows >= length) {
      messages = closed(name, asset);
      state.windows++;
    }
    asset.end += slide;
  }
  const slot = (n % length) * width;
  for (let c = 0; c < width; c++) asset.ring[slot + c] = row[channels[c]];
  asset.rows++;
  return messages;
}
context.set('state', state);`;

const onMessage = "return context.get('state').take(msg.topic, msg.payload);";

/** For each message the window that ends with it, and a run, after that of the message before. */
const onStartRunning = ({ channels, stepMs, length }: FlowSettings): string => `
const channels = ${JSON.stringify(channels)};
const [step, length] = [${stepMs}, ${length}];
const size = length * channels.length;
const model = global.get('model');
const assets = new Map();
let before = Promise.resolve();

async function judge(name, asset, at) {
  const alarm = (await model.ratio(asset.rows.slice())) > 1;
  state.windows++;
  if (alarm === asset.alarm) return null;
  asset.alarm = alarm;
  return [{ topic: 'node-red/bench/' + name + '/alarm/event', payload: { at: new Date(at).toISOString(), to: alarm ? 'unacknowledged' : 'normal' } }, null];
}

const state = { windows: 0, take };
function take(topic, row) {
  const name = topic.split('/')[1];
  let asset = assets.get(name);
  if (asset === undefined) assets.set(name, (asset = { rows: new Float32Array(size), count: 0, alarm: false }));
  before = before.then(() => {
    asset.rows.copyWithin(0, channels.length);
    for (let c = 0; c < channels.length; c++) asset.rows[size - channels.length + c] = row[channels[c]];
    return ++asset.count < length ? null : judge(name, asset, row.ts + step);
  });
  return before;
}
context.set('state', state);`;

const onMessageRunning = "return await context.get('state').take(msg.topic, msg.payload);";
