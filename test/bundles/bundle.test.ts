import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBundle, writeBundle } from '../../src/bundles/index.ts';
import { FettleError } from '../../src/core/errors.ts';
import type { LoadedBundle } from '../../src/core/manifest.ts';
import {
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from '../../src/onnx/onnx_pb.ts';
import { createScorer } from '../../src/scoring/index.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';
import { trainedBundle } from '../support/trained-bundle.ts';

const folder = sharedDirectory();
let bundle: LoadedBundle;

beforeAll(async () => {
  bundle = await trainedBundle({ folder, length: 12, channels: 4, precision: 'int8' });
});

type Manifest = Record<string, unknown> & { files: { path: string; length: number; sha256: string }[] };

/** A copy of the bundle to spoil. */
function copy(): string {
  const directory = join(mkdtempSync(join(folder, 'copy-')), '1.0.0');
  cpSync(bundle.directory, directory, { recursive: true });
  return directory;
}
const manifestOf = (directory: string): Manifest => JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as Manifest;
const writeManifest = (directory: string, manifest: Manifest): void =>
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));

/** Puts other bytes in, with a manifest that agrees: what a forger would do. */
function forge(directory: string, path: string, content: Uint8Array): void {
  writeFileSync(join(directory, path), content);
  const manifest = manifestOf(directory);
  const sha256 = createHash('sha256').update(content).digest('hex');
  writeManifest(directory, {
    ...manifest,
    files: manifest.files.map((file) => (file.path === path ? { path, length: content.length, sha256 } : file)),
  });
}

function forgeModel(change: (model: ModelProto & { graph: GraphProto }) => void): string {
  const directory = copy();
  const model = fromBinary(ModelProtoSchema, readFileSync(join(directory, 'model.onnx')));
  change(model as ModelProto & { graph: GraphProto });
  forge(directory, 'model.onnx', toBinary(ModelProtoSchema, model));
  return directory;
}

const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });

