import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../store/store.ts';
import { type FlowDefinition, flow } from './flow.ts';
import { type ErrandStore, errandFlow, errandSchema, Shelf } from './testing/errands.ts';
import { failEveryStep, type Seam, type Subtests } from './testing/fail-every-step.ts';

async function world(seam: Seam) {
  const store: ErrandStore = await openStore(errandSchema, { url: 'sqlite::memory:' });
  const shelf = new Shelf();
  return { store, shelf, seen: seam(shelf) };
}
type World = Awaited<ReturnType<typeof world>>;

const statusOf = async ({ store }: World) =>
  (await store.db.selectFrom('errands').selectAll().executeTakeFirstOrThrow()).status;

const create = ({ store, seen }: World) => errandFlow(store, seen);

test('a flow that looks first and undoes all leaves nothing half done', (t) =>
  failEveryStep(t, {
    world,
    flows: (built) => [create(built)],
    start: (engine, built) =>
      built.store.transaction(async () => {
        await built.store.db.insertInto('errands').values({ id: 'e1', status: 'BUILD' }).execute();
        return engine.startFlow(create(built), { errandId: 'e1' });
      }),
    done: async (built) => {
      assert.equal(await statusOf(built), 'ACTIVE');
      assert.equal(built.shelf.things.size, 3);
    },
    undone: async (built) => {
      assert.equal(await statusOf(built), 'ERROR');
      assert.deepEqual([...built.shelf.things.keys()], []);
    },
  }));

const remove = ({ store, seen }: World) =>
  flow<{ errandId: string }>('errands.remove', { unwind: false })
    .step('clear the shelf', {
      do: async ({ errandId }) => seen.take(`place of ${errandId}`),
    })
    .step('forget the record', {
      do: async ({ errandId }) => {
        await store.db.deleteFrom('errands').where('id', '=', errandId).execute();
      },
    });

test('a flow that only goes forward always ends', (t) =>
  failEveryStep(t, {
    async world(seam) {
      const built = await world(seam);
      await built.store.db.insertInto('errands').values({ id: 'e1', status: 'DELETING' }).execute();
      await built.shelf.put('place of e1');
      return built;
    },
    flows: (built) => [remove(built)],
    start: (engine, built) => engine.startFlow(remove(built), { errandId: 'e1' }),
    done: async ({ store, shelf }) => {
      assert.equal(shelf.things.size, 0);
      assert.deepEqual(await store.db.selectFrom('errands').selectAll().execute(), []);
    },
  }));

/** Runs the judge over a flow with a fault. @returns the names of the cases that found it */
async function complaints(faulty: (shelf: Shelf) => { definition: FlowDefinition }): Promise<string[]> {
  const found: string[] = [];
  const context: Subtests = {
    test: async (name, work) => {
      await work().catch(() => found.push(name));
    },
  };
  await failEveryStep(context, {
    world,
    flows: ({ seen }) => [faulty(seen)],
    start: (engine, { seen }) => engine.startFlow(faulty(seen), {}),
    done: async ({ shelf }) => assert.equal(shelf.things.size, 1),
    undone: async ({ shelf }) => assert.equal(shelf.things.size, 0),
  }).catch(() => found.push('the first failure'));
  return found;
}

test('a do that does not look first at what is there is found out', async () => {
  const found = await complaints((shelf) =>
    flow('errands.faulty').step('put', {
      do: async () => ({ put: await shelf.put(`thing ${shelf.things.size}`) }),
      undo: async () => shelf.things.clear(),
    }),
  );
  assert.ok(found.includes('everything runs twice'), found.join());
  assert.ok(found.includes('killed after do of "put"'), found.join());
});

test('an undo that trusts its own output to be there is found out', async () => {
  const found = await complaints((shelf) =>
    flow('errands.faulty').step('put', {
      do: async () => ({ put: await shelf.put('thing') }),
      undo: async ({ put }) => {
        if (put) await shelf.take('thing');
      },
    }),
  );
  assert.deepEqual(found, ['the first failure']);
});

test('a step without the undo that it needs is found out', async () => {
  const found = await complaints((shelf) =>
    flow('errands.faulty')
      .step('put', { do: async () => ({ put: await shelf.put('thing') }) })
      .step('go on', { do: async () => {} }),
  );
  assert.deepEqual(found, ['the first failure']);
});
