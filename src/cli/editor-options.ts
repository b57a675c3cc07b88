import type { Logger } from '../core/logger.ts';
import type { EditorOptions } from '../editor/editor-process.ts';
import type { RunningServer } from '../server/serve.ts';

/** What the editor is told of the gateway it stands beside. Its flows handle alarms; they change no models and send no samples. */
export const editorOptions = (
  { url, certificate, token }: RunningServer,
  data: string,
  log: Logger,
): Omit<EditorOptions, 'listen' | 'installation'> => ({
  data,
  gateway: url,
  certificate,
  token: () => token('node-red beside the gateway', 'operator'),
  log,
});
