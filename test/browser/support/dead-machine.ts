/** With a machine whose controller does not answer: nothing listens on the port. */
export function withDeadMachine(configuration: string): object {
  const document = JSON.parse(configuration) as { sources: object[]; assets: object[] };
  const tags = ['line3/press/flow', 'line3/press/temp'];
  const registers = tags.map((tag, i) => ({ tag, table: 'holdingRegister', address: 2 * i, type: 'float32', unit: 1 }));
  document.sources.push({ id: 'line3-plc', type: 'modbus', url: 'tcp://127.0.0.1:9', poll: '500ms', tags: registers });
  document.assets.push({ id: 'line3/press', tags, window: { step: '1s', length: 8, slide: 1 }, alarm: { notWatchedAfter: '15s' } });
  return document;
}
