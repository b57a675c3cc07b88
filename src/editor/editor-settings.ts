/** What `settings.js` of the editor's user directory is made of. */
export interface EditorSettings {
  readonly host: string;
  readonly port: number;
  /** Encrypts the credentials of flows. */
  readonly credentialSecret: string;
  /** SHA-256, in hex, of the token that opens the editor with one click. */
  readonly tokenHash: string;
  /** The API that knows the users. */
  readonly gateway: string;
  /** PEM, where it speaks TLS with a certificate of its own. */
  readonly certificate?: string | undefined;
}

/**
 * `settings.js` as text: Node-RED reads it as CommonJS. Whoever may log in at the gateway may log in here (`nodes/src/login`).
 * Flows cannot install packages, start programs or read files; the process has no more of the disk than its user directory (`editor-process.ts`).
 */
export const settingsText = (settings: EditorSettings): string => `// Written by fettle at each start.
const settings = ${JSON.stringify(settings, null, 2)};
const gatewayLogin = require('@fettle/node-red/dist/login.js');

module.exports = {
  uiHost: settings.host,
  uiPort: settings.port,
  flowFile: 'flows.json',
  credentialSecret: settings.credentialSecret,
  adminAuth: gatewayLogin({ url: settings.gateway, ca: settings.certificate, tokenHash: settings.tokenHash }),
  httpNodeRoot: '/flows',
  externalModules: {
    autoInstall: false,
    palette: { allowInstall: false, allowUpload: false, allowUpdate: false },
    modules: { allowInstall: false, autoInstall: false },
  },
  functionExternalModules: false,
  nodesExcludes: ['10-file.js', '23-watch.js', '90-exec.js'],
  telemetry: { enabled: false },
  contextStorage: { default: { module: 'localfilesystem' } },
  editorTheme: { page: { title: 'Fettle flows' }, header: { title: 'Fettle flows' }, tours: false, projects: { enabled: false } },
  logging: { console: { level: 'warn', metrics: false, audit: false } },
};
`;
