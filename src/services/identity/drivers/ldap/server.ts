import { setTimeout as delay } from 'node:timers/promises';
import type { Change, Entry } from 'ldapts';
import { ApiError } from '../../../../platform/errors/errors.ts';
import { Connection, type ConnectionSettings, isUnanswered, type Search } from './connection.ts';
import { isCode, LdapRefused, LdapSizeLimitExceeded, LdapUnavailable } from './errors.ts';
import type { LdapOptions } from './options.ts';
import { Pool } from './pool.ts';
import { tlsOptions } from './tls.ts';

/** Milliseconds until a server is given up, where nothing else was said: never is too long. */
const patience = { connect: 10_000, answer: 60_000 };

const aliases = {
  default: 'never',
  never: 'never',
  searching: 'search',
  finding: 'find',
  always: 'always',
} as const;

/** The servers of one domain, as one that is asked. What it throws is an `ApiError`, or the server's refusal. */
export class LdapServer {
  readonly #options: LdapOptions;
  readonly #urls: readonly string[];
  readonly #pool: Pool;
  readonly #authPool: Pool;

  /** @throws TypeError where the options contradict each other */
  constructor(options: LdapOptions) {
    this.#options = options;
    this.#urls = urlsOf(options);
    const { use_pool, use_auth_pool } = options;
    this.#pool = new Pool({
      open: () => this.#opened((each) => each.bind(...searcher(options))),
      size: use_pool ? options.pool_size : Number.POSITIVE_INFINITY,
      lifetime: use_pool ? options.pool_connection_lifetime * 1000 : 0,
      patience: this.#timeouts.timeout,
    });
    const keeps = use_pool && use_auth_pool;
    this.#authPool = new Pool({
      open: () => this.#opened((each) => each.connect()),
      size: keeps ? options.auth_pool_size : Number.POSITIVE_INFINITY,
      lifetime: keeps ? options.auth_pool_connection_lifetime * 1000 : 0,
      patience: this.#timeouts.timeout,
    });
  }

  get #timeouts(): Pick<ConnectionSettings, 'connectTimeout' | 'timeout'> {
    const { use_pool, pool_connection_timeout, connection_timeout } = this.#options;
    const seconds = use_pool ? pool_connection_timeout : connection_timeout;
    if (seconds <= 0) return { connectTimeout: patience.connect, timeout: patience.answer };
    return { connectTimeout: seconds * 1000, timeout: seconds * 1000 };
  }

  /** @returns the entries; none where there is no such base. @throws LdapSizeLimitExceeded */
  async search(search: Search): Promise<Entry[]> {
    const { page_size: pageSize } = this.#options;
    try {
      return await this.#ask(() => this.#pool.use((each) => each.search({ pageSize, ...search })));
    } catch (error) {
      if (isCode(error, 'noSuchObject')) return [];
      if (isCode(error, 'sizeLimitExceeded')) throw new LdapSizeLimitExceeded(error);
      throw error;
    }
  }

  add(dn: string, attributes: Record<string, string[]>): Promise<void> {
    return this.#ask(() => this.#pool.use((each) => each.add(dn, attributes), { changes: true }));
  }

  modify(dn: string, changes: Change[]): Promise<void> {
    return this.#ask(() => this.#pool.use((each) => each.modify(dn, changes), { changes: true }));
  }

  delete(dn: string): Promise<void> {
    return this.#ask(() => this.#pool.use((each) => each.delete(dn), { changes: true }));
  }

  extended(oid: string, value: Buffer): Promise<void> {
    return this.#ask(() => this.#pool.use((each) => each.extended(oid, value), { changes: true }));
  }

  /**
   * Whether this is the password of that entry. The server is asked each time: a password that was changed is wrong
   * at once.
   * @throws LdapUnavailable where no server can be asked, so that this is never taken for a wrong password
   */
  async accepts(dn: string, password: string): Promise<boolean> {
    if (dn === '' || password === '') return false;
    try {
      await this.#ask(() => this.#authPool.use((each) => each.bind(dn, password)));
      return true;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (isCode(error, 'busy', 'unavailable')) throw new LdapUnavailable(error);
      return false;
    }
  }

  close(): void {
    this.#pool.close();
    this.#authPool.close();
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ApiError || !isUnanswered(error)) throw error;
      throw new LdapUnavailable(error);
    }
  }

  /** A connection to the first server that answers; all of them are tried some times over. */
  async #opened(begin: (connection: Connection) => Promise<void>): Promise<Connection> {
    const { use_pool, pool_retry_max, pool_retry_delay } = this.#options;
    const settings: ConnectionSettings = {
      startTls: this.#options.use_tls,
      tls: await tlsOptions(this.#options),
      ...this.#timeouts,
      aliases: aliases[this.#options.alias_dereferencing],
    };
    const rounds = use_pool ? pool_retry_max : 1;
    let problem: unknown;
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await delay(pool_retry_delay * 1000);
      for (const url of this.#urls) {
        try {
          return await opened(url, settings, begin);
        } catch (error) {
          if (isCode(error, 'invalidCredentials', 'inappropriateAuthentication'))
            throw new LdapRefused(error);
          problem = error;
        }
      }
    }
    throw new LdapUnavailable(problem);
  }
}

async function opened(
  url: string,
  settings: ConnectionSettings,
  begin: (connection: Connection) => Promise<void>,
): Promise<Connection> {
  const connection = await Connection.open(url, settings);
  try {
    await begin(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** As upstream: without both a name and a password, searches are nobody's. */
const searcher = ({ user, password }: LdapOptions): [string, string] =>
  user && password ? [user, password] : ['', ''];

function urlsOf({ url, use_tls, randomize_urls }: LdapOptions): string[] {
  const urls = url.split(/[\s,]+/).filter((each) => each !== '');
  if (urls.length === 0) throw new TypeError('ldap.url must name a server');
  for (const each of urls) {
    if (!/^ldaps?:\/\//i.test(each) || !URL.canParse(each)) {
      throw new TypeError('ldap.url must be of ldap://host:port or ldaps://host:port');
    }
    if (use_tls && /^ldaps:/i.test(each)) throw new TypeError('ldap.use_tls is not for ldaps:// URLs');
  }
  if (!randomize_urls) return urls;
  return urls
    .map((each) => ({ each, rank: Math.random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ each }) => each);
}
