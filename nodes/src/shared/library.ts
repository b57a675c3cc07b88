import type * as Fettle from '@fettle/gateway';

/** What the library needs of Node (package.json of @fettle/gateway). */
const wanted = { major: 24, minor: 15 };

let loading: Promise<typeof Fettle> | undefined;

/** The library, loaded with the first node that needs it. Throws with what to do where Node is too old or a part is missing. */
export function library(): Promise<typeof Fettle> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < wanted.major || (major === wanted.major && minor < wanted.minor))
    return Promise.reject(
      new Error(
        `this node needs Node.js ${wanted.major}.${wanted.minor} or newer, and Node-RED runs on ${process.versions.node} → install it, or watch with a gateway and tap that`,
      ),
    );
  loading ??= import('@fettle/gateway');
  return loading;
}

/** Errors of a missing package, with the line that installs it. */
export function withInstallLine(error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error);
  if (!/onnxruntime-node/.test(text) || !/Cannot find|ERR_MODULE_NOT_FOUND|not installed/i.test(text)) return error;
  return new Error('ONNX Runtime is not installed → in the user directory of Node-RED: npm install onnxruntime-node', { cause: error });
}
