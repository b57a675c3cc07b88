import { readFileSync } from 'node:fs';

/** Version of this package: stands in what it makes. */
export const gatewayVersion: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
