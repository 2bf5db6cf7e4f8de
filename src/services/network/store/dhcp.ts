import { createHash } from 'node:crypto';
import { ApiError } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { agentTypes, aliveAgents } from './agents.ts';
import type { Network } from './network.ts';
import { changePort, createPort, deletePorts, networkOf, subnetsOf, withDetails } from './ports.ts';
import { dhcpBindings, type PortRow, ports, type SubnetRow } from './tables.ts';

/** Upstream's form of it: tools know the DHCP port of a network and host by this id. */
export function dhcpDeviceId(host: string, networkId: string): string {
  const hex = createHash('sha1')
    .update(host.split('.')[0] ?? host)
    .digest('hex');
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `dhcp${uuid}-${networkId}`;
}

/**
 * Brings the DHCP port of a network to what its subnets need: a host that serves it, a port there with an address
 * in each subnet with DHCP, or none at all (the host keeps the network). Does nothing where all is so, or where no agent lives that could serve.
 */
export function settleDhcp(network: Network, networkId: string): Promise<void> {
  const { store } = network;
  return store.transaction(async () => {
    const served = (await subnetsOf(store, networkId)).filter((subnet) => subnet.enable_dhcp);
    const [port] = await withDetails(
      store,
      await repository(store, ports).list({ where: { network_id: networkId, device_owner: 'network:dhcp' } }),
    );
    if (served.length === 0) {
      if (port) await deletePorts(network, [port]);
      return;
    }
    const host = await hostFor(network, networkId);
    if (host === undefined) return;
    if (!port) return makePort(network, networkId, host, served);
    const has = new Set(port.fixed_ips.map(({ subnet_id }) => subnet_id));
    const wanted = served.map(({ id }) => id);
    const same = wanted.length === has.size && wanted.every((id) => has.has(id));
    if (same && port.binding_host_id === host) return;
    await tolerant(() =>
      changePort(network, port.id, {
        fixedIps: wanted.map((subnet_id) => ({ subnet_id })),
        row: { binding_host_id: host, device_id: dhcpDeviceId(host, networkId) },
      }),
    );
  });
}

async function makePort(
  network: Network,
  networkId: string,
  host: string,
  served: readonly SubnetRow[],
): Promise<void> {
  const on = await networkOf(network.store, networkId);
  const row: Partial<PortRow> = {
    device_owner: 'network:dhcp',
    device_id: dhcpDeviceId(host, networkId),
    binding_host_id: host,
  };
  await tolerant(() =>
    createPort(network, {
      network: on,
      projectId: on.project_id,
      unlimited: true,
      fixedIps: served.map(({ id }) => ({ subnet_id: id })),
      row,
    }),
  );
}

/** A subnet without an address left has no DHCP server, but is a subnet all the same. */
async function tolerant(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'IpAddressGenerationFailure')) throw error;
  }
}

/** The host that serves a network: the one that does, while its agent lives; else one is bound. */
async function hostFor(network: Network, networkId: string): Promise<string | undefined> {
  const { store } = network;
  const alive = await aliveAgents(network, agentTypes.dhcp);
  const bindings = repository(store, dhcpBindings);
  const bound = await bindings.get(networkId);
  if (bound && (alive.length === 0 || alive.some(({ host }) => host === bound.host))) return bound.host;
  const chosen = await leastLoaded(
    network,
    'dhcp_bindings',
    alive.map(({ host }) => host),
  );
  if (chosen === undefined) return undefined;
  if (bound) {
    // By compare-and-swap: who moves it second finds it moved.
    const moved = await bindings.update({ network_id: networkId, host: bound.host }, { host: chosen });
    if (moved === 0) return (await bindings.get(networkId))?.host;
    network.hosts.ring({ hosts: [bound.host, chosen] });
  } else await bindings.insert({ network_id: networkId, host: chosen });
  return chosen;
}

/** Of some hosts, the one with the fewest bindings. */
export async function leastLoaded(
  { store }: Network,
  table: 'dhcp_bindings' | 'router_bindings',
  hosts: readonly string[],
): Promise<string | undefined> {
  if (hosts.length <= 1) return hosts[0];
  const rows = await store.db
    .selectFrom(table)
    .select((count) => ['host', count.fn.countAll().as('count')])
    .where('host', 'in', [...hosts])
    .groupBy('host')
    .execute();
  const load = new Map(rows.map(({ host, count }) => [host, Number(count)]));
  return hosts.toSorted((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0))[0];
}
