import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { ApiError } from '../../../platform/errors/errors.ts';
import type { Platform } from '../../../platform/service/service.ts';
import { type ConsoleAccess, computeAgent, computeService } from '../contract.ts';
import { fromThisHost } from './origin.ts';
import { closeWith, type Ending, joinConsole } from './session.ts';
import { consoleToken } from './token.ts';

/** How much is let in at once. */
const limits = {
  /** WebSockets, also those whose token is still being looked at. */
  connections: 256,
  connectionsOfServer: 16,
  /** Bytes of a message from a client: keys, mouse, and what is pasted. */
  message: 1024 * 1024,
};
/** A client that has not answered a ping by the next one is gone. Proxies in between keep quiet connections longer. */
const pingEvery = 30_000;
/** Finding a socket's path takes no time; an agent that does not answer is gone. */
const agentDeadline = 10_000;

const kinds: Partial<Record<ConsoleAccess['type'], 'vnc' | 'serial'>> = { novnc: 'vnc', serial: 'serial' };

/** Joins the WebSockets of clients that have a token to the consoles of guests on this host. */
export class ConsoleProxy {
  readonly #platform: Pick<Platform, 'bus' | 'host' | 'log'>;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<Duplex>();
  readonly #ofServer = new Map<string, number>();
  readonly #alive = new WeakSet<WebSocket>();
  readonly #pings: NodeJS.Timeout;

  constructor(platform: Pick<Platform, 'bus' | 'host' | 'log'>) {
    this.#platform = platform;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: limits.message,
      perMessageDeflate: false,
      // Nova's consoles speak `binary`; a client that names no protocol is not answered with one.
      handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false),
    });
    this.#pings = setInterval(() => this.#ping(), pingEvery).unref();
  }

  /** Handles the request of a client for a WebSocket: joins it to a console, or refuses it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (this.#connections.size >= limits.connections) return refuse(socket, 503, 'Service Unavailable');
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    this.#open(request, socket, head).catch((error: unknown) => {
      this.#platform.log.error({ err: error }, 'a console could not be opened');
      refuse(socket, 500, 'Internal Server Error');
    });
  }

  close(): void {
    clearInterval(this.#pings);
    for (const client of this.#sockets.clients) client.terminate();
    for (const socket of this.#connections) socket.destroy();
  }

  async #open(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { headers, url = '/' } = request;
    // Looked at before the token, which opens one console only and must not be used up by somebody else's page.
    if (!fromThisHost(headers)) return refuse(socket, 403, 'Forbidden');
    const token = consoleToken(url, headers.cookie);
    const access = token && (await this.#platform.bus.client(computeService).redeemConsoleToken({ token }));
    // Before the WebSocket is there: a client without a good token is not worth one.
    if (!access) return refuse(socket, 403, 'Forbidden');
    const found = await this.#find(access);
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      if ('code' in found) {
        client.on('error', () => client.terminate());
        this.#platform.log.info({ serverId: access.serverId, reason: found.reason }, 'console not opened');
        closeWith(client, found);
        return;
      }
      void this.#join(client, access, found.path);
    });
  }

  /** The console's socket on this host, or why there is none. */
  async #find({ serverId, host, type }: ConsoleAccess): Promise<{ path: string } | Ending> {
    const kind = kinds[type];
    if (!kind) return { code: 4501, reason: `Consoles of type ${type} are not offered here.` };
    if (host !== this.#platform.host) return { code: 1011, reason: 'The server is on another host.' };
    if ((this.#ofServer.get(serverId) ?? 0) >= limits.connectionsOfServer) {
      return { code: 1013, reason: 'Too many consoles of this server are open.' };
    }
    try {
      const agent = this.#platform.bus.client(computeAgent, { host, deadline: agentDeadline });
      return await agent.consoleSocket({ serverId, kind });
    } catch (error) {
      if (error instanceof ApiError) return { code: 4000 + error.status, reason: error.message };
      throw error;
    }
  }

  async #join(client: WebSocket, { serverId, type }: ConsoleAccess, path: string): Promise<void> {
    const { log } = this.#platform;
    const startedAt = performance.now();
    this.#ofServer.set(serverId, (this.#ofServer.get(serverId) ?? 0) + 1);
    this.#alive.add(client);
    client.on('pong', () => this.#alive.add(client));
    log.info({ serverId, type }, 'console opened');
    const { reason } = await joinConsole(client, path);
    const left = (this.#ofServer.get(serverId) ?? 1) - 1;
    if (left > 0) this.#ofServer.set(serverId, left);
    else this.#ofServer.delete(serverId);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    log.info({ serverId, type, seconds, reason }, 'console closed');
  }

  #ping(): void {
    for (const client of this.#sockets.clients) {
      // While the guest takes nothing, nothing is read from the client, its pongs neither.
      if (client.isPaused) continue;
      if (!this.#alive.delete(client)) client.terminate();
      else client.ping();
    }
  }
}

/** Without a body: what follows the headers would be taken for messages by clients that expect a WebSocket. */
function refuse(socket: Duplex, status: number, title: string): void {
  if (socket.writableEnded || socket.destroyed) return;
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
