import type { Node, NodeAPI, NodeDef } from 'node-red';
import { library } from '../shared/library.ts';
import { asError } from '../shared/on-input.ts';

interface Definition extends NodeDef {
  readonly url: string;
  readonly unit: string;
  readonly timeout: string;
}

/** The configuration node: a device, a gateway or a serial line. Nodes with the same address share one connection and one queue. */
export interface ModbusConnectionNode extends Node {
  readonly source: { readonly url: string; readonly unit: number; readonly timeout: string };
}

const askMs = 10_000;

export default (RED: NodeAPI): void => {
  function Connection(this: ModbusConnectionNode, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const { url = '', unit = '1', timeout = '1s' } = definition;
    Object.assign(this, { source: { url, unit: Number(unit), timeout } });
  }
  RED.nodes.registerType('fettle-modbus-connection', Connection as never);

  // The button of the dialog, with what stands in it: it may not be deployed yet.
  RED.httpAdmin.post('/fettle-modbus-connection/test', RED.auth.needsPermission('flows.write'), (request, response) => {
    const { url = '', unit = '1', timeout = '1s' } = (request.body ?? {}) as Partial<Definition>;
    library()
      .then(({ askModbusUnit }) => askModbusUnit({ url, unit: Number(unit), timeout }, AbortSignal.timeout(askMs)))
      .then(
        (answer) => response.json(answer),
        (error: unknown) => response.json({ problem: asError(error).message }),
      );
  });
};
