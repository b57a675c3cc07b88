import type { Node, NodeAPI, NodeDef } from 'node-red';

interface Definition extends NodeDef {
  readonly url: string;
  readonly unit: string;
  readonly timeout: string;
}

/** The configuration node: a device, a gateway or a serial line. Nodes with the same address share one connection and one queue. */
export interface ModbusConnectionNode extends Node {
  readonly source: { readonly url: string; readonly unit: number; readonly timeout: string };
}

export default (RED: NodeAPI): void => {
  function Connection(this: ModbusConnectionNode, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const { url = '', unit = '1', timeout = '1s' } = definition;
    Object.assign(this, { source: { url, unit: Number(unit), timeout } });
  }
  RED.nodes.registerType('fettle-modbus-connection', Connection as never);
};
