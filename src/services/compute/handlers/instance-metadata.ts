import type { NetworkService, ServerPort } from '../../network/contract.ts';
import type { InstanceMetadata, InstancePort } from '../contract.ts';
import { ec2Id } from '../model/ec2-ids.ts';
import { defaultZone } from '../store/host-states.ts';
import type { Server } from '../store/servers.ts';

const toInstancePort = ({ id, mac, mtu, networkId, tag, fixedIps, subnets }: ServerPort): InstancePort => ({
  id,
  mac,
  mtu,
  networkId,
  tag,
  fixedIps,
  subnets,
});

/** What a guest is told about itself, by the metadata service or on its config drive. */
export async function instanceMetadata(
  { network }: { network: NetworkService },
  server: Server,
): Promise<InstanceMetadata> {
  const serverIds = [server.id];
  const ports = (await network.serverPorts({ serverIds }))[server.id] ?? [];
  const groups = (await network.securityGroupsOf({ serverIds }))[server.id] ?? [];
  const { keypair } = server;
  return {
    id: server.id,
    name: server.name,
    hostname: server.hostname,
    projectId: server.project_id,
    userId: server.user_id,
    availabilityZone: server.availability_zone ?? defaultZone,
    ec2Id: ec2Id(server.id),
    reservationId: server.reservation_id,
    launchIndex: server.launch_index,
    createdAt: server.created_at,
    imageId: server.image_id,
    flavorName: server.flavor.name,
    metadata: server.metadata,
    keypair: keypair && { name: keypair.name, type: keypair.type, publicKey: keypair.public_key },
    userData: server.user_data,
    // Passwords are not kept, so no guest is told one.
    adminPassword: null,
    securityGroups: groups.map(({ name }) => name),
    ports: ports.map(toInstancePort),
  };
}
