import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ManualClock, settle } from '../clock/testing/manual-clock.ts';
import { differences } from './differences.ts';
import { heartbeat, periodic } from './periodic.ts';
import { reconciler } from './reconciler.ts';

/** Work that goes on until the test lets it end. */
function gate() {
  const runs: PromiseWithResolvers<number>[] = [];
  const work = () => {
    const run = Promise.withResolvers<number>();
    runs.push(run);
    return run.promise;
  };
  return { runs, work, last: () => runs.at(-1) as PromiseWithResolvers<number> };
}

describe('periodic work', () => {
  test('runs at start, and again when its time has come', async () => {
    const clock = new ManualClock();
    let runs = 0;
    const work = periodic('count', 60_000, async () => ++runs, { clock, jitter: 0 });
    work.start();
    await settle();
    assert.equal(runs, 1);
    await clock.advance(59_999);
    assert.equal(runs, 1);
    await clock.advance(1);
    assert.equal(runs, 2);
    await work.close();
    assert.equal(clock.next, undefined);
  });

  test('waits are spread at random around its time', async () => {
    const clock = new ManualClock();
    const waits = new Set<number>();
    const work = periodic('spread', 1_000, async () => {}, { clock, jitter: 0.1 });
    work.start();
    await settle();
    for (let i = 0; i < 20; i++) {
      const wait = clock.next as number;
      assert.ok(wait >= 900 && wait <= 1_100, String(wait));
      waits.add(wait);
      await clock.advance(wait);
    }
    assert.ok(waits.size > 1);
    await work.close();
  });

  test('wakes during a run become exactly one more run', async () => {
    const { runs, work, last } = gate();
    const each = periodic('gate', 60_000, work, { clock: new ManualClock() });
    each.start();
    await settle();
    for (let i = 0; i < 5; i++) each.wake();
    assert.equal(runs.length, 1);
    last().resolve(1);
    await settle();
    assert.equal(runs.length, 2);
    last().resolve(2);
    await settle();
    assert.equal(runs.length, 2);
    await each.close();
  });

  test('sync waits for a run that began after it was called', async () => {
    const { runs, work, last } = gate();
    const each = periodic('gate', 60_000, work, { clock: new ManualClock() });
    each.start();
    await settle();
    let synced: number | undefined;
    const done = each.sync().then((result) => (synced = result));
    last().resolve(1);
    await settle();
    assert.equal(synced, undefined);
    assert.equal(runs.length, 2);
    last().resolve(2);
    assert.equal(await done, 2);
    await each.close();
  });

  test('sync rejects with the error of its run, and nobody else has to handle it', async () => {
    const told: unknown[] = [];
    const each = periodic('bad', 60_000, async () => Promise.reject(new Error('no bridge')), {
      clock: new ManualClock(),
      onError: (error) => told.push(error),
    });
    each.start();
    await settle();
    await assert.rejects(each.sync(), /no bridge/);
    assert.equal(told.length, 2);
    const { failures, lastError, runs } = each.report();
    assert.deepEqual({ failures, lastError, runs }, { failures: 2, lastError: 'no bridge', runs: 2 });
    await each.close();
  });

  test('after errors it comes back sooner, then ever later up to its time', async () => {
    const clock = new ManualClock();
    let good = false;
    const each = periodic(
      'flaky',
      5_000,
      async () => {
        if (!good) throw new Error('not yet');
      },
      { clock, jitter: 0 },
    );
    each.start();
    await settle();
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 5; i++) {
      waits.push(clock.next);
      await clock.advance(clock.next as number);
    }
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 5_000, 5_000]);
    good = true;
    await each.sync();
    await settle();
    assert.equal(each.report().failures, 0);
    assert.equal(each.report().lastError, undefined);
    assert.equal(clock.next, 5_000);
    await each.close();
  });

  test('close stops the run under way, waits for it, and fails who waits for another', async () => {
    const each = periodic(
      'long',
      1_000,
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { clock: new ManualClock() },
    );
    const first = each.sync();
    await settle();
    const second = each.sync();
    await each.close();
    await assert.rejects(first, { name: 'AbortError' });
    await assert.rejects(second, /long is closed/);
    await assert.rejects(each.sync(), /long is closed/);
    each.wake();
    assert.equal(each.report().runs, 1);
  });

  test('a heartbeat beats and says when it last did', async () => {
    const clock = new ManualClock();
    let beats = 0;
    const heart = heartbeat({ every: 10_000, clock, jitter: 0, beat: async () => ++beats });
    heart.start();
    await settle();
    await clock.advance(30_000);
    assert.equal(beats, 4);
    assert.equal(heart.report().lastSucceededAt, clock.now());
    await heart.close();
  });
});

/** A host whose taps are not as they should be. */
function host() {
  const wanted = new Map([
    ['tap1', 1500],
    ['tap2', 1450],
  ]);
  const present = new Map([
    ['tap2', 1500],
    ['tap3', 1500],
  ]);
  const calls: string[] = [];
  const each = reconciler({
    name: 'taps',
    every: 60_000,
    clock: new ManualClock(),
    wanted: async () => wanted,
    present: async () => present,
    key: ([name]) => name,
    same: ([, mtu], [, is]) => mtu === is,
    mend: async ({ missing, surplus, changed }) => {
      calls.push(`${missing.length} ${surplus.length} ${changed.length}`);
      for (const [name] of surplus) present.delete(name);
      for (const [name, mtu] of [...missing, ...changed.map((change) => change.wanted)])
        present.set(name, mtu);
    },
  });
  return { wanted, present, calls, each };
}

describe('a reconciler', () => {
  test('mends what is missing, surplus and changed at once, and says what it found', async () => {
    const { wanted, present, calls, each } = host();
    const found = await each.sync();
    assert.deepEqual(found, { wanted: 2, present: 2, missing: 1, surplus: 1, changed: 1 });
    assert.deepEqual(calls, ['1 1 1']);
    assert.deepEqual(new Map(present), wanted);
    assert.deepEqual(each.report().lastResult, found);
    await each.close();
  });

  test('touches nothing where nothing differs', async () => {
    const { calls, each } = host();
    await each.sync();
    await each.sync();
    assert.equal(calls.length, 1);
    await each.close();
  });
});

test('mending all differences makes what is there the same as what is wanted', () => {
  const items = fc.uniqueArray(fc.record({ id: fc.string({ maxLength: 3 }), value: fc.nat(3) }), {
    selector: ({ id }) => id,
  });
  fc.assert(
    fc.property(items, items, (wanted, present) => {
      const found = differences(
        wanted,
        present,
        ({ id }) => id,
        (a, b) => a.value === b.value,
      );
      const is = new Map(present.map(({ id, value }) => [id, value]));
      for (const { id } of found.surplus) assert.ok(is.delete(id));
      for (const { id, value } of found.missing) {
        assert.ok(!is.has(id));
        is.set(id, value);
      }
      for (const change of found.changed) {
        assert.equal(is.get(change.present.id), change.present.value);
        is.set(change.wanted.id, change.wanted.value);
      }
      assert.deepEqual(
        is,
        new Map([...is.keys()].map((id) => [id, wanted.find((item) => item.id === id)?.value])),
      );
      assert.equal(is.size, wanted.length);
    }),
  );
});

test('what is wanted twice is refused, and what is there twice is surplus', () => {
  assert.throws(() => differences(['a', 'a'], [], String), /wanted twice/);
  assert.deepEqual(differences(['a'], ['a', 'a'], String).surplus, ['a']);
});
