import { Script } from 'node:vm';
import { type Expression, type SqlBool, sql } from 'kysely';
import { type TSchema, Type } from 'typebox';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Attribute } from '../../../platform/resource/attribute.ts';
import { parseBoolean } from '../../../platform/resource/list-query.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import { statesOf } from '../model/server-states.ts';
import type { Server } from '../store/servers.ts';
import { invalidQuery } from './style.ts';

type Filter = (values: string[], call: Call) => readonly Condition[] | Promise<readonly Condition[]>;

const nothing: Condition = { any: [] };
/** Milliseconds that the patterns of one request may take: some never end. */
const patternTime = 200;
const matching = new Script('texts.filter((text) => pattern.test(text))');

/**
 * The texts that a regular expression of a client's matches.
 * @throws BadRequest when it is none, or takes too long
 */
export function matchesOf(source: string, texts: readonly string[]): Set<string> {
  let pattern: RegExp;
  try {
    pattern = new RegExp(source);
  } catch {
    // Databases take more kinds of expressions than we do; what is none is looked for as it is.
    return new Set(texts.filter((text) => text.includes(source)));
  }
  try {
    const found = matching.runInNewContext({ pattern, texts }, { timeout: patternTime }) as string[];
    return new Set(found);
  } catch {
    throw new BadRequest(`The pattern '${source.slice(0, 80)}' takes too long.`);
  }
}

/** Whether the caller may filter by everything. */
const isAdmin = (call: Call): boolean => call.can('os_compute_api:servers:allow_all_filters');

/** Filters that only administrators have; others are as if they had not said it, as upstream. */
const forAdmins =
  (filter: Filter, since?: string): Filter =>
  (values, call) =>
    isAdmin(call) || (since && call.since(since)) ? filter(values, call) : [];

const last = (values: string[]): string => values.at(-1) ?? '';
const equals =
  (column: keyof Server & string): Filter =>
  (values) => [{ column, op: 'in', value: values }];
const flag =
  (column: keyof Server & string, name: string): Filter =>
  (values) => {
    const value = parseBoolean(last(values));
    if (value === undefined) throw invalidQuery(name, last(values), 'is not a boolean');
    return [{ column, op: 'eq', value }];
  };
const number =
  (column: keyof Server & string): Filter =>
  (values) =>
    /^-?\d{1,9}$/.test(last(values)) ? [{ column, op: 'eq', value: Number(last(values)) }] : [nothing];
const time =
  (column: keyof Server & string, name: string, op: 'gte' | 'lte' | 'eq'): Filter =>
  (values) => [{ column, op, value: readTime(name, last(values)) }];

function readTime(name: string, text: string): string {
  const at = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(at.getTime()))
    throw invalidQuery(name, text, `'${text.slice(0, 80)}' is not a 'date-time'`);
  return timestamp(at);
}

/** Conditions for rows that are not deleted, unless the query asks for those that are. */
export function deletedScope(call: Call): Condition[] {
  const asked = call.queryValue('deleted');
  if (asked !== undefined && isAdmin(call))
    return [{ column: 'deleted', op: 'eq', value: parseBoolean(asked) === true }];
  // Who asks what has changed wants to know of what is gone, too.
  if (call.queryValue('changes-since') !== undefined || call.queryValue('changes-before') !== undefined)
    return [];
  if (isAdmin(call) && call.queryValues('status').some((status) => status.toLowerCase() === 'deleted'))
    return [];
  return [{ column: 'deleted', op: 'eq', value: false }];
}

