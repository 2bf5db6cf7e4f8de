import { Type } from 'typebox';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import type { Route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { removeActor, removeTarget } from '../store/removal.ts';
import { noDomain, type ProjectRow, projects } from '../store/tables.ts';
import {
  assertMutable,
  assertUnmoved,
  Enabled,
  Id,
  keptExtra,
  mergedOptions,
  Name,
  NullableText,
  Options,
} from './fields.ts';
import { alone } from './project-names.ts';
import { Tags, writeTags } from './project-tags.ts';
import { tagsOf } from './project-view.ts';

/** Domains: the projects that everything else lies in. */
export function domainRoutes(identity: Identity): Route[] {
  const { store, changes } = identity;
  const rows = countedRows(store, projects, changes);

  return identity.resource({
    one: 'domain',
    many: 'domains',
    path: '/domains',
    absenceFirst: ['update', 'delete'],
    rows,
    attributes: {
      id: { schema: Id },
      explicit_domain_id: { schema: Type.String(), create: 'optional', column: false, hidden: true },
      name: { schema: Name(64), create: 'required', update: true, filter: true },
      description: { schema: NullableText, create: 'optional', update: true },
      enabled: { schema: Enabled, create: 'optional', update: true, default: true, filter: true },
      tags: { schema: Tags, create: 'optional', update: true, column: false },
      options: { schema: Options, create: 'optional', update: true, default: {} },
    },
    policy: {
      list: null,
      show: 'identity:get_domain',
      create: 'identity:create_domain',
      update: 'identity:update_domain',
      delete: 'identity:delete_domain',
    },
    target: (row) => ({ target: { domain: row } }),
    scope(call, verb) {
      const all = { column: 'is_domain', op: 'eq', value: true } as const;
      if (verb !== 'list') return [all];
      const { domainId } = call.credentials;
      call.enforce('identity:list_domains', domainId ? { target: { domain: { id: domainId } } } : {});
      return domainId ? [all, { column: 'id', op: 'eq', value: domainId }] : [all];
    },
    async expand(page) {
      const tags = await tagsOf(
        identity,
        page.map((row) => row.id),
      );
      return page.map((row) => ({ ...row, tags: tags.get(row.id) ?? [] }));
    },
    view: (view, row) => ({ ...row.extra, ...view, tags: row.tags }),
    create: (_call, body, extra) => {
      const { explicit_domain_id: id = newId() } = body;
      // For clouds that are to know a domain by the same id.
      if (!/^[0-9a-f]{32}$/.test(id)) {
        throw new BadRequest('Domain ID does not conform to required UUID format.');
      }
      return alone({ id, name: body.name, is_domain: true }, () =>
        identity.atomically(async () => {
          const made = await rows.insert({
            id,
            name: body.name,
            domain_id: noDomain,
            parent_id: null,
            is_domain: true,
            enabled: body.enabled,
            description: body.description === undefined ? '' : body.description,
            options: mergedOptions({}, body.options),
            extra: keptExtra(extra),
          });
          await writeTags(identity, id, body.tags ?? []);
          return made;
        }),
      );
    },
    async update(_call, row, given, extra) {
      assertUnmoved(given, { id: row.id });
      assertMutable('domain', row, given.options ?? {});
      const { name, description, enabled, options, tags } = given;
      const changed: Partial<ProjectRow> = {
        extra: keptExtra(extra, row.extra),
        options: mergedOptions(row.options, options),
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(enabled === undefined ? {} : { enabled }),
      };
      await alone({ ...row, ...changed }, () =>
        identity.atomically(async () => {
          await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
          if (tags) await writeTags(identity, row.id, tags);
          if (enabled === false) await identity.revocations.revoke({ domainId: row.id });
        }),
      );
      return { ...row, ...changed };
    },
    async delete(_call, row) {
      assertMutable('domain', row);
      await deleteDomain(identity, row);
    },
  }).routes;
}

/** Deletes a domain with all that lies in it. @throws Forbidden while it is enabled */
export async function deleteDomain(identity: Identity, row: ProjectRow): Promise<void> {
  if (row.enabled) {
    throw new Forbidden('Cannot delete a domain that is enabled, please disable it first.');
  }
  const { store, mapping } = identity;
  const { db } = store;
  const gone = await identity.atomically(async () => {
    const idsIn = async (name: 'projects' | 'users' | 'groups') =>
      (await db.selectFrom(name).select('id').where('domain_id', '=', row.id).execute()).map(
        (each) => each.id,
      );
    const [inside, users, groups] = [await idsIn('projects'), await idsIn('users'), await idsIn('groups')];
    const mapped = {
      users: await mapping.ofDomain(row.id, 'user'),
      groups: await mapping.ofDomain(row.id, 'group'),
    };
    await removeActor(store, 'user', [...users, ...mapped.users]);
    await removeActor(store, 'group', [...groups, ...mapped.groups]);
    await removeTarget(store, [...inside, row.id]);
    for (const name of ['users', 'groups', 'roles', 'projects'] as const) {
      await db.deleteFrom(name).where('domain_id', '=', row.id).execute();
    }
    if (await identity.domainConfigurations.has(row.id)) await identity.domainConfigurations.remove(row.id);
    await db.deleteFrom('projects').where('id', '=', row.id).execute();
    identity.changes.revoked();
    return inside;
  });
  for (const id of gone) identity.projectDeleted(id);
}
