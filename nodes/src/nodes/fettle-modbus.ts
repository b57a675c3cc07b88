import type { FlowModbus } from '@fettle/gateway';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { library } from '../shared/library.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { asError } from '../shared/on-input.ts';
import type { ModbusConnectionNode } from './fettle-modbus-connection.ts';

/** A row of the dialog's table; what is empty is left to its default. */
interface Row {
  readonly tag: string;
  readonly table: string;
  readonly address: string;
  readonly type: string;
  readonly order: string;
  readonly scale: string;
  readonly unit: string;
}

interface Definition extends NodeDef {
  readonly connection: string;
  readonly poll: string;
  readonly tags: readonly Row[];
}

const lookEveryMs = 1_000;
const readOnceMs = 10_000;
/** Registers by their number in a data sheet (40001), where no table is named. */
const isReference = ({ table }: Row): boolean => table === 'reference';

const tagOf = (row: Row): object => ({
  tag: row.tag,
  ...(isReference(row) ? { reference: row.address } : { table: row.table, address: Number(row.address) }),
  ...(row.type && { type: row.type }),
  ...(row.order && { order: row.order }),
  ...(row.scale && { scale: Number(row.scale) }),
  ...(row.unit && { unit: Number(row.unit) }),
});

const isBit = (table: unknown): boolean => table === 'coil' || table === 'discreteInput';

export default (RED: NodeAPI): void => {
  function Modbus(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    const connection = RED.nodes.getNode(definition.connection) as ModbusConnectionNode | null;
    if (connection === null) {
      status.show('red', 'ring', RED._('fettle-modbus.status.none'));
      return;
    }
    const { poll = '1s', tags = [] } = definition;
    if (tags.length === 0) {
      status.show('grey', 'ring', RED._('fettle-modbus.problem.none'));
      return;
    }
    let cycles = 0;
    let said = '';
    const opened: Promise<FlowModbus> = library().then(async ({ FlowModbus: Library }) => {
      const modbus = new Library({ source: { ...connection.source, poll, tags: tags.map(tagOf) } as never }, (payload) => {
        cycles++;
        this.send({ topic: definition.name || connection.source.url, payload } as never);
      });
      await modbus.start();
      return modbus;
    });
    opened.catch((error: unknown) => {
      status.show('red', 'ring', asError(error).message);
      this.error(asError(error).message, {});
    });
    const look = setInterval(() => {
      opened
        .then((modbus) => {
          const { state, problem = '' } = modbus.status();
          // Once an outage, not once a poll.
          if (problem !== '' && problem !== said) this.error(problem, {});
          said = problem;
          if (state === 'good') status.show('green', 'dot', RED._('fettle-modbus.status.good', { count: cycles } as never));
          else if (problem === '') status.show('grey', 'ring', RED._('fettle-modbus.status.connecting'));
          else status.show(state === 'degraded' ? 'yellow' : 'red', 'ring', problem);
        })
        .catch(() => {});
    }, lookEveryMs);
    this.on('close', (done: () => void) => {
      clearInterval(look);
      opened
        .then((modbus) => modbus.close())
        .catch(() => {})
        .finally(done);
    });
  }
  RED.nodes.registerType('fettle-modbus', Modbus as never);

  // The buttons of the dialog, with what stands in it: it may not be deployed yet.
  RED.httpAdmin.post('/fettle-modbus/read', RED.auth.needsPermission('flows.write'), (request, response) => {
    const { source, tags = [] } = (request.body ?? {}) as { source?: ModbusConnectionNode['source']; tags?: Row[] };
    Promise.try(async () => {
      const { readModbusOnce } = await library();
      const wanted = { ...source, unit: Number(source?.unit ?? 1), poll: '1s', tags: tags.map(tagOf) };
      return { samples: await readModbusOnce({ source: wanted as never }, AbortSignal.timeout(readOnceMs)) };
    }).then(
      (answer) => response.json(answer),
      (error: unknown) => response.json({ problem: asError(error).message }),
    );
  });
  RED.httpAdmin.post('/fettle-modbus/sheet', RED.auth.needsPermission('flows.write'), (request, response) => {
    const { text = '' } = (request.body ?? {}) as { text?: string };
    Promise.try(async () => {
      const { tagsOfSheet } = await library();
      const { tags, problems } = tagsOfSheet(text);
      const rows = tags.map((tag) => ({
        type: '',
        order: '',
        scale: '',
        ...tag,
        table: tag.table ?? 'reference',
        address: tag.address ?? tag.reference,
        unit: '',
      }));
      return { rows: rows.map((row) => (isBit(row.table) ? { ...row, type: '' } : row)), problems };
    }).then(
      (answer) => response.json(answer),
      (error: unknown) => response.json({ problem: asError(error).message }),
    );
  });
};
