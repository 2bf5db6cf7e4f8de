import assert from 'node:assert/strict';
import { defineSchema } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import { table, text } from '../../store/table.ts';
import { flow } from '../flow.ts';
import { flowMigrations, flowTables } from '../tables.ts';

const errands = table(
  'errands',
  { id: text({ length: 64 }), status: text({ length: 16 }), fault: text({ nullable: true }) },
  { primaryKey: ['id'] },
);

/** A service with one table, for tests of flows. */
export const errandSchema = defineSchema('errands', {
  tables: { errands, ...flowTables },
  migrations: [{ name: 'errands', up: (m) => m.createTable(errands) }, ...flowMigrations],
});
export type ErrandStore = Store<(typeof errandSchema)['tables']>;

/** Something outside of the store that steps change, and that a killed process leaves as it is. */
export class Shelf {
  readonly things = new Map<string, string>();

  /** @returns the number of what is there under this name, made if it was not */
  async put(name: string): Promise<string> {
    const found = this.things.get(name);
    if (found) return found;
    const number = `${name}-${this.things.size}`;
    this.things.set(name, number);
    return number;
  }

  async take(name: string): Promise<void> {
    this.things.delete(name);
  }
}

/** A flow like those of services: it claims, makes, and says in its record how it ended. */
export const errandFlow = (store: ErrandStore, shelf: Shelf) =>
  flow<{ errandId: string }>('errands.run')
    .step('claim a place', {
      do: async ({ errandId }) => ({ place: await shelf.put(`place of ${errandId}`) }),
      undo: async ({ errandId }) => shelf.take(`place of ${errandId}`),
    })
    // Nothing to undo: it only looks.
    .step('look around', { do: async ({ place }) => ({ seen: { place } }) })
    .step('make two things', {
      do: async ({ errandId, seen }) => {
        const left = await shelf.put(`left of ${errandId}`);
        const right = await shelf.put(`right of ${errandId} at ${seen.place}`);
        return { left, right };
      },
      undo: async ({ errandId, seen }) => {
        await shelf.take(`left of ${errandId}`);
        await shelf.take(`right of ${errandId} at ${seen.place}`);
      },
    })
    .onDone(async ({ errandId, left, right }) => {
      assert.ok(left && right);
      await set(store, errandId, 'ACTIVE', null);
    })
    .onFailure(async ({ errandId }, { error }) => set(store, errandId, 'ERROR', error.message));

async function set(store: ErrandStore, id: string, status: string, fault: string | null): Promise<void> {
  await store.db.updateTable('errands').set({ status, fault }).where('id', '=', id).execute();
}
