import { randomUUID } from 'node:crypto';
import { type TSchema, Type } from 'typebox';
import { BadRequest, OverQuota } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route, type VersionedSchema } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import { quotaLimit, serverGroupCount } from '../store/quota-claims.ts';
import { withMembers } from '../store/server-group-members.ts';
import { type ServerGroup, serverGroups } from '../store/server-groups.ts';
import { closed, maxInteger, Name, toInteger, wrapped } from './parameter-types.ts';
import { assertQuery } from './query.ts';
import { computeNotFound, invalidQuery, mostItems } from './style.ts';

type Policy = ServerGroup['policy'];
const hard: Policy[] = ['anti-affinity', 'affinity'];
const all: Policy[] = [...hard, 'soft-anti-affinity', 'soft-affinity'];
const group = (properties: Record<string, TSchema>) =>
  wrapped('server_group', closed({ name: Name, ...properties }));
const oneOf = (policies: Policy[]) => Type.Array(Type.Enum(policies), { minItems: 1, maxItems: 1 });

const Create: VersionedSchema = [
  ['2.1', group({ policies: oneOf(hard) })],
  ['2.15', group({ policies: oneOf(all) })],
  [
    '2.64',
    group({
      policy: Type.Enum(all),
      rules: Type.Optional(
        closed({
          max_server_per_host: Type.Optional(
            Type.Unsafe<number | string>({
              type: ['integer', 'string'],
              pattern: '^[0-9]{1,10}$',
              minimum: 1,
              maximum: maxInteger,
              minLength: 1,
            }),
          ),
        }),
      ),
    }),
  ],
];
interface CreateBody {
  server_group: {
    name: string;
    policies?: [Policy];
    policy?: Policy;
    rules?: { max_server_per_host?: number | string };
  };
}

const rule = (verb: string): string => `os_compute_api:os-server-groups:${verb}`;

/** `limit` and `offset`: the one list of compute that is not paged by markers. */
function windowOf(call: Call): { offset: number; limit: number } {
  const read = (name: string, preset: number): number => {
    const text = call.queryValue(name);
    if (text === undefined) return preset;
    if (!/^\d{1,9}$/.test(text)) throw invalidQuery(name, text, 'It must be a number.');
    return Number(text);
  };
  return { offset: read('offset', 0), limit: Math.min(read('limit', mostItems) || mostItems, mostItems) };
}

/** Servers that are to be on one host, or on different ones. */
export function serverGroupRoutes({ store }: Compute): Route[] {
  const rows = repository(store, serverGroups);

  const view = (row: ServerGroup & { members: string[] }, call: Call) => ({
    id: row.id,
    name: row.name,
    ...(call.since('2.64')
      ? { policy: row.policy, rules: row.rules }
      : { policies: [row.policy], metadata: {} }),
    members: row.members,
    ...(call.since('2.13') ? { project_id: row.project_id, user_id: row.user_id } : {}),
  });

  /** The group that a path names; to whom may not see it, it is not there. */
  async function find(call: Call, verb: 'show' | 'delete'): Promise<ServerGroup> {
    const id = call.params['id'] as string;
    const row = await rows.get(id);
    if (!row || !call.can(rule('show'), { project_id: row.project_id })) {
      throw computeNotFound({ one: 'server_group' }, id);
    }
    call.enforce(rule(verb), { project_id: row.project_id });
    return row;
  }

  /** What a new group is to do. @throws BadRequest for rules that its policy does not have */
  function wishes({ server_group }: CreateBody): Pick<ServerGroup, 'policy' | 'rules'> {
    const { policies, policy = policies?.[0] as Policy, rules = {} } = server_group;
    if (policy !== 'anti-affinity' && Object.keys(rules).length > 0) {
      throw new BadRequest('Only anti-affinity policy supports rules.');
    }
    if (rules.max_server_per_host === undefined) return { policy, rules: {} };
    const most = toInteger(rules.max_server_per_host) as number;
    if (most < 1 || most > maxInteger) {
      throw new BadRequest(`Invalid input for field/attribute max_server_per_host. Value: ${most}.`);
    }
    return { policy, rules: { max_server_per_host: most } };
  }

  async function create(call: Call<CreateBody>) {
    const { projectId: project_id = '', userId: user_id } = call.credentials;
    call.enforce(rule('create'), { project_id });
    const row: ServerGroup = {
      id: randomUUID(),
      project_id,
      user_id,
      name: call.body.server_group.name,
      ...wishes(call.body),
      created_at: timestamp(),
    };
    await store.transaction(async () => {
      const limit = await quotaLimit(store, 'server_groups', project_id, user_id);
      if (limit >= 0 && (await serverGroupCount(store, project_id)) >= limit) {
        throw new OverQuota(403, 'Quota exceeded, too many server groups.');
      }
      await rows.insert(row);
    });
    return { server_group: view({ ...row, members: [] }, call) };
  }

  async function list(call: Call) {
    const { projectId: project_id = '' } = call.credentials;
    call.enforce(rule('index'), { project_id });
    assertQuery(call, ['all_projects', 'limit', 'offset']);
    const { offset, limit } = windowOf(call);
    // Whoever may not see all projects is shown their own without a word, as upstream does.
    const everything =
      call.queryValue('all_projects') !== undefined && call.can(rule('index:all_projects'), { project_id });
    const found = await rows.list({
      where: everything ? {} : { project_id },
      sort: [{ column: 'created_at', direction: 'asc' }],
      limit: offset + limit,
    });
    const page = await withMembers(store, found.slice(offset));
    return { server_groups: page.map((row) => view(row, call)) };
  }

  const path = '/v2.1/os-server-groups';
  return [
    route({ method: 'GET', path, summary: 'List server groups', handler: list }),
    route<CreateBody>({
      method: 'POST',
      path,
      summary: 'Create a server group',
      body: Create,
      handler: create,
    }),
    route({
      method: 'GET',
      path: `${path}/:id`,
      summary: 'Show a server group',
      async handler(call) {
        const [row] = await withMembers(store, [await find(call, 'show')]);
        return { server_group: view(row as ServerGroup & { members: string[] }, call) };
      },
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      summary: 'Delete a server group',
      async handler(call) {
        await rows.delete({ id: (await find(call, 'delete')).id });
        return answer(204);
      },
    }),
  ];
}