/** The project whose servers a list has; none where all are asked for. @throws Forbidden */
export function projectScope(call: Call): Condition[] {
  const detail = call.url.split('?')[0]?.endsWith('/detail');
  const rule = `os_compute_api:servers:${detail ? 'detail' : 'index'}`;
  const { projectId, userId } = call.credentials;
  call.enforce(rule, { project_id: projectId, user_id: userId });
  const text = call.queryValue('all_tenants');
  const all = text === undefined ? false : text === '' || parseBoolean(text);
  if (all === undefined) throw invalidQuery('all_tenants', text ?? '', 'is not a boolean');
  if (!all) return [{ column: 'project_id', op: 'eq', value: projectId ?? '' }];
  call.enforce(`${rule}:get_all_tenants`);
  const project = call.queryValue('project_id') ?? call.queryValue('tenant_id');
  return project === undefined ? [] : [{ column: 'project_id', op: 'eq', value: project }];
}

/** The parameters of the servers' list. Source: nova/api/openstack/compute/schemas/servers.py. */
export function serverFilters({ store, network }: Compute): Record<string, Filter> {
  const { db } = store;
  const hasTag = (tags: string[]): Expression<SqlBool> =>
    sql<SqlBool>`exists ${db
      .selectFrom('server_tags')
      .select('server_tags.tag')
      .whereRef('server_tags.server_id', '=', 'servers.id' as never)
      .where('server_tags.tag', 'in', tags)}`;
  const tagsOf = (values: string[]) => last(values).split(',').slice(0, 50);
  const no = (expression: Expression<SqlBool>): Expression<SqlBool> => sql<SqlBool>`not ${expression}`;

  /** Rows whose text a pattern matches, of those that the caller may know of. */
  const pattern =
    (column: 'name' | 'description' | 'hostname'): Filter =>
    async (values, call) => {
      const source = last(values);
      if (/^[\w -]*$/.test(source)) return [{ column, op: 'contains', value: source }];
      let query = db.selectFrom('servers').select(['id', column]);
      if (!isAdmin(call)) query = query.where('project_id', '=', call.credentials.projectId ?? '');
      const rows = (await query.execute()) as { id: string; [column: string]: string | null }[];
      const texts = [...new Set(rows.flatMap((row) => row[column] ?? []))];
      const found = matchesOf(source, texts);
      return [
        {
          column: 'id',
          op: 'in',
          value: rows.filter((row) => found.has(row[column] ?? '')).map(({ id }) => id),
        },
      ];
    };

  const address =
    (version: 4 | 6): Filter =>
    async (values, call) => {
      let query = db.selectFrom('servers').select('id').where('deleted', '=', false);
      if (!isAdmin(call)) query = query.where('project_id', '=', call.credentials.projectId ?? '');
      const serverIds = (await query.execute()).map(({ id }) => id);
      const ports = await network.serverPorts({ serverIds });
      const addresses = new Map(
        serverIds.map((id) => [
          id,
          (ports[id] ?? []).flatMap(({ fixedIps }) =>
            fixedIps
              .filter((each) => each.version === version)
              .flatMap(({ ip, floatingIps }) => [ip, ...floatingIps]),
          ),
        ]),
      );
      const found = matchesOf(last(values), [...addresses.values()].flat());
      return [
        {
          column: 'id',
          op: 'in',
          value: serverIds.filter((id) => addresses.get(id)?.some((ip) => found.has(ip))),
        },
      ];
    };

  const status: Filter = (values, call) => {
    const states = values.flatMap(statesOf);
    if (values.some((each) => each.toLowerCase() === 'deleted') && !isAdmin(call))
      throw new Forbidden('Only administrators may list deleted instances');
    return [
      {
        any: states.map(({ vmState, tasks, among }) => [
          { column: 'vm_state', op: 'eq', value: vmState },
          ...(tasks.length > 0
            ? [{ column: 'task_state', op: among ? ('in' as const) : ('nin' as const), value: tasks }]
            : []),
        ]),
      },
    ];
  };
  const ignored: Filter = () => [];
  return {
    // Read by the scope of the list.
    all_tenants: ignored,
    deleted: ignored,
    project_id: ignored,
    tenant_id: ignored,
    name: pattern('name'),
    display_name: pattern('name'),
    status,
    image: equals('image_id'),
    image_ref: forAdmins(equals('image_id')),
    flavor: equals('flavor_id'),
    ip: address(4),
    ip6: (values, call) => (call.since('2.5') || isAdmin(call) ? address(6)(values, call) : []),
    reservation_id: equals('reservation_id'),
    'changes-since': time('updated_at', 'changes-since', 'gte'),
    'changes-before': (values, call) =>
      call.since('2.66') ? time('updated_at', 'changes-before', 'lte')(values, call) : [],
    tags: (values) => tagsOf(values).map((tag) => ({ expression: hasTag([tag]) })),
    'tags-any': (values) => [{ expression: hasTag(tagsOf(values)) }],
    'not-tags': (values) => [{ any: tagsOf(values).map((tag) => [{ expression: no(hasTag([tag])) }]) }],
    'not-tags-any': (values) => [{ expression: no(hasTag(tagsOf(values))) }],
    locked: (values, call) => (call.since('2.73') ? flag('locked', 'locked')(values, call) : []),
    uuid: forAdmins(equals('id')),
    host: forAdmins(equals('host')),
    node: forAdmins(equals('node')),
    hostname: forAdmins(pattern('hostname'), '2.90'),
    description: forAdmins(pattern('description'), '2.83'),
    display_description: forAdmins(pattern('description'), '2.83'),
    user_id: forAdmins(equals('user_id'), '2.83'),
    key_name: forAdmins(equals('key_name'), '2.83'),
    availability_zone: forAdmins(equals('availability_zone'), '2.83'),
    config_drive: forAdmins(flag('config_drive', 'config_drive'), '2.83'),
    vm_state: forAdmins(equals('vm_state'), '2.83'),
    task_state: forAdmins(equals('task_state'), '2.83'),
    power_state: forAdmins(number('power_state'), '2.83'),
    progress: forAdmins(number('progress'), '2.83'),
    launch_index: forAdmins(number('launch_index')),
    created_at: forAdmins(time('created_at', 'created_at', 'eq'), '2.83'),
    launched_at: forAdmins(time('launched_at', 'launched_at', 'eq'), '2.83'),
    terminated_at: forAdmins(time('terminated_at', 'terminated_at', 'eq'), '2.83'),
    access_ip_v4: forAdmins(equals('access_ip_v4')),
    access_ip_v6: forAdmins(equals('access_ip_v6')),
    auto_disk_config: ignored,
    kernel_id: ignored,
    ramdisk_id: ignored,
    root_device_name: ignored,
    soft_deleted: ignored,
    block_device_mapping: ignored,
    services: ignored,
    security_groups: ignored,
    info_cache: ignored,
    system_metadata: ignored,
    metadata: ignored,
    pci_devices: ignored,
    instance_type_id: ignored,
  };
}

const sortable = (column: keyof Server): Attribute<TSchema> => ({
  schema: Type.Unknown(),
  hidden: true,
  sort: true,
  column,
});

/** What the list can be sorted by, in the words of the API. */
export const sortAttributes = {
  uuid: sortable('id'),
  display_name: sortable('name'),
  display_description: sortable('description'),
  hostname: sortable('hostname'),
  project_id: sortable('project_id'),
  created_at: sortable('created_at'),
  updated_at: sortable('updated_at'),
  launched_at: sortable('launched_at'),
  terminated_at: sortable('terminated_at'),
  vm_state: sortable('vm_state'),
  task_state: sortable('task_state'),
  power_state: sortable('power_state'),
  image_ref: sortable('image_id'),
  instance_type_id: sortable('flavor_id'),
  availability_zone: sortable('availability_zone'),
  access_ip_v4: sortable('access_ip_v4'),
  access_ip_v6: sortable('access_ip_v6'),
  launch_index: sortable('launch_index'),
  config_drive: sortable('config_drive'),
  auto_disk_config: sortable('disk_config'),
  host: sortable('host'),
  node: sortable('node'),
} as const;
