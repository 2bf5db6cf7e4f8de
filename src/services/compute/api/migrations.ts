import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Condition } from '../../../platform/store/condition.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import type { migrations, ServerMigration } from '../store/migrations.ts';
import { assertQuery, shownTime } from './query.ts';
import { serverFor } from './servers.ts';
import { mostItems, pageLinks, pageOf } from './style.ts';

type Where = Condition<typeof migrations>;

const filters = ['hidden', 'host', 'instance_uuid', 'source_compute', 'status', 'migration_type'];

/** As `os-migrations` lists it. Flavors have no numbers here, so that none are told. */
const shown = (row: ServerMigration, call: Call, mayNameHosts: boolean): object => ({
  id: row.number,
  status: row.status,
  instance_uuid: row.server_id,
  source_node: mayNameHosts ? row.source_node : null,
  source_compute: mayNameHosts ? row.source_host : null,
  dest_node: mayNameHosts ? row.dest_node : null,
  dest_compute: mayNameHosts ? row.dest_host : null,
  dest_host: null,
  old_instance_type_id: null,
  new_instance_type_id: null,
  created_at: shownTime(row.created_at),
  updated_at: shownTime(row.updated_at),
  ...(call.since('2.23') ? { migration_type: row.type } : {}),
  ...(call.since('2.59') ? { uuid: row.id } : {}),
  ...(call.since('2.80') ? { user_id: row.user_id, project_id: row.project_id } : {}),
});

/** A time that the list is asked for. @throws BadRequest */
function timeOf(call: Call, param: string): string | undefined {
  const text = call.queryValue(param);
  if (text === undefined) return undefined;
  if (Number.isNaN(Date.parse(text)))
    throw new BadRequest(`Invalid input for query parameters ${param}. Value: ${text.slice(0, 80)}.`);
  return timestamp(new Date(text));
}

function conditions(call: Call): Where[] {
  const where: Where[] = [];
  const equal = (param: string, column: 'server_id' | 'status' | 'type' | 'source_host') => {
    const value = call.queryValue(param);
    if (value !== undefined) where.push({ column, op: 'eq', value });
  };
  equal('instance_uuid', 'server_id');
  equal('status', 'status');
  equal('migration_type', 'type');
  equal('source_compute', 'source_host');
  const host = call.queryValue('host');
  if (host !== undefined)
    where.push({
      any: [
        [{ column: 'source_host', op: 'eq', value: host }],
        [{ column: 'dest_host', op: 'eq', value: host }],
      ],
    });
  if (!call.since('2.59')) return where;
  const since = timeOf(call, 'changes-since');
  const before = call.since('2.66') ? timeOf(call, 'changes-before') : undefined;
  if (since !== undefined && before !== undefined && before < since)
    throw new BadRequest('The value of changes-since must be less than or equal to changes-before.');
  if (since !== undefined) where.push({ column: 'updated_at', op: 'gte', value: since });
  if (before !== undefined) where.push({ column: 'updated_at', op: 'lte', value: before });
  return where;
}

/** Servers on their way to another size or host, newest first. */
export function migrationRoutes(compute: Compute): Route[] {
  const { rows } = compute.migrations;
  /** Only migrations of guests that run are shown below a server, and there are none of that kind here. */
  const running = async (call: Call, rule: string) => {
    await serverFor(compute, call, rule);
  };
  return [
    route({
      method: 'GET',
      path: '/v2.1/os-migrations',
      summary: 'List migrations',
      async handler(call) {
        const { projectId: project_id } = call.credentials;
        call.enforce('os_compute_api:os-migrations:index', { project_id });
        const asked = call.queryValue('project_id');
        const everybody = asked !== project_id;
        if (everybody) call.enforce('os_compute_api:os-migrations:index:all_projects', { project_id });
        assertQuery(
          call,
          [
            ...filters,
            'limit',
            'marker',
            'changes-since',
            ...(call.since('2.66') ? ['changes-before'] : []),
            ...(call.since('2.80') ? ['user_id', 'project_id'] : []),
          ],
          '2.59',
        );
        const where = conditions(call);
        const project = everybody && !call.since('2.80') ? undefined : asked;
        if (project !== undefined) where.push({ column: 'project_id', op: 'eq', value: project });
        const user = call.since('2.80') ? call.queryValue('user_id') : undefined;
        if (user !== undefined) where.push({ column: 'user_id', op: 'eq', value: user });
        const page = call.since('2.59') ? pageOf(call) : undefined;
        const after = page?.marker === undefined ? undefined : await rows.get(page.marker);
        if (page?.marker !== undefined && !after)
          throw new BadRequest(`Marker ${page.marker} could not be found.`);
        const limit = page?.limit ?? mostItems;
        const found =
          limit < 1
            ? []
            : await rows.list({
                where,
                sort: [
                  { column: 'created_at', direction: 'desc' },
                  { column: 'id', direction: 'desc' },
                ],
                limit,
                ...(after ? { after } : {}),
              });
        const mayNameHosts = call.can('os_compute_api:os-migrations:index:host', { project_id });
        return {
          migrations: found.map((row) => shown(row, call, mayNameHosts)),
          ...(page ? pageLinks('migrations', found.at(-1)?.id, found.length === limit, call) : {}),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/v2.1/servers/:id/migrations',
      since: '2.23',
      summary: "List a server's live migrations",
      handler: async (call) => {
        await running(call, 'os_compute_api:servers:migrations:index');
        return { migrations: [] };
      },
    }),
    route({
      method: 'GET',
      path: '/v2.1/servers/:id/migrations/:migration',
      since: '2.23',
      summary: "Show a server's live migration",
      handler: async (call) => {
        await running(call, 'os_compute_api:servers:migrations:show');
        const { id, migration } = call.params;
        throw new NotFound(`In-progress live migration ${migration} is not found for server ${id}.`);
      },
    }),
  ];
}
