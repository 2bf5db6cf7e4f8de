import type { Call } from '../../../platform/http/call.ts';
import { answer } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Resource } from '../../../platform/resource/resource.ts';
import { type Condition, rowsOf } from '../../../platform/resource/rows.ts';
import type { Compute } from '../compute.ts';
import { deleteEvent } from '../flows/delete-server.ts';
import { canonicalIpv6 } from '../model/addresses.ts';
import { assertActionAllowed } from '../model/server-actions.ts';
import { computeHosts, isUp } from '../store/host-states.ts';
import { type Server, servers } from '../store/servers.ts';
import { createServerHandler } from './create-server.ts';
import { createBody, updateAttributes } from './server-body.ts';
import { deletedScope, projectScope, serverFilters, sortAttributes } from './server-filters.ts';
import { changedView, type ShownServer, shownAttributes } from './server-view.ts';
import { computeNotFound } from './style.ts';

/** Servers as a described resource: what their lists, views and updates follow from. */
export function serverResource(compute: Compute): Resource<Server> {
  const { store, network, resource } = compute;
  const rows = rowsOf(store, servers);

  /** Adds what views need beyond rows: a query for each kind of thing, however many servers there are. */
  async function expand(page: Server[], call: Call): Promise<ShownServer[]> {
    const bare = (row: Server): ShownServer => ({
      ...row,
      ports: [],
      security_groups: [],
      tags: [],
      host_status: '',
    });
    if (page.length === 0 || isSummary(call)) return page.map(bare);
    const serverIds = page.map(({ id }) => id);
    const [ports, groups] = await Promise.all([
      network.serverPorts({ serverIds }),
      network.securityGroupsOf({ serverIds }),
    ]);
    const tags = new Map<string, string[]>();
    if (call.since('2.26')) {
      const found = await store.db
        .selectFrom('server_tags')
        .selectAll()
        .where('server_id', 'in', serverIds)
        .orderBy('tag')
        .execute();
      for (const { server_id, tag } of found) tags.set(server_id, [...(tags.get(server_id) ?? []), tag]);
    }
    const alone = call.params['id'] !== undefined && call.since('2.71');
    const memberships = alone
      ? await store.db
          .selectFrom('server_group_members')
          .select('group_id')
          .where('server_id', 'in', serverIds)
          .execute()
      : undefined;
    const asksHosts = call.since('2.16') && call.can('os_compute_api:servers:show:host_status');
    const hosts = new Map(
      asksHosts ? (await computeHosts(store)).map((each) => [each.node.host, each.service]) : [],
    );
    const statusOfHost = (host: string | null): string => {
      if (host === null) return '';
      const service = hosts.get(host);
      if (!service) return 'UNKNOWN';
      if (service.disabled) return 'MAINTENANCE';
      return isUp(service) ? 'UP' : 'DOWN';
    };
    return page.map((row) => ({
      ...row,
      ports: ports[row.id] ?? [],
      security_groups: (groups[row.id] ?? []).map(({ name }) => ({ name })),
      tags: tags.get(row.id) ?? [],
      ...(memberships ? { server_groups: memberships.map(({ group_id }) => group_id) } : {}),
      host_status: statusOfHost(row.host),
    }));
  }

  return resource({
    one: 'server',
    many: 'servers',
    path: '/servers',
    rows,
    attributes: { ...sortAttributes, ...shownAttributes },
    summary: ['id', 'name', 'links'],
    policy: { list: null, show: 'os_compute_api:servers:show' },
    scope: (call, verb) =>
      verb === 'list'
        ? [...projectScope(call), ...deletedScope(call)]
        : [{ column: 'deleted', op: 'eq', value: false }, ...ownScope(call)],
    sort: [
      { attribute: 'created_at', direction: 'desc' },
      { attribute: 'id', direction: 'desc' },
    ],
    filters: serverFilters(compute),
    expand,
  });
}

const isSummary = (call: Call): boolean =>
  call.method === 'GET' && call.params['id'] === undefined && !call.url.split('?')[0]?.endsWith('/detail');

