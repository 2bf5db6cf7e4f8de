import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  type Answered,
  admin,
  type Caller,
  member,
  startWorld,
  type World,
} from '../../../platform/service/testing/world.ts';
import { imageService } from '../../image/contract.ts';
import { image } from '../../image/service.ts';
import { networkAgentService } from '../../network/agents/service.ts';
import { network } from '../../network/service.ts';
import { placement } from '../../placement/service.ts';
import { computeAgentService } from '../agents/service.ts';
import { compute } from '../service.ts';
import type { ComputeSettings } from '../settings.ts';

/** A whole cloud with simulated drivers, without identity: real services over the real bus. */
export interface Cloud extends World {
  imageId: string;
  flavorId: string;
  networkId: string;
  /** A request to compute at a microversion. */
  compute(
    method: string,
    path: string,
    options?: { as?: Caller; body?: unknown; at?: string },
  ): Promise<Answered>;
  /** Creates a server and waits until it has left BUILD. */
  server(
    asked?: object,
    options?: { as?: Caller; at?: string },
  ): Promise<Record<string, unknown> & { id: string }>;
  /** Waits until a server is in a status and has no task. */
  reaches(id: string, status: string, as?: Caller): Promise<Record<string, unknown>>;
  gone(id: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Looks every few milliseconds until it sees what it waits for: events are not told to clients. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const until = performance.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > until) throw new Error(`${what}: not within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** @param settings what of compute's is to be otherwise than by default */
export async function startCloud(settings: Partial<ComputeSettings> = {}): Promise<Cloud> {
  const services = [placement, image, network, networkAgentService, compute, computeAgentService];
  const world = await startWorld(services, { settings });
  try {
    return await furnished(world);
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}

async function furnished(world: World): Promise<Cloud> {
  const ask: Cloud['compute'] = (method, path, { as = member, body, at } = {}) =>
    world.request('compute', method, `/v2.1${path}`, {
      as,
      body,
      ...(at ? { headers: { 'openstack-api-version': `compute ${at}` } } : {}),
    });
  const flavorId = `test-${randomUUID().slice(0, 8)}`;
  const flavor = await ask('POST', '/flavors', {
    as: admin,
    body: { flavor: { id: flavorId, name: flavorId, ram: 64, vcpus: 1, disk: 1 } },
  });
  assert.equal(flavor.status, 200, JSON.stringify(flavor.body));
  const images = world.bus.client(imageService);
  const made = await world.request('image', 'POST', '/v2/images', {
    as: admin,
    body: { name: 'tiny', disk_format: 'raw', container_format: 'bare', visibility: 'public' },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const imageId = made.body.id as string;
  const filled = await fetch(`${world.urls['image']}/v2/images/${imageId}/file`, {
    method: 'PUT',
    headers: { 'x-auth-token': world.tokenFor(admin), 'content-type': 'application/octet-stream' },
    body: new Uint8Array(1024),
  });
  assert.equal(filled.status, 204, await filled.text());
  assert.equal((await images.image({ id: imageId, admin: true }))?.status, 'active');
  const net = await world.request('network', 'POST', '/v2.0/networks', {
    as: member,
    body: { network: { name: 'private' } },
  });
  assert.equal(net.status, 201, JSON.stringify(net.body));
  const networkId = net.body.network.id as string;
  const subnet = await world.request('network', 'POST', '/v2.0/subnets', {
    as: member,
    body: { subnet: { network_id: networkId, cidr: '10.9.0.0/16', ip_version: 4 } },
  });
  assert.equal(subnet.status, 201, JSON.stringify(subnet.body));

  const cloud: Cloud = {
    ...world,
    imageId,
    flavorId,
    networkId,
    compute: ask,
    async server(asked = {}, { as = member, at } = {}) {
      const body = {
        server: {
          name: 'one',
          imageRef: imageId,
          flavorRef: flavorId,
          networks: [{ uuid: networkId }],
          ...asked,
        },
      };
      const created = await ask('POST', '/servers', { as, body, ...(at ? { at } : {}) });
      assert.equal(created.status, 202, JSON.stringify(created.body));
      const { id } = created.body.server;
      const shown = await eventually(`server ${id} to leave BUILD`, async () => {
        const { body: found } = await ask('GET', `/servers/${id}`, { as: { ...as, roles: admin.roles } });
        return found.server.status === 'BUILD' ? undefined : found.server;
      });
      return shown;
    },
    reaches: (id, status, as = member) =>
      eventually(`server ${id} to reach ${status}`, async () => {
        const { body } = await ask('GET', `/servers/${id}`, { as });
        const settled = body.server?.status === status && body.server['OS-EXT-STS:task_state'] === null;
        return settled ? body.server : undefined;
      }),
    gone: (id) =>
      eventually(`server ${id} to be gone`, async () =>
        (await ask('GET', `/servers/${id}`, { as: admin })).status === 404 ? true : undefined,
      ).then(() => undefined),
  };
  return cloud;
}
