import { NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { RowQuery } from '../../../platform/resource/rows.ts';
import type { Identity } from '../identity.ts';
import { isActive } from '../model/password-rules.ts';
import { nowMicros } from '../model/timestamps.ts';
import { countedRows } from '../store/changes.ts';
import { everywhere } from '../store/everywhere.ts';
import { newId } from '../store/new-id.ts';
import { removeActor } from '../store/removal.ts';
import { type GroupRow, groups } from '../store/tables.ts';
import { assertUnmoved, domainFor, Id, keptExtra, Name, NullableText } from './fields.ts';
import { inOwnDomain, listedDomain } from './listed-domain.ts';
import { expiryFilter } from './password-expiry.ts';
import { collection, notFound, unique } from './style.ts';
import { userView } from './user-view.ts';

export const groupView = (row: GroupRow, call: Call): Record<string, unknown> => ({
  ...row.extra,
  id: row.id,
  name: row.name,
  domain_id: row.domain_id,
  description: row.description,
  links: { self: `${call.origin}/v3/groups/${row.id}` },
});

/** Groups and who is in them. */
export function groupRoutes(identity: Identity): Route[] {
  const { store, changes, directory, elsewhere } = identity;
  const inactiveDays = identity.settings.disable_user_account_days_inactive;
  const own = countedRows(store, groups, changes);
  const rows = everywhere(
    own,
    elsewhere && {
      find: (id: string) => elsewhere.group(id),
      list: (domainId: string | undefined, query: RowQuery<GroupRow>) => elsewhere.groups(domainId, query),
    },
  );
  const detail = (name: string, domain: string) => `name ${name} at domain ID ${domain}`;

  const resource = identity.resource({
    one: 'group',
    many: 'groups',
    path: '/groups',
    absenceFirst: ['delete'],
    rows,
    attributes: {
      id: { schema: Id },
      name: { schema: Name(64), create: 'required', update: true, filter: true },
      domain_id: { schema: Id, create: 'optional', filter: true },
      description: { schema: NullableText, create: 'optional', update: true },
    },
    policy: {
      list: null,
      show: 'identity:get_group',
      create: 'identity:create_group',
      update: 'identity:update_group',
      delete: 'identity:delete_group',
    },
    target: (row) => ({ target: { group: row } }),
    createTarget: (body) => ({ target: { group: body } }),
    scope(call, verb) {
      if (verb !== 'list') return [];
      const { domainId } = call.credentials;
      call.enforce('identity:list_groups', domainId ? { target: { group: { domain_id: domainId } } } : {});
      return listedDomain(identity, call);
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    async create(call, body, extra) {
      const domain = domainFor(body.domain_id, call);
      if (!(await directory.domain(domain))) throw notFound('domain', domain);
      const { name, description = '' } = body;
      if (elsewhere && (await elsewhere.has(domain))) {
        return elsewhere.createGroup(domain, { name, description, extra: keptExtra(extra) });
      }
      return unique('group', detail(name, domain), () =>
        rows.insert({ id: newId(), name, domain_id: domain, description, extra: keptExtra(extra) }),
      );
    },
    async update(_call, row, given, extra) {
      assertUnmoved(given, row);
      const { name, description } = given;
      if (elsewhere && (await directory.isGroupElsewhere(row.id))) {
        return elsewhere.updateGroup(row.id, {
          extra: keptExtra(extra),
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description }),
        });
      }
      const changed: Partial<GroupRow> = {
        extra: keptExtra(extra, row.extra),
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
      };
      await unique('group', detail(name ?? row.name, row.domain_id), () =>
        rows.update([{ column: 'id', op: 'eq', value: row.id }], changed),
      );
      return { ...row, ...changed };
    },
    async delete(_call, row) {
      if (elsewhere && (await directory.isGroupElsewhere(row.id))) await elsewhere.deleteGroup(row.id);
      await identity.atomically(async () => {
        await removeActor(store, 'group', [row.id]);
        await own.delete([{ column: 'id', op: 'eq', value: row.id }]);
      });
    },
  });

  /** Group and user of a path, once the caller may do `rule` to them. */
  async function pair(call: Call, rule: string): Promise<{ group_id: string; user_id: string }> {
    const { id = '', user_id = '' } = call.params;
    const [group, user] = await Promise.all([
      rows.find([{ column: 'id', op: 'eq', value: id }]),
      directory.user(user_id),
    ]);
    call.enforce(rule, { target: { ...(group ? { group } : {}), ...(user ? { user } : {}) } });
    if (!group) throw notFound('group', id);
    if (!user) throw notFound('user', user_id);
    return { group_id: id, user_id };
  }
  const path = '/v3/groups/:id/users/:user_id';
  const notMember = ({ group_id, user_id }: { group_id: string; user_id: string }) =>
    new NotFound(`User '${user_id}' not found in group '${group_id}'`);

  return [
    ...resource.routes,
    route({
      method: 'GET',
      path: '/v3/groups/:id/users',
      summary: 'List the users in a group',
      async handler(call) {
        const id = call.params['id'] as string;
        const group = await rows.find([{ column: 'id', op: 'eq', value: id }]);
        call.enforce('identity:list_users_in_group', group ? { target: { group } } : {});
        if (!group) throw notFound('group', id);
        const found = await identity.memberships.usersIn(group);
        const name = call.queryValue('name');
        const ends = expiryFilter(call.queryValues('password_expires_at'));
        const seen = inOwnDomain(call, found);
        const wanted = seen.filter((row) => (name === undefined || row.name === name) && ends(row));
        return collection(
          call,
          'users',
          wanted.map((row) => userView({ ...row, enabled: isActive(row, inactiveDays, nowMicros()) }, call)),
        );
      },
    }),
    route({
      method: 'PUT',
      path,
      summary: 'Add a user to a group',
      async handler(call) {
        await identity.memberships.add(await pair(call, 'identity:add_user_to_group'));
      },
    }),
    route({
      method: 'GET',
      path,
      summary: 'Check that a user is in a group',
      async handler(call) {
        const member = await pair(call, 'identity:check_user_in_group');
        if (!(await identity.memberships.has(member))) throw notMember(member);
      },
    }),
    route({
      method: 'DELETE',
      path,
      summary: 'Remove a user from a group',
      async handler(call) {
        const member = await pair(call, 'identity:remove_user_from_group');
        if (!(await identity.memberships.remove(member))) throw notMember(member);
      },
    }),
  ];
}
