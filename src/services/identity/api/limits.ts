import { type Static, Type } from 'typebox';
import { BadRequest, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { resourcesIn } from '../../../platform/resource/resource.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Identity } from '../identity.ts';
import { enforcementModels, exceeds } from '../model/limits.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { type LimitRow, limits, registeredLimits } from '../store/tables/limits.ts';
import { Id, Name, NullableId } from './fields.ts';
import { Amount, assertPlaced, LimitDescription, LimitRegion, mostLimits } from './registered-limits.ts';
import { conflict, expecting, withEmptyUpdates } from './style.ts';

const Limit = Type.Object(
  {
    project_id: Type.Optional(NullableId),
    domain_id: Type.Optional(NullableId),
    service_id: Id,
    region_id: Type.Optional(LimitRegion),
    resource_name: Name(255),
    resource_limit: Amount,
    description: Type.Optional(LimitDescription),
  },
  { additionalProperties: false },
);

/** How much single projects and domains have of what can be limited. */
export function limitRoutes(identity: Identity): Route[] {
  const { store, changes, directory, atomically } = identity;
  const rows = countedRows(store, limits, changes);
  const registered = repository(store, registeredLimits);
  const model = enforcementModels[identity.limits.model];

  /** Whose the limit is. A domain may be called by its id as the project that it also is. */
  async function owner(given: Static<typeof Limit>) {
    const { project_id, domain_id } = given;
    if ((project_id === undefined) === (domain_id === undefined)) {
      throw new BadRequest("Invalid input: exactly one of 'project_id' and 'domain_id' is needed.");
    }
    const target = project_id === undefined ? 'domain_id' : 'project_id';
    const found = await directory.project(project_id ?? domain_id ?? '');
    if (!found || (target === 'domain_id' && !found.is_domain)) throw expecting(target, 'limit');
    return found.is_domain
      ? { project_id: null, domain_id: found.id, owner_domain_id: found.id }
      : { project_id: found.id, domain_id: null, owner_domain_id: found.domain_id };
  }

  async function insert(given: Static<typeof Limit>): Promise<LimitRow> {
    const { service_id, region_id = null, resource_name, resource_limit, description = null } = given;
    await assertPlaced(identity, { service_id, region_id }, 'limit');
    const whose = await owner(given);
    const reference = await registered.find({ service_id, region_id, resource_name });
    if (!reference) {
      throw new Forbidden('Unable to create a limit that has no corresponding registered limit.');
    }
    const { project_id, domain_id } = whose;
    const registered_limit_id = reference.id;
    const same = Object.entries({ registered_limit_id, project_id, domain_id }).map(
      ([column, value]) => ({ column, op: 'eq', value }) as const,
    );
    if (await rows.find(same)) throw conflict('limit', 'Duplicate entry');
    const row = { id: newId(), registered_limit_id, ...whose, service_id, region_id, resource_name };
    return rows.insert({ ...row, resource_limit, description });
  }

  /** In a hierarchy no project has more than its domain. Asked when all of a request is written. @throws Forbidden */
  async function assertFits(limit: LimitRow): Promise<void> {
    if (model.name === 'flat') return;
    const { registered_limit_id, project_id, domain_id } = limit;
    const of: Condition = { column: 'registered_limit_id', op: 'eq', value: registered_limit_id };
    let fits: boolean;
    if (domain_id !== null) {
      const below = await rows.list({
        where: [
          of,
          { column: 'owner_domain_id', op: 'eq', value: domain_id },
          { column: 'project_id', op: 'notnull' },
        ],
      });
      fits = !below.some((each) => exceeds(each.resource_limit, limit.resource_limit));
    } else {
      const parent = (await directory.project(project_id ?? ''))?.parent_id;
      const above = await rows.find([of, { column: 'domain_id', op: 'eq', value: parent ?? '' }]);
      const most = above?.resource_limit ?? (await registered.get(registered_limit_id))?.default_limit;
      fits = most === undefined || !exceeds(limit.resource_limit, most);
    }
    if (fits) return;
    const whose = project_id === null ? `domain_id: ${domain_id}` : `project_id: ${project_id}`;
    const { resource_name, resource_limit, service_id, region_id } = limit;
    throw new Forbidden(
      `Invalid resource limit: The resource limit (${whose}, resource_name: ${resource_name}, resource_limit: ${resource_limit}, service_id: ${service_id}, region_id: ${region_id ?? 'None'}) doesn't satisfy current hierarchy model..`,
    );
  }

  /** What a caller sees in lists: those of his domain, of his project, or as an administrator of another scope all. */
  function visible({ credentials }: Call): Condition[] {
    const { system, roles, domainId, projectId } = credentials;
    const elevated = roles.includes('admin') || roles.includes('service');
    if (system || (elevated && !domainId)) return [];
    if (domainId) return [{ column: 'owner_domain_id', op: 'eq', value: domainId }];
    return [{ column: 'project_id', op: 'in', value: projectId ? [projectId] : [] }];
  }

  const resource = resourcesIn(
    {
      ...withEmptyUpdates,
      unknownProperties: 'refuse',
      notFound: (_names, id) => new NotFound(`Could not find limit for ${id}.`),
    },
    atomically,
  )({
    one: 'limit',
    many: 'limits',
    path: '/limits',
    absenceFirst: ['update', 'delete'],
    rows,
    attributes: {
      id: { schema: Id },
      project_id: { schema: NullableId, filter: true },
      domain_id: { schema: NullableId, filter: true },
      service_id: { schema: Id, filter: true },
      region_id: { schema: LimitRegion, filter: true },
      resource_name: { schema: Name(255), filter: true },
      resource_limit: { schema: Amount, update: true },
      description: { schema: LimitDescription, update: true },
    },
    policy: {
      list: 'identity:list_limits',
      show: 'identity:get_limit',
      update: 'identity:update_limit',
      delete: 'identity:delete_limit',
    },
    target: (row) => ({
      target: {
        limit: {
          ...row,
          ...(row.project_id === null
            ? { domain: { id: row.domain_id } }
            : { project: { id: row.project_id, domain_id: row.owner_domain_id } }),
        },
      },
    }),
    scope: (call, verb) => (verb === 'list' ? visible(call) : []),
    update: (_call, row, given) =>
      atomically(async () => {
        const changed = { ...row, ...given };
        if (Object.keys(given).length > 0) {
          await rows.update([{ column: 'id', op: 'eq', value: row.id }], given);
        }
        await assertFits(changed);
        return changed;
      }),
  });

  return [
    route({
      method: 'GET',
      path: '/v3/limits/model',
      summary: 'Show how limits of projects and domains stand to each other',
      policy: 'identity:get_limit_model',
      handler: () => ({ model: { name: model.name, description: model.description } }),
    }),
    ...resource.routes,
    route({
      method: 'POST',
      path: '/v3/limits',
      summary: 'Create limits, all or none',
      policy: 'identity:create_limits',
      body: Type.Object(
        { limits: Type.Array(Limit, { minItems: 1, maxItems: mostLimits }) },
        { additionalProperties: true },
      ),
      async handler(call) {
        const made = await atomically(async () => {
          const each: LimitRow[] = [];
          for (const given of call.body.limits) each.push(await insert(given));
          for (const row of each) await assertFits(row);
          return each;
        });
        return answer(201, { limits: await resource.views(made, call) });
      },
    }),
  ];
}
