import { Type } from 'typebox';
import { Conflict, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Compute } from '../compute.ts';
import { type Flavor, flavorProjects } from '../store/flavors.ts';
import { flavorResource } from './flavors.ts';
import { closed } from './parameter-types.ts';
import { projectCheck } from './projects.ts';

const Project = closed({ tenant: Type.String({ minLength: 1, maxLength: 255 }) });
const Action = Type.Union([closed({ addTenantAccess: Project }), closed({ removeTenantAccess: Project })]);

const base = 'os_compute_api:os-flavor-access';

/** Who may use a flavor that is not public: `os-flavor-access` and the actions that change it. */
export function flavorAccessRoutes(compute: Compute): Route[] {
  const { store } = compute;
  const flavor = flavorResource(compute);
  const access = repository(store, flavorProjects);
  const assertProject = projectCheck(compute);

  const find = (call: Call): Promise<Flavor> => flavor.find(call, call.params['id'] as string);
  const listOf = async ({ id }: Flavor) => ({
    flavor_access: (await access.list({ where: { flavor_id: id } })).map(({ flavor_id, project_id }) => ({
      flavor_id,
      tenant_id: project_id,
    })),
  });

  async function add(call: Call, project_id: string) {
    call.enforce(`${base}:add_tenant_access`);
    await assertProject(call, project_id);
    const row = await find(call);
    if (row.is_public && call.since('2.7')) throw new Conflict('Can not add access to a public flavor.');
    await store.transaction(async () => {
      if (await access.find({ flavor_id: row.id, project_id })) {
        throw new Conflict(
          `Flavor access already exists for flavor ${row.id} and project ${project_id} combination.`,
        );
      }
      await access.insert({ flavor_id: row.id, project_id });
    });
    return listOf(row);
  }

  async function remove(call: Call, project_id: string) {
    call.enforce(`${base}:remove_tenant_access`);
    const row = await find(call);
    if ((await access.delete({ flavor_id: row.id, project_id })) === 0) {
      throw new NotFound(`Flavor access not found for ${row.id} / ${project_id} combination.`);
    }
    return listOf(row);
  }

  return [
    route({
      method: 'GET',
      path: '/v2.1/flavors/:id/os-flavor-access',
      summary: 'List the projects that may use a flavor',
      policy: base,
      async handler(call) {
        const row = await find(call);
        if (row.is_public) throw new NotFound('Access list not available for public flavors.');
        return listOf(row);
      },
    }),
    route({
      method: 'POST',
      path: '/v2.1/flavors/:id/action',
      summary: 'Give a project access to a flavor, or take it away',
      body: Action,
      handler: (call) =>
        'addTenantAccess' in call.body
          ? add(call, call.body.addTenantAccess.tenant)
          : remove(call, call.body.removeTenantAccess.tenant),
    }),
  ];
}
