// Node-RED beside a gateway: its users log in here by the same names and passwords. FETTLE_GATEWAY is the gateway's address, FETTLE_GATEWAY_CA the file with its
// certificate where it made one for itself. What Node-RED keeps is in its user directory, /data.
const { readFileSync } = require('node:fs');
const gatewayLogin = require('@fettle/node-red/dist/login.js');

const { FETTLE_GATEWAY: url = 'http://gateway:7171', FETTLE_GATEWAY_CA: ca } = process.env;

module.exports = {
  uiHost: '0.0.0.0',
  uiPort: 1880,
  userDir: '/data',
  flowFile: 'flows.json',
  adminAuth: gatewayLogin({ url, ...(ca && { ca: readFileSync(ca, 'utf8') }) }),
  httpNodeRoot: '/flows',
  telemetry: { enabled: false },
  contextStorage: { default: { module: 'localfilesystem' } },
  editorTheme: { page: { title: 'Fettle flows' }, header: { title: 'Fettle flows' }, tours: false, projects: { enabled: false } },
  logging: { console: { level: 'info', metrics: false, audit: false } },
};
