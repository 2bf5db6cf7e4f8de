import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { failEveryStep, type Seam } from '../../../platform/flow/testing/fail-every-step.ts';
import type { Server } from '../store/servers.ts';
import { serverFlows } from './flows.ts';
import { type Case, type Cases, everything, startCases } from './testing/cases.ts';

describe('rescuing leaves nothing half done', () => {
  let cases: Cases;
  before(async () => {
    cases = await startCases();
  });
  after(() => cases.close());

  const imageId = 'a-system';
  /** What its row and its guest say. */
  const seen = async (each: Case) => {
    assert.deepEqual(await cases.remains(each), everything);
    const row = await cases.rowOf(each);
    const { powerState, rescue } = await cases.driver.show(each.serverId);
    const { disks } = await cases.driver.diagnostics(each.serverId).catch(() => ({ disks: [] }));
    return {
      row: [row?.vm_state, row?.task_state, row?.power_state],
      guest: [powerState, rescue?.imageId],
      disks: disks.map(({ id }) => id),
      fault: row?.fault?.message !== undefined,
    };
  };
  const rescued = async (seam: Seam, change: Partial<Server>): Promise<Case> => {
    const each = await cases.built(seam, { task_state: 'rescuing' });
    const input = { serverId: each.serverId, imageId, running: true };
    await cases.run(each, (engine, flows) => engine.startFlow(flows.rescueServer, input));
    await each.parts.servers.change({ id: each.serverId }, change);
    return each;
  };

  it('of a server that runs', (t) =>
    failEveryStep(t, {
      world: (seam) => cases.built(seam, { task_state: 'rescuing' }),
      flows: ({ parts }) => [serverFlows(parts).rescueServer],
      start: (engine, { parts, serverId, store }) =>
        store.transaction(() =>
          engine.startFlow(serverFlows(parts).rescueServer, { serverId, imageId, running: true }),
        ),
      async done(each) {
        assert.deepEqual(await seen(each), {
          row: ['rescued', null, 1],
          guest: ['running', imageId],
          disks: ['rescue', 'root'],
          fault: false,
        });
      },
      async undone(each) {
        assert.deepEqual(await seen(each), {
          row: ['active', null, 1],
          guest: ['running', undefined],
          disks: ['root'],
          fault: true,
        });
      },
    }));

  it('of a server that is off', (t) =>
    failEveryStep(t, {
      world: async (seam) => {
        const each = await cases.built(seam, {
          task_state: 'rescuing',
          vm_state: 'stopped',
          power_state: 4,
        });
        await cases.driver.stop(each.serverId, { gracefulSeconds: 0 });
        return each;
      },
      flows: ({ parts }) => [serverFlows(parts).rescueServer],
      start: (engine, { parts, serverId, store }) =>
        store.transaction(() =>
          engine.startFlow(serverFlows(parts).rescueServer, { serverId, imageId, running: false }),
        ),
      async done(each) {
        assert.deepEqual((await seen(each)).guest, ['running', imageId]);
      },
      async undone(each) {
        assert.deepEqual(await seen(each), {
          row: ['stopped', null, 4],
          guest: ['shutdown', undefined],
          disks: [],
          fault: true,
        });
      },
    }));

  it('of a server that boots from its own disk again', (t) =>
    failEveryStep(t, {
      world: (seam) => rescued(seam, { task_state: 'unrescuing' }),
      flows: ({ parts }) => [serverFlows(parts).unrescueServer],
      start: (engine, { parts, serverId, store }) =>
        store.transaction(() => engine.startFlow(serverFlows(parts).unrescueServer, { serverId })),
      async done(each) {
        assert.deepEqual(await seen(each), {
          row: ['active', null, 1],
          guest: ['running', undefined],
          disks: ['root'],
          fault: false,
        });
      },
    }));
});
