import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface StaticFile {
  body: Buffer;
  type: string;
  etag: string;
}

/** All that is served, by URL path. What is asked for is never part of a file's name, so no path leads elsewhere. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** The names that links to consoles have had: nova's default, and noVNC's own. */
const pageNames = ['/vnc_lite.html', '/vnc.html', '/vnc_auto.html'];

/** Reads the page and the modules of noVNC that it imports. @throws when the package is not installed */
export async function consoleFiles(): Promise<StaticFiles> {
  const page = fileURLToPath(new URL('page/', import.meta.url));
  const noVnc = dirname(dirname(fileURLToPath(import.meta.resolve('@novnc/novnc'))));
  const files = new Map([
    ...(await filesBelow(page, '')),
    ...(await filesBelow(noVnc, 'core')),
    ...(await filesBelow(noVnc, 'vendor')),
  ]);
  const html = files.get('/vnc_lite.html');
  if (html) for (const name of pageNames) files.set(name, html);
  return files;
}

async function filesBelow(root: string, folder: string): Promise<[string, StaticFile][]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true, recursive: true });
  const wanted = entries.filter((each) => each.isFile() && extname(each.name) in types);
  return Promise.all(
    wanted.map(async (each): Promise<[string, StaticFile]> => {
      const path = join(each.parentPath, each.name);
      const body = await readFile(path);
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      return [path.slice(join(root, '/').length - 1), { body, type: types[extname(path)] as string, etag }];
    }),
  );
}

/** Answers a request for a file: 404 for anything that is none, 405 for anything but reading. */
export function answerFile(files: StaticFiles, request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '/', headers } = request;
  for (const [name, value] of Object.entries(protection(headers.host))) response.setHeader(name, value);
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD', connection: 'close' }).end();
    return;
  }
  const file = files.get(url.split('?')[0] as string);
  if (!file) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Not found\n');
    return;
  }
  response.setHeader('etag', file.etag);
  response.setHeader('cache-control', 'no-cache');
  if (headers['if-none-match'] === file.etag) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, { 'content-type': file.type, 'content-length': file.body.length });
  response.end(method === 'HEAD' ? undefined : file.body);
}

/**
 * What the page may do: run its own modules and connect to where it came from. noVNC draws cursors from data URLs.
 * Dashboards on the same host show it in a frame. The page's URL holds the token: it is told to nobody.
 */
function protection(host: string | undefined): Record<string, string> {
  const name = /^(\[[\da-f:]+\]|[\w.-]+)(?::\d+)?$/i.exec(host ?? '')?.[1];
  const frames = name ? ` http://${name}:* https://${name}:*` : '';
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data: blob:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      `frame-ancestors 'self'${frames}`,
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
  };
}
