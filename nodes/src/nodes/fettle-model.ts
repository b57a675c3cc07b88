import { join } from 'node:path';
import type { FlowModel, FlowScorer } from '@fettle/gateway';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { library, withInstallLine } from '../shared/library.ts';
import { asError } from '../shared/on-input.ts';

interface Definition extends NodeDef {
  readonly model: string;
}

/** The configuration node: a model, loaded once for all nodes that score with it. */
export interface ModelNode extends Node {
  /** Name or path, as it was written. */
  readonly shelved: string;
  /** Where the models of this Node-RED lie. */
  readonly folder: string;
  /** The model as it is now. Throws what is wrong with it. */
  scorer(): Promise<FlowScorer>;
  /** What it wants of windows; does not need ONNX Runtime. */
  facts(): Promise<FlowModel>;
}

const lookEveryMs = 2_000;

export default (RED: NodeAPI): void => {
  const folder = (): string => join(RED.settings.userDir ?? '.', 'fettle', 'models');

  function Model(this: { -readonly [Key in keyof ModelNode]: ModelNode[Key] }, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const { model: id = '' } = definition;
    this.shelved = id;
    this.folder = folder();
    let mark = '';
    let opened: Promise<FlowScorer> | undefined;
    const open = async (): Promise<FlowScorer> => {
      const { findModel, FlowScorer: Library } = await library();
      const found = findModel(id, folder());
      mark = found.mark;
      return Library.open(found.directory);
    };
    const close = (old: Promise<FlowScorer> | undefined): Promise<void> =>
      old === undefined
        ? Promise.resolve()
        : old.then(
            (scorer) => scorer.close(),
            () => {},
          );
    // A model that was put in its place, or a newer version beside it, is taken without a deploy.
    const look = setInterval(() => {
      if (opened === undefined) return;
      library()
        .then(({ findModel }) => {
          if (findModel(id, folder()).mark === mark) return;
          const old = opened;
          opened = open().catch((error: unknown) => {
            // The old one goes on; the next look tries again.
            this.error(asError(error).message, {});
            if (old === undefined) throw error;
            return old;
          });
          void opened.then(async (now) => (now === (await old) ? undefined : close(old))).catch(() => {});
        })
        .catch(() => {});
    }, lookEveryMs);
    this.scorer = async () => {
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw asError(withInstallLine(error));
      });
      return opened;
    };
    this.facts = async () => {
      const { findModel, readModel } = await library();
      return readModel(findModel(id, folder()).directory);
    };
    this.on('close', (done: () => void) => {
      clearInterval(look);
      void close(opened).finally(done);
    });
  }
  RED.nodes.registerType('fettle-model', Model as never);

  // For the list in the dialog.
  RED.httpAdmin.get('/fettle-model/list', RED.auth.needsPermission('flows.read'), (_request, response) => {
    library()
      .then(async ({ listModels }) => ({ folder: folder(), models: await listModels(folder()) }))
      .then(
        (answer) => response.json(answer),
        (error: unknown) => response.json({ problem: asError(error).message, models: [] }),
      );
  });
};
