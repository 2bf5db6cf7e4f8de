import { createHash } from 'node:crypto';
import { type TSchema, Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import type { Attribute } from '../../../platform/resource/attribute.ts';
import type { ServerPort } from '../../network/contract.ts';
import { instanceName } from '../model/server-names.ts';
import { hasProgress, showsFault, statusOf } from '../model/server-states.ts';
import type { Server } from '../store/servers.ts';
import { links } from './style.ts';

/** A server with what the view needs beyond its row. */
export interface ShownServer extends Server {
  ports: ServerPort[];
  security_groups: { name: string }[];
  tags: string[];
  /** Only where one server is shown. */
  server_groups?: string[];
  host_status: string;
}

/** `2026-01-31T12:34:56Z` */
export const toSeconds = (time: string): string => `${time.slice(0, 19)}Z`;
/** `2026-01-31T12:34:56.000000`, as a few old attributes have it. */
export const toMicroseconds = (time: string | null): string | null =>
  time === null ? null : `${time.slice(0, 19)}.000000`;

/** Hides which servers share a host from everybody but the owner of both. */
export const hostIdOf = (projectId: string, host: string | null): string =>
  host === null ? '' : createHash('sha224').update(`${projectId}${host}`).digest('hex');

/** Addresses by network name, as servers show them; `extended` with the kind and MAC of each. */
export function addressesOf(ports: readonly ServerPort[], extended: boolean): Record<string, object[]> {
  const byNetwork: Record<string, object[]> = {};
  for (const { networkName, mac, fixedIps } of ports) {
    byNetwork[networkName] ??= [];
    const add = (version: 4 | 6, addr: string, kind: 'fixed' | 'floating') =>
      byNetwork[networkName]?.push({
        version,
        addr,
        ...(extended ? { 'OS-EXT-IPS:type': kind, 'OS-EXT-IPS-MAC:mac_addr': mac } : {}),
      });
    for (const { ip, version, floatingIps } of fixedIps) {
      add(version, ip, 'fixed');
      for (const floating of floatingIps) add(4, floating, 'floating');
    }
  }
  return byNetwork;
}

const extended = { show: 'os_compute_api:os-extended-server-attributes' };
const bookmark = (call: Call, path: string) => [{ rel: 'bookmark', href: `${call.origin}/${path}` }];

function flavorOf({ flavor }: Server, call: Call): object {
  if (!call.since('2.47')) return { id: flavor.id, links: bookmark(call, `flavors/${flavor.id}`) };
  const { name, vcpus, ram, disk, ephemeral, swap, extra_specs } = flavor;
  return {
    vcpus,
    ram,
    disk,
    ephemeral,
    swap,
    original_name: name,
    ...(call.can('os_compute_api:servers:show:flavor-extra-specs') ? { extra_specs } : {}),
  };
}

function faultOf({ fault, vm_state, task_state }: Server, call: Call): object | undefined {
  if (!fault || !showsFault(statusOf(vm_state, task_state))) return undefined;
  const { code, created, message, details } = fault;
  const tells = details !== undefined && (code !== 500 || call.can('context_is_admin'));
  return { code, created, message, ...(tells ? { details } : {}) };
}

/** An attribute that is worked out of the row. */
const shown = (
  from: (row: ShownServer, call: Call) => unknown,
  more: Partial<Attribute> = {},
): Attribute<TSchema> => ({
  schema: Type.Unknown(),
  column: false,
  from,
  ...more,
});

/** A column under another name. */
const column = (name: keyof Server, more: Partial<Attribute> = {}): Attribute<TSchema> =>
  shown((row) => row[name], more);

/** All that a server shows, in every microversion. Source: nova/api/openstack/compute/views/servers.py. */
export const shownAttributes = {
  id: { schema: Type.String(), sort: true, filter: { param: 'uuid' } },
  name: { schema: Type.String() },
  status: shown(({ vm_state, task_state }) => statusOf(vm_state, task_state)),
  tenant_id: column('project_id'),
  user_id: { schema: Type.String(), sort: true },
  metadata: column('metadata'),
  hostId: shown(({ project_id, host }) => hostIdOf(project_id, host)),
  image: shown(({ image_id }, call) =>
    image_id === null ? '' : { id: image_id, links: bookmark(call, `images/${image_id}`) },
  ),
  flavor: shown(flavorOf),
  created: shown(({ created_at }) => toSeconds(created_at)),
  updated: shown(({ updated_at }) => toSeconds(updated_at)),
  addresses: shown(({ ports }) => addressesOf(ports, true)),
  accessIPv4: shown(({ access_ip_v4 }) => access_ip_v4 ?? ''),
  accessIPv6: shown(({ access_ip_v6 }) => access_ip_v6 ?? ''),
  links: links('servers'),
  'OS-DCF:diskConfig': column('disk_config'),
  progress: shown(({ vm_state, task_state, progress }) =>
    hasProgress(statusOf(vm_state, task_state)) ? progress : undefined,
  ),
  fault: shown(faultOf),
  'OS-EXT-AZ:availability_zone': shown(
    ({ availability_zone, request }) => availability_zone ?? request.zone ?? '',
  ),
  config_drive: shown(({ config_drive }) => (config_drive ? 'True' : '')),
  key_name: column('key_name'),
  'OS-SRV-USG:launched_at': shown(({ launched_at }) => toMicroseconds(launched_at)),
  'OS-SRV-USG:terminated_at': shown(({ terminated_at }) => toMicroseconds(terminated_at)),
  'OS-EXT-SRV-ATTR:host': column('host', { policy: extended }),
  'OS-EXT-SRV-ATTR:instance_name': shown(({ id }) => instanceName(id), { policy: extended }),
  'OS-EXT-SRV-ATTR:hypervisor_hostname': column('node', { policy: extended }),
  'OS-EXT-SRV-ATTR:reservation_id': column('reservation_id', { since: '2.3', policy: extended }),
  'OS-EXT-SRV-ATTR:launch_index': column('launch_index', { since: '2.3', policy: extended }),
  // From 2.90 on, everybody sees the hostname.
  'OS-EXT-SRV-ATTR:hostname': shown(
    (row, call) => (call.since('2.90') || call.can(extended.show, row) ? row.hostname : undefined),
    { since: '2.3' },
  ),
  'OS-EXT-SRV-ATTR:kernel_id': shown(() => '', { since: '2.3', policy: extended }),
  'OS-EXT-SRV-ATTR:ramdisk_id': shown(() => '', { since: '2.3', policy: extended }),
  'OS-EXT-SRV-ATTR:root_device_name': shown(() => '/dev/vda', { since: '2.3', policy: extended }),
  'OS-EXT-SRV-ATTR:user_data': column('user_data', { since: '2.3', policy: extended }),
  'OS-EXT-STS:task_state': column('task_state'),
  'OS-EXT-STS:vm_state': column('vm_state'),
  'OS-EXT-STS:power_state': column('power_state'),
  'os-extended-volumes:volumes_attached': shown(() => []),
  security_groups: shown(({ security_groups }) => (security_groups.length > 0 ? security_groups : undefined)),
  locked: { schema: Type.Boolean(), since: '2.9' },
  host_status: shown(({ host_status }) => host_status, {
    since: '2.16',
    policy: { show: 'os_compute_api:servers:show:host_status' },
  }),
  description: { schema: Type.Unknown(), since: '2.19' },
  tags: shown(({ tags }) => tags, { since: '2.26' }),
  trusted_image_certificates: column('trusted_certificates', { since: '2.63' }),
  server_groups: shown((row) => row.server_groups, { since: '2.71' }),
  locked_reason: { schema: Type.Unknown(), since: '2.73' },
  pinned_availability_zone: shown(({ request }) => request.zone ?? null, { since: '2.96' }),
} as const satisfies Record<string, Attribute<TSchema>>;

/** What an update and a rebuild have shown before 2.75. */
const briefly = new Set([
  'id',
  'name',
  'status',
  'tenant_id',
  'user_id',
  'metadata',
  'hostId',
  'image',
  'flavor',
  'created',
  'updated',
  'accessIPv4',
  'accessIPv6',
  'links',
  'OS-DCF:diskConfig',
  'progress',
  'fault',
  'locked',
  'description',
  'tags',
  'trusted_image_certificates',
  'server_groups',
  'locked_reason',
]);

/** The server as the answer to an update or a rebuild has it. */
export function changedView(
  view: Record<string, unknown>,
  ports: readonly ServerPort[],
  call: Call,
): Record<string, unknown> {
  if (call.since('2.75')) return view;
  const brief = Object.fromEntries(Object.entries(view).filter(([name]) => briefly.has(name)));
  return { ...brief, addresses: addressesOf(ports, false) };
}
