import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { ManualClock, settle } from '../clock/testing/manual-clock.ts';
import { Conflict, NotFound } from '../errors/errors.ts';
import { forEachDatabase } from '../store/testing/databases.ts';
import { type FlowEnd, FlowEngine, type FlowEngineOptions } from './engine.ts';
import type { FlowEvent } from './events.ts';
import { type FlowDefinition, flow } from './flow.ts';
import { type ErrandStore, errandFlow, errandSchema, Shelf } from './testing/errands.ts';

type Defined = { definition: FlowDefinition };

const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

async function engineOver(
  store: ErrandStore,
  flows: readonly Defined[],
  options: Partial<FlowEngineOptions> = {},
): Promise<FlowEngine> {
  const engine = new FlowEngine({ store, runnerId: 'one', pause, ...options }).register(...flows);
  await engine.start();
  return engine;
}

const held = () => Promise.withResolvers<void>();

forEachDatabase((_, open) => {
  const fresh = (): Promise<ErrandStore> => open(errandSchema);

  describe('a flow', () => {
    test('runs after the transaction that started it, and each step sees what came before', async () => {
      const store = await fresh();
      const shelf = new Shelf();
      const errand = errandFlow(store, shelf);
      const engine = await engineOver(store, [errand]);
      const id = await store.transaction(async () => {
        await store.db.insertInto('errands').values({ id: 'e1', status: 'BUILD' }).execute();
        const flowId = await engine.startFlow(errand, { errandId: 'e1' });
        await settle();
        assert.equal(shelf.things.size, 0);
        return flowId;
      });
      assert.equal((await engine.wait(id)).state, 'done');
      const row = await engine.show(id);
      assert.deepEqual(row.outputs['look around'], { seen: { place: 'place of e1-0' } });
      assert.deepEqual(
        row.history.map(({ step, action, failures }) => [step, action, failures]),
        [
          ['claim a place', 'do', 0],
          ['look around', 'do', 0],
          ['make two things', 'do', 0],
          [null, 'onDone', 0],
        ],
      );
      assert.ok(row.history.every(({ finished_at }) => finished_at !== null));
      assert.equal(row.runner_id, null);
      await engine.close();
    });

    test('is never there when its transaction rolls back', async () => {
      const store = await fresh();
      const shelf = new Shelf();
      const errand = errandFlow(store, shelf);
      const engine = await engineOver(store, [errand]);
      const failing = store.transaction(async () => {
        await engine.startFlow(errand, { errandId: 'e1' });
        throw new Conflict('no');
      });
      await assert.rejects(failing, Conflict);
      await settle();
      assert.deepEqual(await engine.list(), []);
      assert.equal(shelf.things.size, 0);
      await engine.close();
    });

    test('is run by one of two engines, however they race for it', async () => {
      const store = await fresh();
      const clock = new ManualClock();
      let runs = 0;
      const once = flow('errands.once').step('count', { do: async () => void runs++ });
      const starter = new FlowEngine({ store, runnerId: 'starter', clock }).register(once);
      const ids = await Promise.all(Array.from({ length: 10 }, () => starter.startFlow(once, {})));
      const engines = await Promise.all(
        ['a', 'b'].map((runnerId) => engineOver(store, [once], { runnerId, clock })),
      );
      for (const id of ids) await Promise.race(engines.map((engine) => engine.wait(id)));
      assert.equal(runs, 10);
      for (const engine of engines) await engine.close();
    });

    test('of a runner that died is taken over when its lease is over, and the dead cannot write to it', async () => {
      const store = await fresh();
      const clock = new ManualClock();
      const gate = held();
      let runs = 0;
      const slow = flow('errands.slow').step('wait', {
        do: async () => {
          if (++runs === 1) await gate.promise;
          return { run: runs };
        },
      });
      const first = await engineOver(store, [slow], { runnerId: 'first', clock });
      const id = await first.startFlow(slow, {});
      await settle();
      first.abandon();
      const second = await engineOver(store, [slow], { runnerId: 'second', clock });
      await settle();
      assert.equal(runs, 1);
      let end: FlowEnd | undefined;
      const ended = (async () => {
        end = await second.wait(id);
      })();
      // A look at the store takes the time that the database takes, in which the clock must not run away: a lease that
      // is over before the look is would be lost again.
      while (!end) {
        await clock.advance(5_000);
        await Promise.race([ended, wait(20)]);
      }
      assert.equal(end.state, 'done');
      gate.resolve();
      await settle();
      assert.ok(runs > 1);
      assert.deepEqual((await second.show(id)).outputs, { wait: { run: runs } });
      await second.close();
    });

    test('keeps its first error, typed, whatever goes wrong while it unwinds', async () => {
      const store = await fresh();
      let caught: unknown;
      let undos = 0;
      const failing = flow<{ name: string }>('errands.failing')
        .step('make', {
          do: async () => ({ made: true }),
          undo: async ({ made }) => {
            assert.equal(made, true);
            if (++undos < 3) throw new Error('busy');
          },
        })
        .step('fail', { do: async ({ name }) => Promise.reject(new NotFound('image', name)) })
        .onFailure(async ({ made }, failure) => {
          caught = [made, failure.step, failure.error instanceof NotFound, failure.error.message];
        });
      const engine = await engineOver(store, [failing]);
      const end = await engine.wait(await engine.startFlow(failing, { name: 'i1' }));
      assert.equal(end.state, 'failed');
      assert.equal(undos, 3);
      assert.deepEqual(caught, [true, 'fail', true, 'Image i1 could not be found.']);
      await engine.close();
    });

    test('lists by state, name and resource, newest first, in pages', async () => {
      const store = await fresh();
      const clock = new ManualClock();
      const note = flow('errands.note').step('note', { do: async () => {} });
      const engine = await engineOver(store, [note], { clock });
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) {
        ids.unshift(await engine.startFlow(note, {}, { resource: { type: 'server', id: `s${i % 2}` } }));
        await engine.wait(ids[0] as string);
        await clock.advance(1_000);
      }
      const idsOf = async (...args: Parameters<FlowEngine['list']>) =>
        (await engine.list(...args)).map(({ id }) => id);
      assert.deepEqual(await idsOf(), ids);
      assert.deepEqual(await idsOf({ limit: 2 }), ids.slice(0, 2));
      assert.deepEqual(await idsOf({ after: ids[1] as string }), ids.slice(2));
      assert.deepEqual(await idsOf({ resource: { type: 'server', id: 's0' } }), [ids[0], ids[2]]);
      assert.deepEqual(await idsOf({ state: 'failed' }), []);
      assert.equal(await engine.prune(1_500), 2);
      assert.deepEqual(await idsOf({ name: 'errands.note' }), ids.slice(0, 1));
      await engine.close();
    });

    test('whose definition lost its current step is stuck and says so, and goes on when it fits again', async () => {
      const store = await fresh();
      let runs = 0;
      const make = (...names: string[]) => {
        let made = flow('errands.changing');
        for (const name of names) made = made.step(name, { do: async () => void runs++ });
        return made;
      };
      const starter = new FlowEngine({ store, runnerId: 'old' }).register(make('one', 'two'));
      const id = await starter.startFlow(make('one', 'two'), {});
      const events: FlowEvent[] = [];
      const changed = await engineOver(store, [make('uno', 'two')], {
        onStep: (event) => events.push(event),
      });
      const end = await changed.wait(id);
      assert.equal(end.state, 'stuck');
      assert.match(end.problem?.error.message ?? '', /has lost step 1, "one"/);
      assert.equal(events[0]?.kind, 'stuck');
      assert.equal(runs, 0);
      await changed.close();
      const fits = await engineOver(store, [make('one', 'two', 'three')]);
      await fits.retry(id);
      assert.equal((await fits.wait(id)).state, 'done');
      assert.equal(runs, 3);
      await fits.close();
    });

    test('that closes gently is left after its step, and another takes it at once', async () => {
      const store = await fresh();
      const gate = held();
      const ran: string[] = [];
      const two = flow('errands.two')
        .step('first', {
          do: async () => {
            await gate.promise;
            ran.push('first');
          },
        })
        .step('second', { do: async () => void ran.push('second') });
      const engine = await engineOver(store, [two]);
      const id = await engine.startFlow(two, {});
      await settle();
      const closing = engine.close();
      gate.resolve();
      await closing;
      assert.deepEqual(ran, ['first']);
      const next = await engineOver(store, [two], { runnerId: 'another' });
      assert.equal((await next.wait(id)).state, 'done');
      assert.deepEqual(ran, ['first', 'second']);
      await next.close();
    });
  });
});
