import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const start = async () => startServer(await startGateway({ site: 'north', data: temporaryDirectory() }));

describe('the dashboard', () => {
  it('may load and ask for nothing but from the gateway itself, run nothing written into the page, and be in no frame', async () => {
    const server = await start();
    const page = await fetch(server.url);
    const directives = new Map(
      (page.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
        const [name = '', ...values] = directive.split(' ');
        return [name, values.join(' ')];
      }),
    );
    expect(directives.get('default-src')).toBe("'none'");
    for (const name of ['script-src', 'style-src', 'connect-src', 'img-src']) expect(directives.get(name), name).toBe("'self'");
    for (const name of ['base-uri', 'form-action', 'frame-ancestors']) expect(directives.get(name), name).toBe("'none'");
    expect([...directives.values()].join(' ')).not.toMatch(/unsafe|\*|https?:|data:/);
    // What the policy forbids is not there.
    const text = await page.text();
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|javascript:/);
    for (const [, file = ''] of text.matchAll(/(?:src|href)="([^"#]+)"/g)) {
      expect(file).not.toMatch(/^(https?:)?\/\//);
      const found = await fetch(new URL(file, server.url));
      expect([found.status, found.headers.get('x-content-type-options')], file).toEqual([200, 'nosniff']);
      expect(found.headers.get('content-security-policy'), file).toContain("default-src 'none'");
    }
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  });
});

describe('HEAD', () => {
  it('says of every route that can be read what GET says, without a body, and to nobody more than GET does', async () => {
    const server = await start();
    const { secret } = server.access.store.addToken('viewer', 'viewer', new Date());
    const paths = server.routes.filter(({ method, path }) => method === 'GET' && !path.includes(':')).map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths) {
      for (const headers of [{}, { authorization: `Bearer ${secret}` }]) {
        const ask = (method: string) => fetch(`${server.url}${path}`, { method, headers, signal: AbortSignal.timeout(10_000) });
        const [head, get] = [await ask('HEAD'), await ask('GET')];
        expect([head.status, head.headers.get('content-type')], path).toEqual([get.status, get.headers.get('content-type')]);
        expect(await head.text(), path).toBe('');
        await get.body?.cancel();
      }
    }
  }, 60_000);
});
