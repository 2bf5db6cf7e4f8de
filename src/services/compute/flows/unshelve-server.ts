import { ApiError } from '../../../platform/errors/errors.ts';
import { flow } from '../../../platform/flow/flow.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { faultOf } from '../model/faults.ts';
import { powerStates } from '../model/server-states.ts';
import type { Server } from '../store/servers.ts';
import { buildRequest, toGuestNic } from './build-request.ts';
import { claimHost, unclaimHost } from './claim-host.ts';
import { whileAgentsStart } from './create-server.ts';
import type { FlowParts } from './parts.ts';
import { placed, putRight, wanted } from './placed.ts';

export const unshelveTask = 'unshelving';
export const unshelveEvent = 'compute_unshelve_instance';

/** Deletes the image of a shelved server; one that somebody has protected since is theirs by now. */
export async function discardShelved(
  { image }: Pick<FlowParts, 'image'>,
  imageId: string | null,
): Promise<void> {
  if (imageId === null) return;
  const found = await image.image({ id: imageId, admin: true });
  if (found && !found.protected) await image.discard({ id: imageId });
}

/** The image is deleted first: the row is what knows of it. */
const unshelved = async (parts: FlowParts, serverId: string, host: string): Promise<void> => {
  const { servers, actions, store } = parts;
  const server = await servers.look(serverId);
  if (!server || server.deleted) return;
  await discardShelved(parts, server.shelved_image_id);
  await store.transaction(async () => {
    const now = await servers.look(serverId);
    if (!now || now.deleted) return;
    await servers.change(
      { id: serverId },
      {
        vm_state: 'active',
        power_state: powerStates.running,
        launched_at: timestamp(),
        fault: null,
        shelved_image_id: null,
        shelved_at: null,
        ...(now.task_state === 'deleting' ? {} : { task_state: null }),
      },
    );
    await actions.finish(serverId, { host });
  });
};

const stillShelved = async (parts: FlowParts, serverId: string, error: Error): Promise<void> => {
  const { servers, actions, store } = parts;
  await store.transaction(async () => {
    const lost = error instanceof ApiError && error.code === imageLost ? { vm_state: 'error' } : {};
    const fault = { fault: faultOf(error), ...lost };
    for (const task of [unshelveTask, 'spawning'])
      await servers.change({ id: serverId, task_state: task }, { task_state: null, ...fault });
    await actions.finish(serverId, { error });
  });
};

/** Starts a shelved server that is still on its host. */
export const startShelvedServer = (parts: FlowParts) =>
  flow<{ serverId: string }>('compute.start-shelved-server', { concurrency: 50 })
    .step('start the guest', {
      retry: whileAgentsStart,
      do: async ({ serverId }) => {
        const { host } = await placed(parts, serverId);
        await parts.agent(host).power({ serverId, action: 'start' });
        return { host };
      },
      undo: ({ serverId }) =>
        putRight(parts, serverId, (host) => host.power({ serverId, action: 'stop', gracefulSeconds: 0 })),
    })
    .onDone(({ serverId, host }) => unshelved(parts, serverId, host))
    .onFailure(({ serverId }, { error }) => stillShelved(parts, serverId, error));

const imageLost = 'ShelvedImageLost';

/** What a server asked of its first host goes, as upstream: it may be put back anywhere in its zone. */
const askingFor = (server: Server, host: string | undefined): Server => {
  const { forceHost: _, requestedHost: __, requestedHypervisor: ___, ...request } = server.request;
  return { ...server, request: { ...request, ...(host === undefined ? {} : { requestedHost: host }) } };
};

/**
 * Puts a server that is on no host back onto one, from the image that shelving made of it. What fails leaves it as it
 * was; one whose image is gone cannot be put back, and is in ERROR.
 */
export const unshelveServer = (parts: FlowParts) => {
  const { servers, network, image, agent } = parts;
  return flow<{ serverId: string; toHost?: string }>('compute.unshelve-server', { concurrency: 50 })
    .step('claim a host', {
      retry: { times: 2, delay: 200 },
      do: async ({ serverId, toHost }) => {
        const server = await wanted(parts, serverId);
        const { host, node, availability_zone: zone, shelved_image_id: imageId } = server;
        const found = imageId === null ? null : await image.image({ id: imageId, admin: true });
        if (imageId === null || found?.status !== 'active')
          throw new ApiError(500, `Unshelve attempted but the image ${imageId} cannot be found.`, {
            code: imageLost,
          });
        const claimed =
          host !== null && node !== null
            ? { host, node, zone: zone ?? '' }
            : await claimHost(parts, askingFor(server, toHost));
        await servers.change({ id: serverId, task_state: unshelveTask }, { task_state: 'spawning' });
        return { ...claimed, imageId };
      },
      undo: ({ serverId }) => unclaimHost(parts, serverId),
    })
    .step('bind the ports', {
      retry: { times: 2, delay: 200 },
      do: async ({ serverId, host, zone }) => {
        const ports = await network.bindPorts({ serverId, host, ...(zone ? { zone } : {}) });
        return { ports: ports.map(toGuestNic) };
      },
      undo: ({ serverId }) => network.unbindPorts({ serverId }),
    })
    .step('build on the host', {
      retry: whileAgentsStart,
      deadline: 900_000,
      do: async ({ serverId, host, imageId, ports }) => {
        const server = await wanted(parts, serverId);
        // The host may have a guest of the server that it could not be told to destroy.
        await agent(host).destroy({ serverId });
        await agent(host).build({ ...(await buildRequest(parts, server, ports)), imageId });
        await wanted(parts, serverId);
      },
      undo: ({ serverId, host }) => agent(host).destroy({ serverId }),
    })
    .onDone(({ serverId, host }) => unshelved(parts, serverId, host))
    .onFailure(({ serverId }, { error }) => stillShelved(parts, serverId, error));
};
