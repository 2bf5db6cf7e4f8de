import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import type { Schema, Tables } from '../schema.ts';
import { openStore, type Store, type StoreOptions } from '../store.ts';
import { missingMariadb, missingPostgres, startMariadb, startPostgres, type TestServer } from './server.ts';

/** Opens a store on a fresh, empty database; it is closed after the tests. `url` (of an earlier one) opens that again. */
export interface OpenTestStore {
  <T extends Tables>(schema: Schema<T>, options?: Partial<StoreOptions>): Promise<Store<T>>;
  /** The URL of a database that is not there yet. */
  freshUrl(): string;
}

interface Kind {
  name: string;
  /** Why it cannot be had on this machine. */
  missing?(): string | undefined;
  start(): Promise<TestServer>;
}

function startSqliteFiles(): TestServer {
  const folder = mkdtempSync(join(tmpdir(), 'cumulet-sqlite-'));
  return {
    url: (name) => `sqlite:${join(folder, name)}.db`,
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const kinds: readonly Kind[] = [
  { name: 'SQLite in memory', start: async () => ({ url: () => 'sqlite::memory:', stop: async () => {} }) },
  { name: 'SQLite', start: async () => startSqliteFiles() },
  { name: 'PostgreSQL', missing: missingPostgres, start: startPostgres },
  { name: 'MariaDB', missing: missingMariadb, start: startMariadb },
];

/**
 * Declares the same tests for every database:
 *
 *     forEachDatabase((name, open) => {
 *       test('a flavor is found again', async () => {
 *         const store = await open(schema);
 *         …
 *
 * Servers are thrown away afterwards, one of each kind for a test file. Where a server is not installed its tests are
 * skipped, and say so.
 */
export function forEachDatabase(declare: (name: string, open: OpenTestStore) => void): void {
  for (const kind of kinds) {
    const missing = kind.missing?.();
    describe(kind.name, { skip: missing && `skipped: ${missing}` }, () => {
      let server: TestServer | undefined;
      const opened: { close(): Promise<void> }[] = [];
      let count = 0;
      const freshUrl = () => (server as TestServer).url(`test_${++count}`);
      const open = async <T extends Tables>(schema: Schema<T>, given: Partial<StoreOptions> = {}) => {
        const store = await openStore(schema, { url: freshUrl(), ...given });
        opened.push(store);
        return store;
      };
      before(async () => {
        server = await kind.start();
      });
      after(async () => {
        for (const store of opened) await store.close();
        await server?.stop();
      });
      declare(kind.name, Object.assign(open, { freshUrl }));
    });
  }
}
