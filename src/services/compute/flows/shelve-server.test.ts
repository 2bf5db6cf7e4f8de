import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { FlowEngine } from '../../../platform/flow/engine.ts';
import { failEveryStep, type Seam } from '../../../platform/flow/testing/fail-every-step.ts';
import { admin } from '../../../platform/service/testing/world.ts';
import { imageService } from '../../image/contract.ts';
import { computeAgent } from '../contract.ts';
import type { Server } from '../store/servers.ts';
import { serverFlows } from './flows.ts';
import { type Case, type Cases, everything, nothing, startCases } from './testing/cases.ts';

describe('shelving leaves nothing half done', () => {
  let cases: Cases;
  before(async () => {
    cases = await startCases();
  });
  after(() => cases.close());

  const inputOf = ({ serverId, imageId }: Case, offload = true) => ({
    serverId,
    imageId,
    vmState: 'active',
    offload,
  });
  const shelving = async (seam: Seam, change: Partial<Server> = {}): Promise<Case> => {
    const imageId = randomUUID();
    const begun = { task_state: 'shelving', shelved_image_id: imageId, ...change };
    return { ...(await cases.built(seam, begun)), imageId };
  };
  const shelved = async (seam: Seam, offload: boolean, change: Partial<Server>): Promise<Case> => {
    const each = await shelving(seam);
    await cases.run(each, (engine, flows) => engine.startFlow(flows.shelveServer, inputOf(each, offload)));
    await each.parts.servers.change({ id: each.serverId }, change);
    return each;
  };
  type Single = 'offloadServer' | 'startShelvedServer' | 'unshelveServer' | 'deleteServer';
  /** A flow that starts no other, and wants to know the server only. */
  const only = (name: Single) => ({
    flows: ({ parts }: Case) => [serverFlows(parts)[name]] as const,
    start: (engine: FlowEngine, { parts, serverId, store }: Case) =>
      store.transaction(() => engine.startFlow(serverFlows(parts)[name], { serverId })),
  });
  const images = () => cases.world.bus.client(imageService);
  /** What is said of a server everywhere. */
  const seen = async (each: Case) => {
    const row = await cases.rowOf(each);
    const { body } = await cases.world.request('network', 'GET', `/v2.0/ports?device_id=${each.serverId}`, {
      as: admin,
    });
    return {
      row: [row?.vm_state, row?.task_state, row?.host],
      keeps: row?.shelved_image_id ?? null,
      image: (await images().image({ id: each.imageId, admin: true }))?.status,
      remains: await cases.remains(each),
      bound: body.ports.map((port: Record<string, string>) => port['binding:host_id']),
      power: (await cases.driver.show(each.serverId).catch(() => undefined))?.powerState,
    };
  };
  const active = {
    row: ['active', null, 'host-1'],
    keeps: null,
    image: undefined,
    remains: everything,
    bound: ['host-1'],
    power: 'running',
  };
  const offloaded = ({ imageId }: Case) => ({
    row: ['shelved_offloaded', null, null],
    keeps: imageId,
    image: 'active',
    remains: { ...nothing, ports: 1 },
    bound: [''],
    power: undefined,
  });

  it('when a server is shelved, and taken off its host at once', (t) =>
    failEveryStep(t, {
      world: shelving,
      flows: ({ parts }, engine) => {
        const { shelveServer, offloadServer } = serverFlows({ ...parts, engine });
        return [shelveServer, offloadServer];
      },
      start: (engine, each) =>
        each.store.transaction(() => engine.startFlow(serverFlows(each.parts).shelveServer, inputOf(each))),
      done: async (each) => assert.deepEqual(await seen(each), offloaded(each)),
      undone: async (each) => {
        assert.deepEqual(await seen(each), active);
        assert.ok((await cases.rowOf(each))?.fault);
      },
    }));

  it('when a server that is paused is shelved, and stays on its host', (t) =>
    failEveryStep(t, {
      world: async (seam) => {
        const each = await shelving(seam, { vm_state: 'paused' });
        await cases.driver.pause(each.serverId);
        return each;
      },
      flows: ({ parts }) => [serverFlows(parts).shelveServer],
      start: (engine, each) =>
        each.store.transaction(() =>
          engine.startFlow(serverFlows(each.parts).shelveServer, {
            ...inputOf(each, false),
            vmState: 'paused',
          }),
        ),
      done: async (each) =>
        assert.deepEqual(await seen(each), {
          ...active,
          row: ['shelved', null, 'host-1'],
          keeps: each.imageId,
          image: 'active',
          power: 'shutdown',
        }),
      undone: async (each) =>
        assert.deepEqual(await seen(each), {
          ...active,
          row: ['paused', null, 'host-1'],
          power: 'paused',
        }),
    }));

  it('when a shelved server is taken off its host later', (t) =>
    failEveryStep(t, {
      world: (seam) => shelved(seam, false, { task_state: 'shelving_offloading' }),
      ...only('offloadServer'),
      done: async (each) => assert.deepEqual(await seen(each), offloaded(each)),
    }));

  it('when the host of a shelved server is away, which has its guest still', async () => {
    const each = await shelved((made) => made, false, { task_state: 'shelving_offloading' });
    const { serverId, store } = each;
    const engine = new FlowEngine({ store, runnerId: `away-${serverId}` });
    // No agent answers for any host here.
    const agent = (host: string) => cases.world.bus.client(computeAgent, { host });
    const flow = serverFlows({ ...each.parts, agent }).offloadServer;
    engine.register(flow);
    await engine.start();
    assert.equal((await engine.wait(await engine.startFlow(flow, { serverId }))).state, 'done');
    await engine.close();
    const left = offloaded(each);
    assert.deepEqual(await seen(each), {
      ...left,
      remains: { ...left.remains, guests: 1 },
      power: 'shutdown',
    });
    // Put back onto that host, it is built anew.
    await each.parts.servers.change({ id: serverId }, { task_state: 'unshelving' });
    await cases.run(each, (runs, flows) => runs.startFlow(flows.unshelveServer, { serverId }));
    assert.deepEqual(await seen(each), active);
    const [root] = (await cases.driver.show(serverId)).spec.disks;
    assert.equal(root?.kind === 'image' && root.imageId, each.imageId);
  });

  it('when a shelved server starts where it is', (t) =>
    failEveryStep(t, {
      world: (seam) => shelved(seam, false, { task_state: 'unshelving' }),
      ...only('startShelvedServer'),
      done: async (each) => assert.deepEqual(await seen(each), active),
      undone: async (each) =>
        assert.deepEqual(await seen(each), {
          ...active,
          row: ['shelved', null, 'host-1'],
          keeps: each.imageId,
          image: 'active',
          power: 'shutdown',
        }),
    }));

  it('when a server is put back onto a host', (t) =>
    failEveryStep(t, {
      world: (seam) => shelved(seam, true, { task_state: 'unshelving' }),
      ...only('unshelveServer'),
      done: async (each) => {
        assert.deepEqual(await seen(each), active);
        const { spec } = await cases.driver.show(each.serverId);
        const [root] = spec.disks;
        assert.equal(root?.kind === 'image' && root.imageId, each.imageId);
      },
      undone: async (each) => {
        assert.deepEqual(await seen(each), offloaded(each));
        assert.ok((await cases.rowOf(each))?.fault);
      },
    }));

  it('when a shelved server is deleted', (t) =>
    failEveryStep(t, {
      world: (seam) => shelved(seam, true, { task_state: 'deleting' }),
      ...only('deleteServer'),
      done: async (each) => {
        assert.deepEqual(await cases.remains(each), nothing);
        assert.equal(await images().image({ id: each.imageId, admin: true }), null);
        assert.equal((await cases.rowOf(each))?.deleted, true);
      },
    }));
});
