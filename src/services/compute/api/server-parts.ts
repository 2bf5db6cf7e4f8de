import { Type } from 'typebox';
import { Conflict, NotFound, NotImplemented } from '../../../platform/errors/errors.ts';
import { answer } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Compute } from '../compute.ts';
import { diagnosticsView, oldDiagnosticsView } from '../model/diagnostics.ts';
import { closed } from './parameter-types.ts';
import { addressesOf } from './server-view.ts';
import { serverFor } from './servers.ts';

/** Small things below a server: addresses, security groups, diagnostics, password, topology, volumes. */
export function serverPartRoutes(compute: Compute): Route[] {
  const { network, agent, platform } = compute;
  const portsOf = async (id: string) => (await network.serverPorts({ serverIds: [id] }))[id] ?? [];
  const server = '/v2.1/servers/:id';
  const noVolumes = () => new NotImplemented('This cloud has no block storage service.');
  return [
    route({
      method: 'GET',
      path: `${server}/ips`,
      summary: "List a server's addresses",
      handler: async (call) => {
        const { id } = await serverFor(compute, call, 'os_compute_api:ips:index');
        return { addresses: addressesOf(await portsOf(id), false) };
      },
    }),
    route({
      method: 'GET',
      path: `${server}/ips/:network`,
      summary: "List a server's addresses on a network",
      handler: async (call) => {
        const { id } = await serverFor(compute, call, 'os_compute_api:ips:show');
        const name = call.params['network'] ?? '';
        const found = addressesOf(await portsOf(id), false)[name];
        if (!found) throw new NotFound('Instance is not a member of specified network');
        return { [name]: found };
      },
    }),
    route({
      method: 'GET',
      path: `${server}/os-security-groups`,
      summary: "List a server's security groups",
      handler: async (call) => {
        const { id, project_id } = await serverFor(compute, call, 'os_compute_api:os-security-groups:list');
        const groups = (await network.securityGroupsOf({ serverIds: [id] }))[id] ?? [];
        return {
          security_groups: groups.map((group) => ({
            id: group.id,
            name: group.name,
            description: '',
            tenant_id: project_id,
            rules: [],
          })),
        };
      },
    }),
    route({
      method: 'GET',
      path: `${server}/diagnostics`,
      summary: "Show a server's diagnostics",
      handler: async (call) => {
        const { id, host, config_drive } = await serverFor(
          compute,
          call,
          'os_compute_api:os-server-diagnostics',
        );
        if (host === null) throw new Conflict(`Instance ${id} is not ready`);
        const seen = await agent(host).diagnostics({ serverId: id });
        return call.since('2.48')
          ? diagnosticsView(seen, { configDrive: config_drive, driver: platform.settings.hypervisor })
          : oldDiagnosticsView(seen);
      },
    }),
    route({
      method: 'GET',
      path: `${server}/os-server-password`,
      summary: 'Show the password that a guest has told',
      handler: async (call) => {
        await serverFor(compute, call, 'os_compute_api:os-server-password:show');
        // No guest of ours has a way to tell one.
        return { password: '' };
      },
    }),
    route({
      method: 'DELETE',
      path: `${server}/os-server-password`,
      summary: 'Forget the password that a guest has told',
      handler: async (call) => {
        await serverFor(compute, call, 'os_compute_api:os-server-password:clear');
        return answer(204);
      },
    }),
    route({
      method: 'GET',
      path: `${server}/topology`,
      since: '2.78',
      summary: "Show a server's NUMA topology",
      handler: async (call) => {
        await serverFor(compute, call, 'compute:server:topology:index');
        // Guests are not bound to NUMA nodes.
        return { nodes: [], pagesize_kb: null };
      },
    }),
    route({
      method: 'GET',
      path: `${server}/os-volume_attachments`,
      summary: "List a server's volumes",
      handler: async (call) => {
        await serverFor(compute, call, 'os_compute_api:os-volumes-attachments:index');
        return { volumeAttachments: [] };
      },
    }),
    route({
      method: 'POST',
      path: `${server}/os-volume_attachments`,
      summary: 'Attach a volume',
      body: closed({ volumeAttachment: Type.Object({ volumeId: Type.String() }) }),
      handler: async (call) => {
        await serverFor(compute, call, 'os_compute_api:os-volumes-attachments:create');
        throw noVolumes();
      },
    }),
    route({
      method: 'GET',
      path: `${server}/os-volume_attachments/:volume`,
      summary: "Show a server's volume",
      handler: async (call) => {
        const { id } = await serverFor(compute, call, 'os_compute_api:os-volumes-attachments:show');
        throw new NotFound(`volume_id not found: ${call.params['volume']} is not attached to ${id}`);
      },
    }),
  ];
}
