import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type Change, Client, type Entry, type Filter, SearchRequest } from 'ldapts';
import { codeOf } from './errors.ts';

export interface ConnectionSettings {
  /** StartTLS is asked for; not with ldaps. */
  startTls: boolean;
  tls: ConnectionOptions;
  /** Milliseconds until a server that does not take the connection is given up, and one that does not answer. */
  connectTimeout: number;
  timeout: number;
  aliases: 'never' | 'search' | 'find' | 'always';
}

export interface Search {
  base: string;
  scope: 'base' | 'one' | 'sub';
  filter: Filter;
  attributes: readonly string[];
  /** Entries at most: what lies beyond is left out. */
  limit?: number;
  pageSize?: number;
}

/** The connection is gone: nothing is known of what was asked. */
export class ConnectionLost extends Error {}

/**
 * One connection to one server. Once it is lost it stays so: the library would connect again by itself, without TLS
 * and as nobody, so every operation first makes sure that the connection is the one that was opened.
 */
export class Connection {
  readonly #client: Client;
  readonly opened = Date.now();
  /** Whether there was a connection already: there is no second one. */
  #begun = false;
  /** The socket of TLS is gone. After StartTLS the library does not notice. */
  #lost = false;

  private constructor(url: string, settings: ConnectionSettings, tls: ConnectionOptions | undefined) {
    const secured = (...args: unknown[]): TLSSocket => {
      const socket = (connect as (...each: unknown[]) => TLSSocket)(...args);
      socket.once('close', () => {
        this.#lost = true;
      });
      return socket;
    };
    this.#client = new Client({
      url,
      timeout: settings.timeout,
      connectTimeout: settings.connectTimeout,
      createSecureConnection: secured as typeof connect,
      ...(tls ? { tlsOptions: tls } : {}),
    });
    if (settings.aliases !== 'never') followAliases(this.#client, settings.aliases);
  }

  /** Connects, with StartTLS where it is wanted. @throws Error where the certificate is not good, or StartTLS is refused */
  static async open(url: string, settings: ConnectionSettings): Promise<Connection> {
    const { hostname, protocol } = new URL(url);
    const host = hostname.replaceAll(/^\[|\]$/g, '');
    const secure = protocol === 'ldaps:';
    const tls = { ...settings.tls, ...(isIP(host) ? { host } : { host, servername: host }) };
    const connection = new Connection(url, settings, secure ? tls : undefined);
    if (!settings.startTls || secure) return connection;
    try {
      await withDeadline(connection.#client.startTLS(tls), settings.connectTimeout);
      connection.#begun = true;
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Becomes somebody; an empty DN is nobody. Connects where that was not yet done. */
  async bind(dn: string, password: string): Promise<void> {
    // A name without a password binds as nobody, and succeeds (RFC 4513 section 5.1.2).
    if (dn !== '' && password === '') throw new TypeError('a bind needs a password');
    if (this.#begun && !this.open) throw new ConnectionLost('the connection is gone');
    this.#begun = true;
    await this.#client.bind(dn, password);
  }

  /** Connects as nobody yet, by a question that every server answers or refuses. */
  async connect(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    try {
      await this.#client.search('', { scope: 'base', attributes: ['1.1'] });
    } catch (error) {
      if (isUnanswered(error)) throw error;
    }
  }

  /** Whether it can be asked. */
  get open(): boolean {
    return this.#client.isConnected && !this.#lost;
  }

  /** @throws NoSuchObjectError where there is no base, SizeLimitExceededError where the server gives less than was asked */
  async search({ base, scope, filter, attributes, limit, pageSize }: Search): Promise<Entry[]> {
    this.#assertAlive();
    const options = { scope, filter, attributes: [...attributes], timeLimit: 0 };
    if (!pageSize) {
      const sizeLimit = limit === undefined ? {} : { sizeLimit: limit };
      return (await this.#client.search(base, { ...options, ...sizeLimit })).searchEntries;
    }
    const found: Entry[] = [];
    for await (const page of this.#client.searchPaginated(base, { ...options, paged: { pageSize } })) {
      // One by one: a page may hold more than a call takes arguments.
      for (const entry of page.searchEntries) found.push(entry);
      if (limit !== undefined && found.length >= limit) {
        // The server still holds the rest of the search.
        this.close();
        return found.slice(0, limit);
      }
    }
    return found;
  }

  async add(dn: string, attributes: Record<string, string[]>): Promise<void> {
    this.#assertAlive();
    await this.#client.add(dn, attributes);
  }

  async modify(dn: string, changes: Change[]): Promise<void> {
    this.#assertAlive();
    await this.#client.modify(dn, changes);
  }

  async delete(dn: string): Promise<void> {
    this.#assertAlive();
    await this.#client.del(dn);
  }

  /** An extended operation (RFC 4511 section 4.12). */
  async extended(oid: string, value: Buffer): Promise<void> {
    this.#assertAlive();
    await this.#client.exop(oid, value);
  }

  close(): void {
    // The library would wait for the answer of a socket that is gone.
    if (this.#lost) return;
    this.#client.unbind().catch(() => {});
  }

  #assertAlive(): void {
    if (!this.open || !this.#client.isBound) throw new ConnectionLost('the connection is gone');
  }
}

/** Whether an error says that the server could not be asked, rather than what it thinks of the question. */
export const isUnanswered = (error: unknown): boolean =>
  codeOf(error) === undefined && !(error instanceof TypeError) && !(error instanceof SyntaxError);

/** The library has an option for it, and forgets it on the way to the request (ldapts 9). */
function followAliases(client: Client, aliases: 'search' | 'find' | 'always'): void {
  const inner = client as unknown as { _send(message: unknown): Promise<unknown> };
  const send = inner._send.bind(client);
  inner._send = (message) => {
    if (message instanceof SearchRequest) message.derefAliases = aliases;
    return send(message);
  };
}

async function withDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConnectionLost('no answer in time')), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
