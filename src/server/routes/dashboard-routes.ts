import { type DashboardFileName, dashboardFileNames, dashboardFiles } from '../dashboard-files.ts';
import { type Route, route } from '../route.ts';

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page in the browser. It holds nothing that is secret: everything it shows it asks for. */
export function dashboardRoutes(): Route[] {
  const file = (path: string, name: DashboardFileName): Route =>
    route({
      method: 'GET',
      path,
      role: 'anyone',
      summary: `The dashboard: ${name}.`,
      answerType: 'text/html',
      handle: async ({ request, reply }) => {
        const { type, plain, gzip, brotli, tag } = (await dashboardFiles())[name];
        reply.headers({ etag: tag, 'cache-control': 'no-cache', vary: 'accept-encoding', 'content-security-policy': policy });
        if (request.headers['if-none-match'] === tag) return reply.code(304).send();
        const accepted = String(request.headers['accept-encoding'] ?? '');
        const [encoding, body] = accepted.includes('br') ? ['br', brotli] : accepted.includes('gzip') ? ['gzip', gzip] : [undefined, plain];
        if (encoding !== undefined) reply.header('content-encoding', encoding);
        return reply.type(type).send(body);
      },
    });
  return [file('/', 'index.html'), ...dashboardFileNames.filter((name) => name !== 'index.html').map((name) => file(`/${name}`, name))];
}