describe('loadBundle', () => {
  it('gives back what was written', async () => {
    const again = await loadBundle(copy());
    expect(again.manifest).toEqual(bundle.manifest);
    expect(again.manifest.operators).toContain('MatMul');
    expect(Buffer.from(again.model)).toEqual(Buffer.from(bundle.model));
    expect(readdirSync(bundle.directory).sort()).toEqual(['CARD.md', 'golden.json', 'manifest.json', 'model.onnx']);
  });

  const cases: Record<string, readonly [() => string, RegExp]> = {
    'a folder that is not there': [() => join(folder, 'none'), /there is no .*none\/manifest\.json/],
    'a manifest that is no JSON': [
      () => {
        const directory = copy();
        writeFileSync(join(directory, 'manifest.json'), '{');
        return directory;
      },
      /manifest\.json cannot be read/,
    ],
    'a manifest of another format': [
      () => {
        const directory = copy();
        writeManifest(directory, { ...manifestOf(directory), format: 'fettle-bundle/2' });
        return directory;
      },
      /was made by Fettle [\d.]+ and has the format fettle-bundle\/2; [\d.]+ reads fettle-bundle\/1$/,
    ],
    'a manifest of a newer version, whatever else it says': [
      () => {
        const directory = copy();
        writeManifest(directory, { ...manifestOf(directory), minimumGatewayVersion: '99.0.0', cleverness: 2 });
        return directory;
      },
      /was made by Fettle [\d.]+ and needs 99\.0\.0 or newer; this is/,
    ],
    'a manifest that grew beyond reason': [
      () => {
        const directory = copy();
        writeFileSync(join(directory, 'manifest.json'), ' '.repeat(2_000_000));
        return directory;
      },
      /has 2000000 bytes, at most/,
    ],
    'a path out of the folder': [
      () => {
        const directory = copy();
        const manifest = manifestOf(directory);
        writeManifest(directory, {
          ...manifest,
          files: [...manifest.files, { path: '../../etc/passwd', length: 1, sha256: '0'.repeat(64) }],
        });
        return directory;
      },
      /manifest\.json cannot be read.*path/s,
    ],
    'a file whose name is a folder': [
      () => {
        const directory = copy();
        const manifest = manifestOf(directory);
        writeManifest(directory, { ...manifest, files: [...manifest.files, { path: '..', length: 1, sha256: '0'.repeat(64) }] });
        return directory;
      },
      /is not a file|cannot be read/,
    ],
    'a pipe in place of the model': [
      () => {
        const directory = copy();
        rmSync(join(directory, 'model.onnx'));
        execFileSync('mkfifo', [join(directory, 'model.onnx')]);
        return directory;
      },
      /model\.onnx is not a file/,
    ],
    'one changed bit in the model': [
      () => {
        const directory = copy();
        const model = readFileSync(join(directory, 'model.onnx'));
        model[100] = (model[100] as number) ^ 1;
        writeFileSync(join(directory, 'model.onnx'), model);
        return directory;
      },
      /sha256 differs/,
    ],
    'a model cut short': [
      () => {
        const directory = copy();
        writeFileSync(join(directory, 'model.onnx'), readFileSync(join(directory, 'model.onnx')).subarray(0, -1));
        return directory;
      },
      /bytes, the manifest says/,
    ],
    'a manifest without golden vectors': [
      () => {
        const directory = copy();
        const manifest = manifestOf(directory);
        writeManifest(directory, { ...manifest, files: manifest.files.filter(({ path }) => path !== 'golden.json') });
        return directory;
      },
      /does not list model\.onnx and golden\.json/,
    ],
    'golden windows of another size': [
      () => {
        const directory = copy();
        forge(directory, 'golden.json', Buffer.from(JSON.stringify({ tolerance: 0.02, windows: [[1, 2]], scores: [1] })));
        return directory;
      },
      /does not hold windows of 48 values/,
    ],
    'a model that is no ONNX': [
      () => {
        const directory = copy();
        forge(directory, 'model.onnx', Buffer.from('not a model at all'));
        return directory;
      },
      /is not an ONNX file|has no graph/,
    ],
    'weights outside the file': [
      () =>
        forgeModel(({ graph }) => {
          const [tensor] = graph.initializer;
          if (tensor === undefined) return;
          tensor.dataLocation = 1;
          tensor.externalData = [entry('location', '/etc/passwd')];
        }),
      /outside the file/,
    ],
    'weights outside the file, in a constant': [
      () =>
        forgeModel(({ graph }) => {
          const t = create(TensorProtoSchema, { name: 'c', dataType: 1, dims: [1n], externalData: [entry('location', '../secret')] });
          graph.node.push(
            create(NodeProtoSchema, { opType: 'Constant', output: ['c'], attribute: [create(AttributeProtoSchema, { name: 'value', t })] }),
          );
        }),
      /outside the file/,
    ],
    'a loop': [() => forgeModel(({ graph }) => graph.node.push(create(NodeProtoSchema, { opType: 'Loop' }))), /uses the operator Loop/],
    'an operator of somebody else': [
      () => forgeModel(({ graph }) => graph.node.push(create(NodeProtoSchema, { opType: 'MatMul', domain: 'evil.example' }))),
      /uses the operator evil\.example\.MatMul/,
    ],
    'a graph inside an operator': [
      () =>
        forgeModel(({ graph }) => {
          const attribute = [create(AttributeProtoSchema, { name: 'body', g: create(GraphProtoSchema, {}) })];
          graph.node.push(create(NodeProtoSchema, { opType: 'Add', attribute }));
        }),
      /has a graph inside Add/,
    ],
    'functions of its own': [
      () => forgeModel((model) => model.functions.push({ $typeName: 'onnx.Opaque' })),
      /has functions, training or sparse parts/,
    ],
    'an opset from the future': [
      () =>
        forgeModel(({ opsetImport }) => {
          if (opsetImport[0]) opsetImport[0].version = 99n;
        }),
      /uses opset 99/,
    ],
    'a tensor that promises more than it holds': [
      () =>
        forgeModel(({ graph }) => {
          if (graph.initializer[0]) graph.initializer[0].dims = [1000n, 1000n];
        }),
      /bytes, its shape needs 4000000/,
    ],
    'a tensor beyond all bounds': [
      () =>
        forgeModel(({ graph }) => {
          if (graph.initializer[0]) graph.initializer[0].dims = [1n << 40n, 1n << 40n];
        }),
      /weights, at most/,
    ],
    'a tensor of negative size': [
      () =>
        forgeModel(({ graph }) => {
          if (graph.initializer[0]) graph.initializer[0].dims = [-4n];
        }),
      /has a negative size/,
    ],
    'a second input': [
      () =>
        forgeModel(({ graph }) => {
          const [input] = graph.input;
          if (input) graph.input.push({ ...input, name: 'more' });
        }),
      /must have the one input "window", has window, more/,
    ],
    'an output too many': [
      () =>
        forgeModel(({ graph }) => {
          const [output] = graph.output;
          if (output) graph.output.push({ ...output, name: 'more' });
        }),
      /must have the outputs score, contributions, observed, expected, has/,
    ],
    'a window of another length': [
      () => {
        const directory = copy();
        writeManifest(directory, { ...manifestOf(directory), length: 13 });
        forge(directory, 'golden.json', Buffer.from(JSON.stringify({ tolerance: 0.02, windows: [new Array(52).fill(0)], scores: [1] })));
        return directory;
      },
      /has "window" \[batch, 12, 4\], the manifest wants \[batch, 13, 4\]/,
    ],
    'operators its manifest does not name': [
      () => {
        const directory = copy();
        writeManifest(directory, { ...manifestOf(directory), operators: ['MatMul'] });
        return directory;
      },
      /uses operators its manifest does not name: Abs/,
    ],
  };

  it.each(Object.keys(cases))('refuses %s', async (name) => {
    const [make, message] = cases[name] as (typeof cases)[string];
    const error: unknown = await loadBundle(make()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FettleError);
    expect(error).toMatchObject({ code: 'FETTLE_MODEL_INVALID', message: expect.stringMatching(message), hint: expect.any(String) });
  });

  it('survives any bytes in place of the model', async () => {
    const directory = copy();
    const model = readFileSync(join(directory, 'model.onnx'));
    let state = 1;
    const next = (below: number): number => {
      state = (state * 48271) % 2147483647;
      return state % below;
    };
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const spoilt = Buffer.from(model);
      for (let k = 0; k < 1 + next(8); k++) spoilt[next(spoilt.length)] = next(256);
      forge(directory, 'model.onnx', i % 10 === 0 ? spoilt.subarray(0, next(spoilt.length)) : spoilt);
      // A changed weight passes here: golden vectors and signatures are for that.
      await loadBundle(directory).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'FETTLE_MODEL_INVALID' });
        refused++;
      });
    }
    expect(refused).toBeGreaterThan(50);
  });
});

