import { styleText } from 'node:util';
import type { FirstLogin } from '../server/serve.ts';

/** Told once, at the first start. */
export const firstLoginText = ({ user, password, link }: FirstLogin): string =>
  [
    '',
    `  ${styleText('bold', 'First start.')} Nobody can log in but you; this is shown once:`,
    '',
    `    name      ${user}`,
    `    password  ${styleText('bold', password)}`,
    '',
    `  or click, once, within a day:  ${styleText('cyan', link)}`,
    '',
    '',
  ].join('\n');
