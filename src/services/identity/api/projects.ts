import { sql } from 'kysely';
import { Type } from 'typebox';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { removeTarget } from '../store/removal.ts';
import { noDomain, type ProjectRow, projects } from '../store/tables.ts';
import { deleteDomain } from './domains.ts';
import {
  assertMutable,
  assertUnmoved,
  domainFor,
  Enabled,
  Id,
  keptExtra,
  mergedOptions,
  Name,
  NullableId,
  NullableText,
  Options,
} from './fields.ts';
import { alone } from './project-names.ts';
import { projectRelations } from './project-relations.ts';
import { Tags, writeTags } from './project-tags.ts';
import { projectTarget, tagsOf } from './project-view.ts';

/** Projects below each other, their domain not counted: upstream's `max_project_tree_depth`. */
const deepest = 5;
/** The same where limits stand in a hierarchy of two levels, of which the domain is one. */
const deepestInHierarchy = 1;

/** Projects in their hierarchy. */
export function projectRoutes(identity: Identity): Route[] {
  const { store, changes, directory } = identity;
  const rows = countedRows(store, projects, changes);

  /** @throws BadRequest, Forbidden where nothing can lie there */
  async function placeOf(given: { domain_id?: string | null; parent_id?: string | null }, call: Call) {
    const domain = domainFor(given.domain_id, call);
    if (!(await directory.domain(domain))) throw new BadRequest(`Could not find domain: ${domain}.`);
    const parentId = given.parent_id ?? domain;
    const parent = await directory.project(parentId);
    if (!parent) throw new BadRequest(`Could not find project: ${parentId}.`);
    const domain_id = parent.is_domain ? parent.id : parent.domain_id;
    if (domain !== domain_id) {
      throw new BadRequest(
        `Cannot create project, since it specifies its domain_id ${domain}, but specifies a parent in a different domain (${domain_id}).`,
      );
    }
    const line = await directory.lineage(parentId);
    const off = line.find((row) => !row.enabled);
    if (off) throw new Forbidden(`Invalid parent: project ${off.id} is disabled.`);
    if (line.length + 1 > (identity.limits.model === 'flat' ? deepest : deepestInHierarchy))
      throw new Forbidden(`Max hierarchy depth reached for ${parentId} branch.`);
    return { domain_id, parent_id: parentId };
  }

  async function assertMayEnable(row: ProjectRow, enabled: boolean | undefined): Promise<void> {
    if (enabled === undefined || enabled === row.enabled || row.is_domain) return;
    const [, ...above] = await directory.lineage(row.id);
    if (enabled && above.some((each) => !each.enabled)) {
      throw new Forbidden(`Cannot enable project ${row.id} since it has disabled parents.`);
    }
    if (!enabled && (await projectRelations(identity).below(row.id)).some((each) => each.enabled)) {
      throw new Forbidden(`Cannot disable project ${row.id} since its subtree contains enabled projects.`);
    }
  }

  return identity.resource({
    one: 'project',
    many: 'projects',
    path: '/projects',
    rows,
    attributes: {
      id: { schema: Id },
      name: { schema: Name(64), create: 'required', update: true, filter: true },
      domain_id: {
        schema: NullableId,
        create: 'optional',
        filter: true,
        from: (row: ProjectRow) => (row.domain_id === noDomain ? null : row.domain_id),
      },
      parent_id: { schema: NullableId, create: 'optional', filter: true },
      description: { schema: NullableText, create: 'optional', update: true },
      enabled: { schema: Enabled, create: 'optional', update: true, default: true, filter: true },
      is_domain: { schema: Type.Boolean(), create: 'optional', default: false, filter: true },
      tags: { schema: Tags, create: 'optional', update: true, column: false },
      options: { schema: Options, create: 'optional', update: true, default: {} },
    },
    policy: {
      list: null,
      show: 'identity:get_project',
      create: 'identity:create_project',
      update: 'identity:update_project',
      delete: 'identity:delete_project',
    },
    target: (row) => projectTarget(row),
    createTarget: (body) => ({ target: { project: body } }),
    scope(call, verb) {
      if (verb !== 'list') return [];
      const { domainId } = call.credentials;
      call.enforce('identity:list_projects', domainId ? { target: { domain_id: domainId } } : {});
      const where: Condition[] = domainId ? [{ column: 'domain_id', op: 'eq', value: domainId }] : [];
      if (call.query['is_domain'] === undefined) where.push({ column: 'is_domain', op: 'eq', value: false });
      return where;
    },
    filters: {
      tags: (values) => [tagged(values, 'all')],
      'tags-any': (values) => [tagged(values, 'any')],
      'not-tags': (values) => [tagged(values, 'not all')],
      'not-tags-any': (values) => [tagged(values, 'not any')],
    },
    async expand(page, call) {
      const tags = await tagsOf(
        identity,
        page.map((row) => row.id),
      );
      const full = page.map((row) => ({ ...row, tags: tags.get(row.id) ?? [], relations: {} }));
      const [only] = full;
      if (only && call.params['id'] === only.id && call.method !== 'PATCH') {
        only.relations = await projectRelations(identity).asked(only, call);
      }
      return full;
    },
    view: (view, row) => ({ ...row.extra, ...view, tags: row.tags, ...row.relations }),
    async create(call, body, extra) {
      if (body.is_domain && (body.domain_id || body.parent_id)) {
        throw new BadRequest('only root projects are allowed to act as domains.');
      }
      const place = body.is_domain ? { domain_id: noDomain, parent_id: null } : await placeOf(body, call);
      const { name, enabled, is_domain, description = '', tags = [] } = body;
      const id = newId();
      return alone({ id, name, is_domain }, () =>
        identity.atomically(async () => {
          const row = await rows.insert({
            id,
            name,
            ...place,
            enabled,
            is_domain,
            description,
            options: mergedOptions({}, body.options),
            extra: keptExtra(extra),
          });
          await writeTags(identity, row.id, tags);
          return row;
        }),
      );
    },
    async update(_call, row, given, extra) {
      assertUnmoved(given, row);
      assertMutable('project', row, given.options ?? {});
      const moved = given as { parent_id?: unknown; is_domain?: unknown };
      if (moved.parent_id !== undefined && moved.parent_id !== row.parent_id) {
        throw new Forbidden('Update of `parent_id` is not allowed.');
      }
      if (moved.is_domain !== undefined && moved.is_domain !== row.is_domain) {
        throw new BadRequest('Update of `is_domain` is not allowed.');
      }
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
          await assertMayEnable(row, enabled);
          await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
          if (tags) await writeTags(identity, row.id, tags);
          if (enabled !== false) return;
          await identity.revocations.revoke(row.is_domain ? { domainId: row.id } : { projectId: row.id });
        }),
      );
      return { ...row, ...changed };
    },
    async delete(_call, row) {
      assertMutable('project', row);
      if (row.is_domain) return deleteDomain(identity, row);
      await identity.atomically(async () => {
        if (await rows.find([{ column: 'parent_id', op: 'eq', value: row.id }])) {
          throw new Forbidden(
            `Cannot delete the project ${row.id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
          );
        }
        await removeTarget(store, [row.id]);
        await rows.delete([{ column: 'id', op: 'eq', value: row.id }]);
      });
      identity.projectDeleted(row.id);
    },
  }).routes;
}

/** The projects whose tags fit `?tags=a,b` and its sisters, as the API-SIG's tags guideline has them. */
function tagged(values: readonly string[], how: 'all' | 'any' | 'not all' | 'not any'): Condition {
  const names = [...new Set(values.flatMap((value) => value.split(',')))].slice(0, 80);
  const having = how.endsWith('all') ? names.length : 1;
  const ids = sql`select project_id from project_tags where name in (${sql.join(names)}) group by project_id having count(*) >= ${having}`;
  return {
    expression: how.startsWith('not')
      ? sql<never>`projects.id not in (${ids})`
      : sql<never>`projects.id in (${ids})`,
  };
}
