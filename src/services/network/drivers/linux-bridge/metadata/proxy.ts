import { createHmac } from 'node:crypto';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestOptions,
  request,
  type ServerResponse,
} from 'node:http';
import type { Server, Socket } from 'node:net';
import type { ResolveMetadataCaller } from '../../driver.ts';

/** Where metadata comes from, and the secret by which it knows us. */
export interface MetadataTarget {
  /** The metadata service, e.g. `http://127.0.0.1:8775`. */
  url: string;
  secret: string;
  resolve: ResolveMetadataCaller;
}

/** Headers by which the metadata service knows the guest: never taken from the guest itself. */
const trusted = [
  'x-instance-id',
  'x-tenant-id',
  'x-instance-id-signature',
  'x-forwarded-for',
  'x-provider-id',
];
/** Between two neighbours only (RFC 9110, 7.6.1). */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
];
/** A password that a guest posts is the largest thing that goes this way. */
const bodyLimit = 64 * 1024;

/** What upstream's agent sends as `X-Instance-ID-Signature`: HMAC-SHA256 of the id in hex. */
export const signInstanceId = (secret: string, id: string): string =>
  createHmac('sha256', secret).update(id).digest('hex');

/** Answers guests on sockets of namespaces, on behalf of the metadata service. */
export class MetadataProxy {
  readonly #target: MetadataTarget;
  readonly #http: HttpServer;
  readonly #origins = new WeakMap<Socket, { routerId?: string; networkId?: string }>();
  readonly #sockets = new Set<Socket>();

  constructor(target: MetadataTarget) {
    this.#target = target;
    this.#http = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16 * 1024 });
    this.#http.keepAliveTimeout = 5_000;
    this.#http.on('request', (incoming, outgoing) => {
      this.#answer(incoming, outgoing).catch(() => refuse(outgoing, 500));
    });
  }

  /** Serves guests that reach `server`; it stays the caller's to close. */
  serve(server: Server, origin: { routerId?: string; networkId?: string }): void {
    server.maxConnections = 256;
    server.on('connection', (socket) => {
      this.#origins.set(socket, origin);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      this.#http.emit('connection', socket);
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const origin = this.#origins.get(incoming.socket);
    const ip = incoming.socket.remoteAddress?.replace(/^::ffff:/, '');
    if (!origin || !ip) return refuse(outgoing, 404);
    const caller = await this.#target.resolve({ ...origin, ip });
    if (!caller) return refuse(outgoing, 404);
    const body = await readBody(incoming);
    if (body === undefined) return refuse(outgoing, 413);
    const headers: RequestOptions['headers'] = {
      ...without(incoming.headers, [...trusted, ...hopByHop, 'host', 'content-length']),
      'X-Instance-ID': caller.serverId,
      'X-Tenant-ID': caller.projectId,
      'X-Forwarded-For': ip,
      'X-Instance-ID-Signature': signInstanceId(this.#target.secret, caller.serverId),
      ...(body.length ? { 'Content-Length': String(body.length) } : {}),
    };
    await this.#forward(incoming, outgoing, headers, body);
  }

  #forward(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    headers: RequestOptions['headers'],
    body: Buffer,
  ): Promise<void> {
    const { hostname, port } = new URL(this.#target.url);
    return new Promise((resolve) => {
      const onward = request(
        { hostname, port, method: incoming.method, path: incoming.url, headers, timeout: 30_000 },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, without(answer.headers, hopByHop));
          answer.pipe(outgoing);
          answer.on('close', resolve);
        },
      );
      onward.on('timeout', () => onward.destroy(new Error('no answer')));
      onward.on('error', () => {
        refuse(outgoing, 503);
        resolve();
      });
      outgoing.on('close', () => onward.destroy());
      onward.end(body);
    });
  }
}

function refuse(outgoing: ServerResponse, status: number): void {
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
  outgoing.end();
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const without = <T>(headers: Record<string, T>, names: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())));
