import type { ServerPort } from '../../network/contract.ts';
import type { BuildRequest } from '../contract.ts';
import { instanceMetadata } from '../handlers/instance-metadata.ts';
import type { Server } from '../store/servers.ts';
import type { FlowParts } from './parts.ts';

export type GuestNic = BuildRequest['nics'][number];

export const toGuestNic = ({ id, mac, tap, mtu }: ServerPort): GuestNic => ({ portId: id, mac, tap, mtu });

/** What a host's agent is told of a server that it is to build. */
export async function buildRequest(
  parts: Pick<FlowParts, 'network'>,
  server: Server,
  nics: GuestNic[],
): Promise<BuildRequest> {
  const { flavor } = server;
  return {
    serverId: server.id,
    name: server.name,
    projectId: server.project_id,
    vcpus: flavor.vcpus,
    memoryMib: flavor.ram,
    rootGib: flavor.disk,
    ephemeralGib: flavor.ephemeral,
    swapMib: flavor.swap,
    imageId: server.image_id,
    nics,
    configDrive: server.config_drive ? await instanceMetadata(parts, server) : null,
  };
}
