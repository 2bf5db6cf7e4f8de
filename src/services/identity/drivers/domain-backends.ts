import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ServiceUnavailable } from '../../../platform/errors/errors.ts';
import type { Logger } from '../../../platform/service/service.ts';
import type { Backends, IdentityBackend } from '../model/backend.ts';

/** A domain's configuration: options by section, with its passwords. */
export type DomainConfiguration = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface DomainBackendsOptions {
  /** The domain whose backend is `defaultDriver`, and that driver's options. */
  defaultDomain: string;
  defaultDriver: DomainConfiguration;
  /** Whether the users of the default driver are known by its own ids. */
  keepsLocalIds: boolean;
  /** What else a domain is configured with; undefined where that is nothing. */
  configOf(domainId: string): Promise<DomainConfiguration | undefined>;
  log: Logger;
}

interface Known {
  /** The configuration that it was made of. */
  text: string;
  backend: IdentityBackend | undefined;
}

/** Which backend each domain has, made when it is first needed. No code for LDAP is loaded before. */
export class DomainBackends implements Backends {
  readonly #options: DomainBackendsOptions;
  readonly #known = new Map<string, Known>();
  /** Domains whose configuration is being turned into a backend: all who ask wait for the same one. */
  readonly #making = new Map<string, Promise<Known>>();

  constructor(options: DomainBackendsOptions) {
    this.#options = options;
  }

  showsLocalIds(domainId: string): boolean {
    const { defaultDomain, defaultDriver, keepsLocalIds } = this.#options;
    const own = this.#known.get(domainId);
    const byDefault = JSON.stringify(defaultDriver);
    return (
      domainId === defaultDomain && keepsLocalIds && isLdap(defaultDriver) && (!own || own.text === byDefault)
    );
  }

  async of(domainId: string): Promise<IdentityBackend | undefined> {
    const { defaultDomain, defaultDriver } = this.#options;
    const own = await this.#options.configOf(domainId);
    const config = own ?? (domainId === defaultDomain ? defaultDriver : {});
    const text = JSON.stringify(config);
    const known = this.#known.get(domainId);
    if (known?.text === text) return known.backend;
    const key = `${domainId} ${text}`;
    let making = this.#making.get(key);
    if (!making) {
      making = this.#make(domainId, config, text).finally(() => this.#making.delete(key));
      this.#making.set(key, making);
    }
    return (await making).backend;
  }

  close(): void {
    for (const { backend } of this.#known.values()) backend?.close();
    this.#known.clear();
  }

  async #make(domainId: string, config: DomainConfiguration, text: string): Promise<Known> {
    const made = { text, backend: await this.#opened(domainId, config) };
    // Who still uses the one before has his answer from it or is told to ask again.
    this.#known.get(domainId)?.backend?.close();
    this.#known.set(domainId, made);
    return made;
  }

  async #opened(domainId: string, config: DomainConfiguration): Promise<IdentityBackend | undefined> {
    const driver = config['identity']?.['driver'] ?? 'sql';
    if (driver === 'sql') return undefined;
    try {
      if (driver !== 'ldap') throw new TypeError('identity.driver must be sql or ldap');
      const { LdapBackend } = await import('./ldap/backend.ts');
      return new LdapBackend(config['ldap'] ?? {});
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.error({ domain: domainId, reason }, 'the configuration of a domain cannot be used');
      throw new ServiceUnavailable('The configuration of this domain cannot be used.', { cause: error });
    }
  }
}

const isLdap = (config: DomainConfiguration): boolean => config['identity']?.['driver'] === 'ldap';

/** More than any configuration needs. Bytes. */
const fileLimit = 1 << 20;

/**
 * Reads the configurations of domains from a folder: `keystone.<domain's name>.yaml`, each a mapping of sections.
 *
 * @returns configurations by the names of domains; none where there is no such folder
 * @throws Error for a file that is none, or that has a password in it and can be read by everybody
 */
export async function domainFiles(folder: string): Promise<Map<string, DomainConfiguration>> {
  const found = new Map<string, DomainConfiguration>();
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) {
    const domain = /^keystone\.(.+)\.ya?ml$/.exec(name)?.[1];
    if (domain !== undefined) found.set(domain, await configurationIn(join(folder, name)));
  }
  return found;
}

async function configurationIn(path: string): Promise<DomainConfiguration> {
  await using file = await open(path);
  const { size, mode } = await file.stat();
  if (size > fileLimit) throw new Error(`${path}: it is larger than a megabyte`);
  const { parse } = await import('yaml');
  const content: unknown = parse(await file.readFile('utf8'), { maxAliasCount: 0 }) ?? {};
  if (!isMapping(content) || !Object.values(content).every(isMapping)) {
    throw new Error(`${path}: it must hold sections, such as identity and ldap`);
  }
  const config = content as DomainConfiguration;
  if ((mode & 0o004) !== 0 && config['ldap']?.['password'] !== undefined) {
    throw new Error(`${path}: everybody can read it, and it holds a password; 'chmod o= ${path}' helps`);
  }
  return config;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