/** Only administrators know of servers of other projects, whatever policy lets others do. */
export const mayKnow = (call: Call, { project_id }: Pick<Server, 'project_id'>): boolean =>
  project_id === call.credentials.projectId || call.can('context_is_admin');

const ownScope = (call: Call): Condition[] =>
  call.can('context_is_admin')
    ? []
    : [{ column: 'project_id', op: 'eq', value: call.credentials.projectId ?? '' }];

/**
 * The server that a path names, if the caller may do `rule` to it.
 * @throws NotFound for those of other projects too
 */
export async function serverFor({ servers: changes }: Compute, call: Call, rule: string): Promise<Server> {
  const id = call.params['id'] ?? '';
  const server = await changes.find(id);
  if (!mayKnow(call, server)) throw computeNotFound({ one: 'server' }, id);
  call.enforce(rule, server);
  return server;
}

/** Marks a server as on its way out and starts the flow that takes it away; once, however often it is asked for. */
export async function beginDelete(compute: Compute, { id }: Server, isAdmin: boolean): Promise<void> {
  const { store, servers: changes, engine, flows, actions } = compute;
  await store.transaction(async () => {
    const server = await changes.find(id);
    assertActionAllowed(server, 'delete', { isAdmin });
    if (server.task_state === 'deleting') return;
    await changes.change({ id }, { task_state: 'deleting' });
    await actions.record(id, 'delete', { event: deleteEvent, host: server.host });
    const resource = { type: 'server', id };
    await engine.startFlow(flows.deleteServer, { serverId: id }, { resource, projectId: server.project_id });
  });
}

/** Shows a server as the answer to an update or a rebuild has it. */
export function changedServer(
  compute: Compute,
  described: Resource<Server> = serverResource(compute),
): (server: Server, call: Call) => Promise<Record<string, unknown>> {
  return async (server, call) => {
    const [view = {}] = await described.views([server], call);
    const ports = (await compute.network.serverPorts({ serverIds: [server.id] }))[server.id] ?? [];
    return changedView(view, ports, call);
  };
}

export function serverRoutes(compute: Compute): Route[] {
  const { store, servers: changes } = compute;
  const described = serverResource(compute);
  const showChanged = changedServer(compute, described);
  const updates = compute.resource({
    one: 'server',
    many: 'servers',
    path: '/servers',
    rows: rowsOf(store, servers),
    attributes: updateAttributes,
    policy: { update: null },
    scope: (call) => [{ column: 'deleted', op: 'eq', value: false }, ...ownScope(call)],
    async update(call, row, body) {
      call.enforce('os_compute_api:servers:update', row);
      await changes.change(
        { id: row.id },
        {
          ...(body.name === undefined ? {} : { name: body.name }),
          ...(body.accessIPv4 === undefined ? {} : { access_ip_v4: (body.accessIPv4 as string) || null }),
          ...(body.accessIPv6 === undefined
            ? {}
            : { access_ip_v6: canonicalIpv6(body.accessIPv6 as string) }),
          ...(body.description === undefined ? {} : { description: body.description as string | null }),
          ...(body['OS-DCF:diskConfig'] === undefined
            ? {}
            : { disk_config: body['OS-DCF:diskConfig'] as string }),
          ...(body['OS-EXT-SRV-ATTR:hostname'] === undefined
            ? {}
            : { hostname: body['OS-EXT-SRV-ATTR:hostname'] }),
        },
      );
      return changes.find(row.id);
    },
    expand: (page, call) =>
      Promise.all(page.map(async (row) => ({ ...row, shown: await showChanged(row, call) }))),
    view: (_view, row) => row.shown,
  });
  return [
    ...described.routes,
    ...updates.routes,
    route({
      method: 'POST',
      path: '/v2.1/servers',
      summary: 'Create servers',
      body: createBody,
      handler: createServerHandler(compute),
    }),
    route({
      method: 'DELETE',
      path: '/v2.1/servers/:id',
      summary: 'Delete a server',
      handler: async (call) => {
        const server = await serverFor(compute, call, 'os_compute_api:servers:delete');
        await beginDelete(compute, server, call.can('context_is_admin'));
        return answer(204);
      },
    }),
  ];
}
