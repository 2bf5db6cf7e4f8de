import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { FlowEngine } from '../../../../platform/flow/engine.ts';
import type { Seam } from '../../../../platform/flow/testing/fail-every-step.ts';
import { member, startWorld, type World } from '../../../../platform/service/testing/world.ts';
import { openStore } from '../../../../platform/store/store.ts';
import { timestamp } from '../../../../platform/store/table.ts';
import { imageService } from '../../../image/contract.ts';
import { image } from '../../../image/service.ts';
import { networkAgentService } from '../../../network/agents/service.ts';
import { networkAgent, networkService } from '../../../network/contract.ts';
import { network } from '../../../network/service.ts';
import { placementService } from '../../../placement/contract.ts';
import { placement } from '../../../placement/service.ts';
import { computeAgentHandlers } from '../../agents/compute-agent.ts';
import { BaseImages } from '../../drivers/qemu/base-images.ts';
import { SimulatedDriver } from '../../drivers/simulated/driver.ts';
import { takeHeartbeat } from '../../handlers/heartbeat.ts';
import { migrationChanges } from '../../store/migrations.ts';
import { type ComputeStore, computeSchema } from '../../store/schema.ts';
import { serverActionLog } from '../../store/server-actions.ts';
import { serverChanges } from '../../store/server-changes.ts';
import type { Server } from '../../store/servers.ts';
import { type ServerFlows, serverFlows } from '../flows.ts';
import type { FlowParts } from '../parts.ts';
import { settled } from '../settled.ts';

export const projectId = member.projectId as string;

/** What one case has of its own: a server, and the parts that its flows call. */
export interface Case {
  store: ComputeStore;
  serverId: string;
  imageId: string;
  migrationId: string;
  parts: FlowParts;
  close(): Promise<void>;
}

/** What is there of a server outside of compute's own records. */
export interface Remains {
  allocations: number;
  ports: number;
  guests: number;
}
export const nothing: Remains = { allocations: 0, ports: 0, guests: 0 };
export const everything: Remains = { allocations: 1, ports: 1, guests: 1 };

/** The other services for real, one simulated host, and compute's store: what cases share. */
export interface Cases {
  world: World;
  store: ComputeStore;
  driver: SimulatedDriver;
  /** Parts whose calls go through a seam; `engine` for flows that wait for others, or start them. */
  partsWith(seam: Seam, engine?: FlowEngine): FlowParts;
  /** A server that has been asked for and nothing else. */
  newServer(): Promise<string>;
  /** A case of such a server. */
  fresh(seam: Seam): Promise<Case>;
  /** A case whose server has been built already, by a flow that nothing happens to. */
  built(seam: Seam, change?: Partial<Server>): Promise<Case>;
  /** Runs flows to their end that nothing happens to. */
  run(each: Case, begin: (engine: FlowEngine, flows: ServerFlows) => Promise<string>): Promise<void>;
  remains(each: Case): Promise<Remains>;
  rowOf(each: Case): Promise<Server | undefined>;
  close(): Promise<void>;
}

const through: Seam = (each) => each;

export async function startCases(): Promise<Cases> {
  const world = await startWorld([placement, image, network, networkAgentService]);
  const { bus } = world;
  const store = await openStore(computeSchema, { url: 'sqlite::memory:' });
  const driver = await SimulatedDriver.open();
  const { accelerator: _, ...facts } = await driver.probe();
  const beat = {
    ...facts,
    host: 'host-1',
    startedAt: new Date().toISOString(),
    hostIp: '127.0.0.1',
    running: 0,
  };
  await takeHeartbeat({ store, placement: bus.client(placementService) }, beat, {
    cpu: 1000,
    ram: 10,
    disk: 10,
  });
  const made = await world.request('network', 'POST', '/v2.0/networks', {
    as: member,
    body: { network: { name: 'n' } },
  });
  const networkId = made.body.network.id as string;
  await world.request('network', 'POST', '/v2.0/subnets', {
    as: member,
    body: { subnet: { network_id: networkId, cidr: '10.8.0.0/16', ip_version: 4 } },
  });

  const partsWith: Cases['partsWith'] = (seam, engine = new FlowEngine({ store, runnerId: 'none' })) => {
    const images = bus.client(imageService);
    const agent = seam(
      computeAgentHandlers({
        driver,
        image: images,
        networkAgent: bus.client(networkAgent, { host: 'host-1' }),
        baseImages: new BaseImages(world.stateDir),
        scratch: `${world.stateDir}/scratch`,
      }),
    );
    return {
      store,
      engine,
      servers: serverChanges(store),
      migrations: migrationChanges(store),
      actions: serverActionLog(store),
      placement: seam(bus.client(placementService)),
      network: seam(bus.client(networkService)),
      image: seam(images),
      agent: () => agent,
      settled: settled(engine),
    };
  };

  async function newServer(): Promise<string> {
    const id = randomUUID();
    const now = timestamp();
    await serverChanges(store).rows.insert({
      id,
      project_id: projectId,
      user_id: 'u',
      name: 'guest',
      hostname: 'guest',
      reservation_id: 'r-1',
      vm_state: 'building',
      task_state: 'scheduling',
      flavor_id: 'f',
      flavor: {
        id: 'f',
        name: 'f',
        description: null,
        vcpus: 1,
        ram: 16,
        disk: 1,
        ephemeral: 0,
        swap: 0,
        rxtx_factor: 1,
        extra_specs: {},
      },
      vcpus: 1,
      memory_mib: 16,
      request: { networks: [{ networkId }], securityGroupIds: [], hints: {} },
      created_at: now,
      updated_at: now,
    });
    return id;
  }

  const fresh: Cases['fresh'] = async (seam) => ({
    store,
    serverId: await newServer(),
    imageId: '',
    migrationId: '',
    parts: partsWith(seam),
    close: async () => {},
  });

  const run: Cases['run'] = async ({ serverId }, begin) => {
    const engine = new FlowEngine({ store, runnerId: `maker-${serverId}` });
    const flows = serverFlows(partsWith(through, engine));
    const { power, ...others } = flows;
    engine.register(...Object.values(others), ...Object.values(power));
    await engine.start();
    try {
      const { state, failure } = await engine.wait(await begin(engine, flows));
      assert.equal(state, 'done', JSON.stringify(failure));
      for (const { id } of await engine.list({ state: ['running', 'unwinding'] })) await engine.wait(id);
    } finally {
      await engine.close();
    }
  };

  return {
    world,
    store,
    driver,
    partsWith,
    newServer,
    fresh,
    run,
    async built(seam, change = {}) {
      const each = await fresh(seam);
      const { serverId } = each;
      await run(each, (engine, flows) => engine.startFlow(flows.createServer, { serverId }));
      await each.parts.servers.change({ id: serverId }, change);
      return each;
    },
    async remains({ serverId }) {
      const ports = await bus.client(networkService).serverPorts({ serverIds: [serverId] });
      return {
        allocations: Object.keys(await bus.client(placementService).allocations({ consumer: serverId }))
          .length,
        ports: (ports[serverId] ?? []).length,
        guests: (await driver.list()).filter(({ id }) => id === serverId).length,
      };
    },
    rowOf: ({ parts, serverId }) => parts.servers.look(serverId),
    async close() {
      await driver.close();
      await store.close();
      await world[Symbol.asyncDispose]();
    },
  };
}
