import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FlowEngine } from '../../../platform/flow/engine.ts';
import { failEveryStep, type Seam } from '../../../platform/flow/testing/fail-every-step.ts';
import type { World } from '../../../platform/service/testing/world.ts';
import { imageService } from '../../image/contract.ts';
import { placementService } from '../../placement/contract.ts';
import type { SimulatedDriver } from '../drivers/simulated/driver.ts';
import type { ComputeStore } from '../store/schema.ts';
import { serverFlows } from './flows.ts';
import type { FlowParts } from './parts.ts';
import { type Case, type Cases, everything, nothing, projectId, startCases } from './testing/cases.ts';

describe("compute's flows leave nothing half done", () => {
  let cases: Cases;
  let world: World;
  let store: ComputeStore;
  let driver: SimulatedDriver;
  before(async () => {
    cases = await startCases();
    ({ world, store, driver } = cases);
  });
  after(() => cases.close());

  const partsWith = (seam: Seam, engine?: FlowEngine): FlowParts => cases.partsWith(seam, engine);
  const fresh = (seam: Seam): Promise<Case> => cases.fresh(seam);
  const built = (seam: Seam, change: object = {}): Promise<Case> => cases.built(seam, change);
  const remains = (each: Case) => cases.remains(each);
  const rowOf = (each: Case) => cases.rowOf(each);

  it('when a server is created', (t) =>
    failEveryStep(t, {
      world: fresh,
      flows: ({ parts }) => [serverFlows(parts).createServer],
      start: (engine, { parts, serverId }) =>
        store.transaction(() => engine.startFlow(serverFlows(parts).createServer, { serverId })),
      async done(each) {
        assert.deepEqual(await remains(each), everything);
        const row = await rowOf(each);
        assert.deepEqual([row?.vm_state, row?.task_state, row?.host], ['active', null, 'host-1']);
      },
      async undone(each) {
        assert.deepEqual(await remains(each), nothing);
        const row = await rowOf(each);
        assert.deepEqual([row?.vm_state, row?.task_state, row?.host], ['error', null, null]);
        assert.ok(row?.fault?.message);
      },
    }));

  it('when a server is deleted', (t) =>
    failEveryStep(t, {
      world: (seam) => built(seam, { task_state: 'deleting' }),
      flows: ({ parts }) => [serverFlows(parts).deleteServer],
      start: (engine, { parts, serverId }) =>
        store.transaction(() => engine.startFlow(serverFlows(parts).deleteServer, { serverId })),
      async done(each) {
        assert.deepEqual(await remains(each), nothing);
        assert.equal((await rowOf(each))?.deleted, true);
      },
    }));

  it("when a guest's power changes", (t) =>
    failEveryStep(t, {
      world: (seam) => built(seam, { task_state: 'powering-off' }),
      flows: ({ parts }) => [serverFlows(parts).power['stop-server']],
      start: (engine, { parts, serverId }) =>
        store.transaction(() => engine.startFlow(serverFlows(parts).power['stop-server'], { serverId })),
      async done(each) {
        const row = await rowOf(each);
        assert.deepEqual([row?.vm_state, row?.task_state, row?.power_state], ['stopped', null, 4]);
        assert.equal((await driver.show(each.serverId)).powerState, 'shutdown');
      },
      async undone(each) {
        const row = await rowOf(each);
        assert.deepEqual([row?.vm_state, row?.task_state], ['active', null]);
        assert.ok(row?.fault);
      },
    }));

  it('when a server is rebuilt', (t) =>
    failEveryStep(t, {
      world: (seam) => built(seam, { task_state: 'rebuilding' }),
      flows: ({ parts }) => [serverFlows(parts).rebuildServer],
      start: (engine, { parts, serverId }) =>
        store.transaction(() =>
          engine.startFlow(serverFlows(parts).rebuildServer, { serverId, stopped: true }),
        ),
      async done(each) {
        assert.deepEqual(await remains(each), everything);
        const row = await rowOf(each);
        assert.deepEqual([row?.vm_state, row?.task_state], ['stopped', null]);
        assert.equal((await driver.show(each.serverId)).powerState, 'shutdown');
      },
      // What it had is not given back: it can be rebuilt again, or deleted.
      async undone(each) {
        const { allocations, ports } = await remains(each);
        assert.deepEqual({ allocations, ports }, { allocations: 1, ports: 1 });
        const row = await rowOf(each);
        assert.deepEqual([row?.vm_state, row?.task_state, row?.host], ['error', null, 'host-1']);
        assert.ok(row?.fault);
      },
    }));

  const larger = { id: 'g', name: 'g', vcpus: 3, ram: 8, disk: 2 };

  /** A case whose server is about to be resized; `claimed` says that it has been. */
  const resizing = async (seam: Seam, change: object = {}): Promise<Case> => {
    const made = await built(seam);
    const { migrations, servers } = made.parts;
    const server = await servers.find(made.serverId);
    const placed = { ...server, host: 'host-1', node: 'host-1' };
    const flavor = { ...server.flavor, ...larger };
    const migrationId = await store.transaction(() => migrations.begin(placed, flavor));
    await servers.change({ id: made.serverId }, { vcpus: 3, task_state: 'resize_prep', ...change });
    return { ...made, migrationId };
  };
  const resizedBefore = async (seam: Seam, settling: string, change: object): Promise<Case> => {
    const made = await resizing(seam);
    const input = { serverId: made.serverId, migrationId: made.migrationId, running: true };
    await cases.run(made, (engine, flows) => engine.startFlow(flows.resizeServer, input));
    await made.parts.migrations.to(made.migrationId, settling);
    await made.parts.servers.change({ id: made.serverId }, change);
    return made;
  };
  /** What its host, placement, its row and its migration say of a server's size. */
  const sizes = async (each: Case) => {
    const { spec, powerState } = await driver.show(each.serverId);
    const claimed = await world.bus.client(placementService).allocations({ consumer: each.serverId });
    const row = await rowOf(each);
    return {
      power: powerState,
      guest: [spec.vcpus, spec.memoryMib, spec.disks[0]?.kind === 'empty' ? spec.disks[0].sizeGib : 0],
      claimed: Object.values(claimed).map((one) => [one['VCPU'], one['MEMORY_MB'], one['DISK_GB']]),
      row: [row?.vm_state, row?.task_state, row?.flavor.id, row?.vcpus, row?.memory_mib],
      migration: (await each.parts.migrations.get(each.migrationId)).status,
    };
  };
  const inputOf = ({ serverId, migrationId }: Case) => ({ serverId, migrationId, running: true });

  it('when a server is resized', (t) =>
    failEveryStep(t, {
      world: resizing,
      flows: ({ parts }) => [serverFlows(parts).resizeServer],
      start: (engine, each) =>
        store.transaction(() => engine.startFlow(serverFlows(each.parts).resizeServer, inputOf(each))),
      async done(each) {
        assert.deepEqual(await sizes(each), {
          power: 'running',
          guest: [3, 8, 2],
          claimed: [[3, 16, 2]],
          row: ['resized', null, 'g', 3, 16],
          migration: 'finished',
        });
      },
      async undone(each) {
        assert.deepEqual(await sizes(each), {
          power: 'running',
          guest: [1, 16, 1],
          claimed: [[1, 16, 1]],
          row: ['active', null, 'f', 1, 16],
          migration: 'error',
        });
        assert.ok((await rowOf(each))?.fault?.message);
      },
    }));

  it('when a resize is confirmed', (t) =>
    failEveryStep(t, {
      world: (seam) => resizedBefore(seam, 'confirming', {}),
      flows: ({ parts }) => [serverFlows(parts).confirmResize],
      start: (engine, each) =>
        store.transaction(() => engine.startFlow(serverFlows(each.parts).confirmResize, inputOf(each))),
      async done(each) {
        assert.deepEqual(await sizes(each), {
          power: 'running',
          guest: [3, 8, 2],
          claimed: [[3, 8, 2]],
          row: ['active', null, 'g', 3, 8],
          migration: 'confirmed',
        });
        // There is nothing left to go back to.
        await driver.stop(each.serverId, { gracefulSeconds: 0 });
        await driver.settleResize(each.serverId, 'revert');
        assert.equal((await driver.show(each.serverId)).spec.vcpus, 3);
      },
    }));

  it('when a resize is reverted', (t) =>
    failEveryStep(t, {
      world: (seam) => resizedBefore(seam, 'reverting', { task_state: 'resize_reverting' }),
      flows: ({ parts }) => [serverFlows(parts).revertResize],
      start: (engine, each) =>
        store.transaction(() => engine.startFlow(serverFlows(each.parts).revertResize, inputOf(each))),
      async done(each) {
        assert.deepEqual(await sizes(each), {
          power: 'running',
          guest: [1, 16, 1],
          claimed: [[1, 16, 1]],
          row: ['active', null, 'f', 1, 16],
          migration: 'reverted',
        });
      },
    }));

  it('when an image is made of a server', (t) =>
    failEveryStep(t, {
      world: async (seam) => {
        const made = await built(seam, { task_state: 'image_snapshot' });
        const { id: imageId } = await world.bus.client(imageService).create({
          name: 'picture',
          projectId,
          diskFormat: 'qcow2',
          containerFormat: 'bare',
          properties: {},
        });
        return { ...made, imageId };
      },
      flows: ({ parts }) => [serverFlows(parts).snapshotServer],
      start: (engine, { parts, serverId, imageId }) =>
        store.transaction(() => engine.startFlow(serverFlows(parts).snapshotServer, { serverId, imageId })),
      async done(each) {
        const found = await world.bus.client(imageService).image({ id: each.imageId, admin: true });
        assert.equal(found?.status, 'active');
        assert.equal((await rowOf(each))?.task_state, null);
      },
      async undone(each) {
        assert.equal(await world.bus.client(imageService).image({ id: each.imageId, admin: true }), null);
        assert.equal((await rowOf(each))?.task_state, null);
      },
    }));

  it('when a server is deleted while it is built', async () => {
    const flowsOf = (parts: FlowParts) => serverFlows(parts);
    const engine = new FlowEngine({ store, runnerId: 'both' });
    const parts = partsWith((each) => each, engine);
    const flows = flowsOf(parts);
    engine.register(flows.createServer, flows.deleteServer);
    await engine.start();
    const serverId = await cases.newServer();
    const resource = { type: 'server', id: serverId };
    const creation = await engine.startFlow(flows.createServer, { serverId }, { resource });
    await parts.servers.change({ id: serverId }, { task_state: 'deleting' });
    const deletion = await engine.startFlow(flows.deleteServer, { serverId }, { resource });
    assert.equal((await engine.wait(creation)).state, 'failed');
    assert.equal((await engine.wait(deletion)).state, 'done');
    const each = { serverId, parts } as Case;
    assert.deepEqual(await remains(each), nothing);
    assert.equal((await rowOf(each))?.vm_state, 'deleted');
    await engine.close();
  });
});
