import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { forEachDatabase, type OpenTestStore } from '../../../platform/store/testing/databases.ts';
import { capacityOf, inventoryDefaults } from '../model/capacity.ts';
import { providerAllocations, setAllocations } from './allocations.ts';
import { setInventories } from './inventories.ts';
import { IndexFollower } from './provider-index.ts';
import { createProvider } from './resource-providers.ts';
import { type PlacementStore, schema } from './tables.ts';

const script = fileURLToPath(new URL('testing/claimant.ts', import.meta.url));
const inventories = {
  VCPU: { ...inventoryDefaults, total: 7, reserved: 1, allocation_ratio: 1.5 },
  MEMORY_MB: { ...inventoryDefaults, total: 16 },
};

/** Lets a process claim until it has said so many lines, then kills it wherever it stands. */
async function killedAfter(lines: number, url: string, providers: readonly string[]): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [script, url, ...providers], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let seen = 0;
  for await (const _ of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    seen += 1;
    if (seen === lines) child.kill('SIGKILL');
  }
  const [, signal] = await ended;
  assert.equal(signal, 'SIGKILL', 'the claimant ended by itself');
}

/** Nothing is promised twice, nothing is half written, and an index that is read now knows it all. */
async function assertSound(store: PlacementStore, providers: readonly string[]): Promise<number> {
  const view = await new IndexFollower(store).current();
  let claims = 0;
  for (const uuid of providers) {
    const { rows, consumers } = await providerAllocations(store, uuid);
    claims += rows.length;
    for (const [name, inventory] of Object.entries(inventories)) {
      const used = rows.filter((row) => row.resource_class === name).reduce((sum, row) => sum + row.used, 0);
      assert.ok(used <= capacityOf(inventory), `${name}: ${used} of ${capacityOf(inventory)}`);
      assert.equal(view.index.get(uuid)?.usages.get(name) ?? 0, used);
    }
    for (const { consumer_uuid } of rows) {
      assert.ok(consumers.has(consumer_uuid));
      const classes = rows
        .filter((row) => row.consumer_uuid === consumer_uuid)
        .map((row) => row.resource_class);
      assert.deepEqual(
        classes.toSorted(),
        ['MEMORY_MB', 'VCPU'],
        'a claim is there as a whole or not at all',
      );
    }
  }
  const empty = await store.db
    .selectFrom('consumers')
    .leftJoin('allocations', 'allocations.consumer_uuid', 'consumers.uuid')
    .select('consumers.uuid')
    .where('allocations.consumer_uuid', 'is', null)
    .execute();
  assert.deepEqual(empty, []);
  return claims;
}

function crashes(open: OpenTestStore): void {
  test('claimants that are killed in the middle of their work promise nothing twice and leave nothing half done', async () => {
    const url = open.freshUrl();
    const store = await open(schema, { url });
    const providers = [randomUUID(), randomUUID(), randomUUID()];
    for (const uuid of providers) {
      await createProvider(store, { uuid, name: uuid, parentUuid: null });
      await setInventories(store, uuid, inventories);
    }
    const follower = new IndexFollower(store);
    await follower.current();
    for (const lines of [9, 4]) {
      await Promise.all([killedAfter(lines, url, providers), killedAfter(lines + 3, url, providers)]);
      assert.ok((await assertSound(store, providers)) > 0, 'the claimants left nothing to look at');
      // One that followed all the while knows the same as one that begins now.
      const followed = await follower.current();
      const fresh = await new IndexFollower(store).current();
      for (const uuid of providers)
        assert.deepEqual(followed.index.get(uuid)?.usages, fresh.index.get(uuid)?.usages);
    }
    // What the dead held in locks is given up: life goes on.
    const consumer = randomUUID();
    await setAllocations(store, [{ consumer, projectId: 'p', userId: 'u', allocations: {} }]);
  });
}

forEachDatabase((name, open) => {
  // Another process cannot reach a database in this one's memory.
  if (name !== 'SQLite in memory') crashes(open);
});
