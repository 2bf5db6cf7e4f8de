import { type Static, Type } from 'typebox';
import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { ServerPort } from '../../network/contract.ts';
import type { Compute } from '../compute.ts';
import { assertActionAllowed } from '../model/server-actions.ts';
import { defaultZone } from '../store/host-states.ts';
import type { Server } from '../store/servers.ts';
import { closed } from './parameter-types.ts';
import { Tag } from './server-body.ts';
import { serverFor } from './servers.ts';

const rule = (verb: string): string => `os_compute_api:os-attach-interfaces:${verb}`;

const interfaceView = ({ id, networkId, mac, status, fixedIps, tag }: ServerPort, call: Call): object => ({
  net_id: networkId,
  port_id: id,
  mac_addr: mac,
  port_state: status,
  fixed_ips: fixedIps.map(({ ip, subnetId }) => ({ ip_address: ip, subnet_id: subnetId })),
  ...(call.since('2.70') ? { tag } : {}),
});

const attachment = (tagged: boolean) =>
  closed({
    interfaceAttachment: Type.Optional(
      closed({
        net_id: Type.Optional(Type.String({ format: 'uuid' })),
        port_id: Type.Optional(Type.String({ format: 'uuid' })),
        fixed_ips: Type.Optional(
          Type.Array(closed({ ip_address: Type.String({ format: 'ip' }) }), { minItems: 1, maxItems: 1 }),
        ),
        ...(tagged ? { tag: Type.Optional(Tag) } : {}),
      }),
    ),
  });
interface Wanted {
  net_id?: string;
  port_id?: string;
  fixed_ips?: { ip_address: string }[];
  tag?: string;
}
const plain = attachment(false);
export type AttachmentBody = Static<typeof plain>;

/** The ports of a server, as its interfaces. */
export function serverInterfaceRoutes(compute: Compute): Route[] {
  const { network, actions, agent, store, servers: changes } = compute;
  const path = '/v2.1/servers/:id/os-interface';
  const portsOf = async (id: string) => (await network.serverPorts({ serverIds: [id] }))[id] ?? [];
  const find = async (server: Server, portId: string): Promise<ServerPort> => {
    const found = (await portsOf(server.id)).find(({ id }) => id === portId);
    if (!found) throw new NotFound(`Instance ${server.id} does not have a port with id ${portId}`);
    return found;
  };

  /** Keeps other actions away while `work` changes the server's ports. */
  async function busy<T>(
    call: Call,
    server: Server,
    action: 'attach_interface' | 'detach_interface',
    work: () => Promise<T>,
  ) {
    const isAdmin = call.can('context_is_admin');
    const task = action === 'attach_interface' ? 'attaching_interface' : 'detaching_interface';
    await store.transaction(() => changes.begin(server.id, action, task, { isAdmin }));
    try {
      const result = await work();
      await actions.record(server.id, action, {
        event: `compute_${action}`,
        host: server.host,
        finished: true,
      });
      return result;
    } finally {
      await changes.change({ id: server.id, task_state: task }, { task_state: null });
    }
  }

  async function attach(server: Server, wanted: Wanted): Promise<ServerPort> {
    const { id: serverId, name, project_id: projectId, host } = server;
    if (host === null) throw new BadRequest(`Instance ${serverId} is not ready`);
    const [fixedIp] = wanted.fixed_ips ?? [];
    const resolved = await network
      .resolveRequests({
        projectId,
        admin: false,
        requests:
          wanted.net_id === undefined && wanted.port_id === undefined
            ? 'auto'
            : [
                {
                  ...(wanted.port_id ? { portId: wanted.port_id } : { networkId: wanted.net_id as string }),
                  ...(fixedIp ? { fixedIp: fixedIp.ip_address } : {}),
                  ...(wanted.tag ? { tag: wanted.tag } : {}),
                },
              ],
        securityGroups: ['default'],
      })
      .catch((error: unknown) => {
        // A port that is not there is 404; a network that is not there is a mistake of the request.
        if (error instanceof NotFound && wanted.port_id === undefined) throw new BadRequest(error.message);
        throw error;
      });
    const [request] = resolved.requests;
    if (!request) throw new BadRequest('No network is there to attach to.');
    const there = await portsOf(serverId);
    const port = await network.attachPort({
      serverId,
      serverName: name,
      projectId,
      // Behind all that it has or ever had: a number is one port's.
      index: Math.max(there.length, server.request.networks.length) + (Date.now() % 1_000_000_000),
      host,
      zone: server.availability_zone ?? defaultZone,
      request,
      securityGroupIds: resolved.securityGroupIds,
    });
    try {
      const { id: portId, mac, tap, mtu } = port;
      await agent(host).attachNic({ serverId, nic: { portId, mac, tap, mtu } });
    } catch (error) {
      await network.detachPorts({ serverId, portIds: [port.id] });
      throw error;
    }
    return (await portsOf(serverId)).find(({ id }) => id === port.id) ?? port;
  }

  return [
    route({
      method: 'GET',
      path,
      summary: "List a server's interfaces",
      handler: async (call) => {
        const { id } = await serverFor(compute, call, rule('list'));
        return { interfaceAttachments: (await portsOf(id)).map((port) => interfaceView(port, call)) };
      },
    }),
    route({
      method: 'GET',
      path: `${path}/:port`,
      summary: "Show a server's interface",
      handler: async (call) => {
        const server = await serverFor(compute, call, rule('show'));
        return { interfaceAttachment: interfaceView(await find(server, call.params['port'] ?? ''), call) };
      },
    }),
    route({
      method: 'POST',
      path,
      summary: 'Attach a port to a server',
      body: [
        ['2.1', plain],
        ['2.49', attachment(true)],
      ],
      handler: async (call) => {
        const server = await serverFor(compute, call, rule('create'));
        const wanted = ((call.body as AttachmentBody).interfaceAttachment ?? {}) as Wanted;
        if (wanted.net_id && wanted.port_id)
          throw new BadRequest('Must not input both network_id and port_id');
        if (wanted.fixed_ips && !wanted.net_id)
          throw new BadRequest('Must input network_id when request IP address');
        const port = await busy(call, server, 'attach_interface', () => attach(server, wanted));
        return { interfaceAttachment: interfaceView(port, call) };
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:port`,
      summary: 'Detach a port from a server',
      handler: async (call) => {
        const server = await serverFor(compute, call, rule('delete'));
        assertActionAllowed(server, 'detach_interface', { isAdmin: call.can('context_is_admin') });
        const { id: portId } = await find(server, call.params['port'] ?? '');
        await busy(call, server, 'detach_interface', async () => {
          if (server.host !== null) await agent(server.host).detachNic({ serverId: server.id, portId });
          await network.detachPorts({ serverId: server.id, portIds: [portId] });
        });
        return answer(202);
      },
    }),
  ];
}