describe('golden vectors', () => {
  it('find weights that were changed under a manifest that agrees', async () => {
    const directory = forgeModel(({ graph }) => {
      // One matrix only: two that change sign together are the same network.
      const encoder = graph.initializer.find(({ dataType }) => dataType === 3);
      if (encoder) encoder.rawData = encoder.rawData.map((value) => -value);
    });
    const error: unknown = await createScorer(await loadBundle(directory)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'FETTLE_MODEL_INVALID',
      message: expect.stringMatching(/gives .* for golden window \d+, it must give/),
    });
  });

  it('find a graph that the runtime cannot run', async () => {
    const directory = forgeModel(({ graph }) => {
      for (const node of graph.node) if (node.opType === 'Reshape') node.opType = 'Add';
    });
    const manifest = manifestOf(directory);
    writeManifest(directory, { ...manifest, operators: [...(manifest.operators as string[]), 'Add'] });
    await expect(createScorer(await loadBundle(directory))).rejects.toMatchObject({ code: 'FETTLE_MODEL_INVALID' });
  });
});

describe('writeBundle', () => {
  const content = () => {
    const { files: _, operators: __, ...manifest } = bundle.manifest;
    return { manifest, model: bundle.model, golden: bundle.golden, card: '# Card\n' };
  };

  it('refuses to write over a version that exists, and leaves it as it was', async () => {
    const directory = copy();
    const before = readFileSync(join(directory, 'CARD.md'));
    await expect(writeBundle(directory, { ...content(), card: '# Another\n' })).rejects.toMatchObject({
      code: 'FETTLE_MODEL_INVALID',
      message: expect.stringContaining('exists already'),
    });
    expect(readFileSync(join(directory, 'CARD.md'))).toEqual(before);
    expect(readdirSync(join(directory, '..'))).toEqual(['1.0.0']);
  });

  it('leaves nothing when it cannot finish', async () => {
    const parent = join(folder, 'blocked');
    mkdirSync(parent);
    writeFileSync(join(parent, '1.0.0'), 'a file is in the way');
    await expect(writeBundle(join(parent, '1.0.0'), content())).rejects.toThrow();
    expect(readdirSync(parent)).toEqual(['1.0.0']);
  });

  it('writes no model that it would not load', async () => {
    const parent = join(folder, 'hostile');
    await expect(writeBundle(join(parent, '1.0.0'), { ...content(), model: Buffer.from('no') })).rejects.toMatchObject({
      code: 'FETTLE_MODEL_INVALID',
    });
    expect(existsSync(parent)).toBe(false);
  });
});
