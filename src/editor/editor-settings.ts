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
 * `settings.js` as text: Node-RED reads it as CommonJS. Whoever may log in at the gateway may log in here by the same name: engineers and admins change flows, the others look.
 * Flows cannot install packages, start programs or read files; the process has no more of the disk than its user directory (`editor-process.ts`).
 */
export const settingsText = (settings: EditorSettings): string => `// Written by fettle at each start.
const settings = ${JSON.stringify(settings, null, 2)};
const { createHash, timingSafeEqual } = require('node:crypto');

function ask(method, path, headers, body) {
  const url = new URL(path, settings.gateway);
  const { request } = require(url.protocol === 'https:' ? 'node:https' : 'node:http');
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, timeout: 10000, ca: settings.certificate }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, cookies: response.headers['set-cookie'] ?? [], text }));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', reject);
    sent.end(body);
  });
}

const permissionsOf = (role) => (role === 'engineer' || role === 'admin' ? '*' : 'read');
const known = new Map();
// No user of the gateway can have this name.
const terminal = '@terminal';

module.exports = {
  uiHost: settings.host,
  uiPort: settings.port,
  flowFile: 'flows.json',
  credentialSecret: settings.credentialSecret,
  adminAuth: {
    type: 'credentials',
    users: async (username) => known.get(username) ?? (username === terminal ? { username, permissions: '*' } : null),
    authenticate: async (username, password) => {
      try {
        const login = await ask('POST', '/api/v1/session', { 'content-type': 'application/json' }, JSON.stringify({ user: username, password }));
        if (login.status !== 200) return null;
        const cookie = login.cookies.map((one) => one.split(';')[0]).join('; ');
        const who = await ask('GET', '/api/v1/session', { cookie });
        await ask('DELETE', '/api/v1/session', { cookie, origin: new URL(settings.gateway).origin });
        if (who.status !== 200) return null;
        const user = { username, permissions: permissionsOf(JSON.parse(who.text).role) };
        known.set(username, user);
        return user;
      } catch (error) {
        console.error('nobody can log in: the gateway does not answer: ' + error.message);
        return null;
      }
    },
    tokens: async (token) => {
      const hash = createHash('sha256').update(token).digest();
      return timingSafeEqual(hash, Buffer.from(settings.tokenHash, 'hex')) ? { username: terminal, permissions: '*' } : null;
    },
    sessionExpiryTime: 43200,
  },
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
