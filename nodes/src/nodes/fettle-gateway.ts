import { readFileSync } from 'node:fs';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { GatewayClient } from '../../../src/client/gateway-client.ts';
import { asError } from '../shared/on-input.ts';

interface Definition extends NodeDef {
  readonly url: string;
  readonly ca: string;
}

interface Credentials {
  readonly token?: string;
}

/** The configuration node: where a gateway is, and who asks. */
export interface GatewayNode extends Node<Credentials> {
  readonly client: GatewayClient;
  readonly url: string;
}

const readCa = (file: string): string | undefined => (file === '' ? undefined : readFileSync(file, 'utf8'));

export default (RED: NodeAPI): void => {
  function Gateway(this: GatewayNode, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const { url = '', ca = '' } = definition;
    try {
      Object.assign(this, { url, client: new GatewayClient({ url, token: this.credentials?.token, ca: readCa(ca) }) });
    } catch (error) {
      this.error(asError(error).message);
      Object.assign(this, { url, client: new GatewayClient({ url, token: this.credentials?.token }) });
    }
  }
  RED.nodes.registerType('fettle-gateway', Gateway as never, { credentials: { token: { type: 'password' } } });

  // "Test connection" and the lists of the dialogs: asked by the editor with what stands in the dialog, which may not be deployed yet.
  RED.httpAdmin.post('/fettle-gateway/:id/ask', RED.auth.needsPermission('flows.write'), (request, response) => {
    const { url = '', ca = '', token = '' } = (request.body ?? {}) as Record<string, string>;
    const deployed = RED.nodes.getNode(String(request.params.id)) as GatewayNode | null;
    Promise.try(async () => {
      // The editor shows a password as __PWRD__ and does not know it.
      const known = token === '__PWRD__' || token === '' ? deployed?.credentials?.token : token;
      // A token goes only where it was deployed for.
      if (known !== undefined && token !== known && url !== deployed?.url) throw new Error('enter the token anew: the address was changed');
      const client = new GatewayClient({ url, token: known, ca: readCa(ca) });
      const health = await client.ask<object>('GET', '/api/v1/health');
      const [assets, sources] = await Promise.all([
        client.ask<{ asset: string }[]>('GET', '/api/v1/assets'),
        client.ask<Record<string, object>>('GET', '/api/v1/sources'),
      ]);
      return { ...health, assets: assets.map(({ asset }) => asset), sources: Object.keys(sources) };
    }).then(
      (answer) => response.json(answer),
      (error: unknown) => response.json({ problem: asError(error).message }),
    );
  });
};
