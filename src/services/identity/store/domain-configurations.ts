import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import {
  type DomainConfiguration,
  type DomainOptions,
  invalid,
  substituted,
} from '../model/domain-options.ts';
import type { Changes } from './changes.ts';
import type { KeyRepository } from './key-repository.ts';
import { Memory } from './memory.ts';
import type { IdentityTables } from './schema.ts';
import { type DomainOptionRow, domainOptions } from './tables/domain-configurations.ts';

/** A part of a configuration: all of it, a group, or one option. */
export interface Part {
  group?: string | undefined;
  name?: string | undefined;
}

export interface DomainConfigurationsOptions {
  store: Store<IdentityTables>;
  changes: Changes;
  options: DomainOptions;
  /** What sensitive options are encrypted with. */
  keys: KeyRepository;
  /** Tells other processes that a domain's configuration is not what it was. */
  announce(domainId: string): void;
  /** Told of options that name a sensitive one that is not there; never with a value. */
  warn(about: { domainId: string; group: string; option: string }): void;
}

/** Longer than any password, and short enough to be read back by Fernet. */
const longestSecret = 8192;

/** What is configured for single domains, sensitive options encrypted at rest. */
export class DomainConfigurations {
  readonly options: DomainOptions;
  readonly #with: DomainConfigurationsOptions;
  readonly #rows;
  readonly #known: Memory<DomainConfiguration>;
  readonly #listeners = new Set<(domainId: string) => void>();

  constructor(given: DomainConfigurationsOptions) {
    this.options = given.options;
    this.#with = given;
    this.#rows = repository(given.store, domainOptions);
    this.#known = new Memory(given.changes, 1000);
  }

  /** All of a domain's options, the sensitive ones too and put where others name them: for the domain's backend. */
  of(domainId: string): DomainConfiguration | Promise<DomainConfiguration> {
    return this.#known.get(domainId, async () => {
      const rows = await this.#list(domainId);
      const secrets = new Map(
        rows.filter((row) => row.sensitive).map((row) => [row.option_name, this.#valueOf(row)]),
      );
      return toConfiguration(rows, (row) => {
        const value = this.#valueOf(row);
        if (row.sensitive || typeof value !== 'string') return value;
        const filled = substituted(value, secrets);
        if (filled === undefined) {
          this.#with.warn({ domainId, group: row.option_group, option: row.option_name });
        }
        return filled ?? value;
      });
    });
  }

  /** The domains that have a configuration. */
  async domains(): Promise<string[]> {
    const { db } = this.#with.store;
    const rows = await db.selectFrom('domain_options').select('domain_id').distinct().execute();
    return rows.map((row) => row.domain_id);
  }

  /** Called with the domain when its configuration has changed, here or in another process. @returns ends it */
  onChange(listener: (domainId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What may be read back. */
  async readable(domainId: string, part: Part = {}): Promise<DomainConfiguration> {
    const rows = await this.#list(domainId, part);
    return toConfiguration(
      rows.filter((row) => !row.sensitive),
      (row) => this.#valueOf(row),
    );
  }

  async has(domainId: string, part: Part = {}): Promise<boolean> {
    return (await this.#rows.find(whereOf(domainId, part))) !== undefined;
  }

  /** Writes options over those that are there; joins the caller's transaction. */
  async write(domainId: string, config: DomainConfiguration): Promise<void> {
    const rows = Object.entries(config).flatMap(([group, options]) =>
      Object.entries(options).map(([name, value]) => this.#rowOf(domainId, group, name, value)),
    );
    for (const { option_group, option_name } of rows) {
      await this.#rows.delete({ domain_id: domainId, option_group, option_name });
    }
    await this.#rows.insert(rows);
    this.#changed(domainId);
  }

  /** Joins the caller's transaction. */
  async remove(domainId: string, part: Part = {}): Promise<void> {
    await this.#rows.delete(whereOf(domainId, part));
    this.#changed(domainId);
  }

  /** Another process has changed a domain's configuration. */
  changedElsewhere(domainId: string): void {
    for (const listener of this.#listeners) listener(domainId);
  }

  /** Makes a new key and writes every sensitive option with it, so that none is left to a key that goes. */
  async rotateKeys(): Promise<void> {
    await this.#encryptAnew();
    await this.#with.keys.rotate();
    await this.#encryptAnew();
  }

  async #encryptAnew(): Promise<void> {
    await this.#with.store.transaction(async () => {
      for (const row of await this.#rows.list({ where: { sensitive: true } })) {
        const { domain_id, option_group, option_name } = row;
        const option_value = this.#encrypt(this.#decrypt(row.option_value));
        await this.#rows.update({ domain_id, option_group, option_name }, { option_value });
      }
    });
  }

  #changed(domainId: string): void {
    const { store, changes, announce } = this.#with;
    // Who may log in there may be somebody else now.
    changes.revoked();
    store.afterCommit(() => {
      announce(domainId);
      this.changedElsewhere(domainId);
    });
  }

  #list(domainId: string, part: Part = {}): Promise<DomainOptionRow[]> {
    return this.#rows.list({ where: whereOf(domainId, part) });
  }

  #rowOf(domainId: string, group: string, name: string, value: unknown): DomainOptionRow {
    const sensitive = this.options.isSensitive(group, name);
    const text = JSON.stringify(value);
    if (sensitive && text.length > longestSecret)
      throw invalid(`Option ${name} in group ${group} is too long`);
    const option_value = sensitive ? this.#encrypt(text) : text;
    return { domain_id: domainId, option_group: group, option_name: name, sensitive, option_value };
  }

  #valueOf(row: DomainOptionRow): unknown {
    return JSON.parse(row.sensitive ? this.#decrypt(row.option_value) : row.option_value);
  }

  #encrypt(text: string): string {
    return this.#with.keys.fernet.encrypt(Buffer.from(text));
  }

  #decrypt(token: string): string {
    return this.#with.keys.fernet.decrypt(token).message.toString();
  }
}

const whereOf = (domain_id: string, { group, name }: Part) => ({
  domain_id,
  ...(group === undefined ? {} : { option_group: group }),
  ...(name === undefined ? {} : { option_name: name }),
});

function toConfiguration(
  rows: readonly DomainOptionRow[],
  valueOf: (row: DomainOptionRow) => unknown,
): DomainConfiguration {
  const config: DomainConfiguration = {};
  for (const row of rows) (config[row.option_group] ??= {})[row.option_name] = valueOf(row);
  return config;
}
