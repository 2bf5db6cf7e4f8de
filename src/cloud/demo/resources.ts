import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { type ApiClient, RequestFailed } from '../api-client.ts';

/** Anything with an id and a name, as lists answer it. */
interface Named {
  id: string;
  name: string;
  status?: string;
}

/** The names of what the demo makes; by them it finds again what an earlier run has made. */
export const names = {
  image: 'cumulet-guest',
  external: 'public',
  network: 'demo-net',
  subnet: 'demo-subnet',
  router: 'demo-router',
  keypair: 'demo-key',
  server: 'first',
  flavor: 'm1.nano',
} as const;

/** Uploads the guest image for everybody to boot, unless it is there. */
export async function ensureImage(admin: ApiClient, path: string): Promise<string> {
  const query = `?name=${names.image}&visibility=public&status=active`;
  const { images } = await admin.get<{ images: Named[] }>('image', `/v2/images${query}`);
  const [there] = images;
  if (there) return there.id;
  const image = await admin.post<Named>('image', '/v2/images', {
    name: names.image,
    disk_format: 'qcow2',
    container_format: 'bare',
    visibility: 'public',
    min_ram: 96,
  });
  await admin.request(
    'image',
    'PUT',
    `/v2/images/${image.id}/file`,
    Readable.toWeb(createReadStream(path)) as ReadableStream,
    { 'content-type': 'application/octet-stream' },
  );
  return image.id;
}

/** The network whose addresses the host itself reaches, where floating IPs come from. */
export async function ensureExternalNetwork(
  admin: ApiClient,
  external: { cidr: string; gateway: string; first: string; last: string },
): Promise<string> {
  const network = await ensure(admin, 'networks', names.external, {
    network: {
      name: names.external,
      'router:external': true,
      'provider:network_type': 'flat',
      'provider:physical_network': 'public',
    },
  });
  await ensure(admin, 'subnets', 'public-subnet', {
    subnet: {
      name: 'public-subnet',
      network_id: network.id,
      ip_version: 4,
      cidr: external.cidr,
      gateway_ip: external.gateway,
      enable_dhcp: false,
      allocation_pools: [{ start: external.first, end: external.last }],
    },
  });
  return network.id;
}

/** A project's own network behind a router that leads outside. */
export async function ensureProjectNetwork(demo: ApiClient, externalId: string): Promise<string> {
  const network = await ensure(demo, 'networks', names.network, { network: { name: names.network } });
  const subnet = await ensure(demo, 'subnets', names.subnet, {
    subnet: { name: names.subnet, network_id: network.id, ip_version: 4, cidr: '10.10.0.0/24' },
  });
  const router = await ensure(demo, 'routers', names.router, {
    router: { name: names.router, external_gateway_info: { network_id: externalId } },
  });
  const { ports } = await demo.get<{ ports: unknown[] }>(
    'network',
    `/v2.0/ports?device_id=${router.id}&network_id=${network.id}`,
  );
  if (ports.length === 0) {
    await demo.request('network', 'PUT', `/v2.0/routers/${router.id}/add_router_interface`, {
      subnet_id: subnet.id,
    });
  }
  return network.id;
}

/** Lets ping and SSH in, through the project's default security group. */
export async function ensureOpenDoor(demo: ApiClient): Promise<void> {
  const { security_groups: groups } = await demo.get<{ security_groups: Named[] }>(
    'network',
    `/v2.0/security-groups?name=default&project_id=${demo.projectId}`,
  );
  const [group] = groups;
  if (!group) throw new Error('the demo project has no default security group');
  for (const rule of [{ protocol: 'icmp' }, { protocol: 'tcp', port_range_min: 22, port_range_max: 22 }]) {
    try {
      await demo.post('network', '/v2.0/security-group-rules', {
        security_group_rule: {
          security_group_id: group.id,
          direction: 'ingress',
          ethertype: 'IPv4',
          ...rule,
        },
      });
    } catch (error) {
      if (!(error instanceof RequestFailed && error.status === 409)) throw error;
    }
  }
}

export async function ensureKeypair(demo: ApiClient, publicKey: string): Promise<void> {
  try {
    const { keypair } = await demo.get<{ keypair: { public_key: string } }>(
      'compute',
      `/os-keypairs/${names.keypair}`,
    );
    if (keypair.public_key.trim() === publicKey.trim()) return;
    await demo.request('compute', 'DELETE', `/os-keypairs/${names.keypair}`);
  } catch (error) {
    if (!(error instanceof RequestFailed && error.status === 404)) throw error;
  }
  await demo.post('compute', '/os-keypairs', { keypair: { name: names.keypair, public_key: publicKey } });
}

/** The first server; one that an earlier run left in ERROR is made anew. */
export async function ensureServer(demo: ApiClient, imageId: string, networkId: string): Promise<string> {
  const list = () => demo.get<{ servers: Named[] }>('compute', `/servers/detail?name=^${names.server}$`);
  const there = (await list()).servers.find((server) => server.name === names.server);
  if (there && there.status !== 'ERROR' && there.status !== 'DELETED') {
    if (there.status === 'SHUTOFF')
      await demo.post('compute', `/servers/${there.id}/action`, { 'os-start': null });
    return there.id;
  }
  if (there) await demo.request('compute', 'DELETE', `/servers/${there.id}`);
  const { flavors } = await demo.get<{ flavors: Named[] }>('compute', '/flavors');
  const flavor = flavors.find((each) => each.name === names.flavor);
  if (!flavor) throw new Error(`there is no flavor ${names.flavor}`);
  const { server } = await demo.post<{ server: Named }>('compute', '/servers', {
    server: {
      name: names.server,
      imageRef: imageId,
      flavorRef: flavor.id,
      key_name: names.keypair,
      networks: [{ uuid: networkId }],
    },
  });
  return server.id;
}

/** The floating IP of the server's first port; made when it has none. */
export async function ensureFloatingIp(
  demo: ApiClient,
  serverId: string,
  externalId: string,
): Promise<string> {
  interface FloatingIp {
    floating_ip_address: string;
  }
  const { ports } = await demo.get<{ ports: Named[] }>('network', `/v2.0/ports?device_id=${serverId}`);
  const [port] = ports;
  if (!port) throw new Error(`server ${serverId} has no port`);
  const { floatingips } = await demo.get<{ floatingips: FloatingIp[] }>(
    'network',
    `/v2.0/floatingips?port_id=${port.id}`,
  );
  const [there] = floatingips;
  if (there) return there.floating_ip_address;
  const { floatingip } = await demo.post<{ floatingip: FloatingIp }>('network', '/v2.0/floatingips', {
    floatingip: { floating_network_id: externalId, port_id: port.id },
  });
  return floatingip.floating_ip_address;
}

/** Finds a network resource by its name, or makes it. */
async function ensure(client: ApiClient, collection: string, name: string, body: object): Promise<Named> {
  const path = `/v2.0/${collection}`;
  const found = await client.get<Record<string, Named[]>>('network', `${path}?name=${name}`);
  const [there] = found[collection] ?? [];
  if (there) return there;
  const made = await client.post<Record<string, Named>>('network', path, body);
  return Object.values(made)[0] as Named;
}
