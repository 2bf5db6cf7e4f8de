import { NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Method, type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Identity } from '../identity.ts';
import { inGroup } from '../model/endpoint-filter.ts';
import { countedRows } from '../store/changes.ts';
import {
  type EndpointGroupRow,
  endpointGroups,
  projectEndpointGroups,
  projectEndpoints,
} from '../store/tables/endpoint-filter.ts';
import type { EndpointRow, ProjectRow } from '../store/tables.ts';
import { endpointGroupResource } from './endpoint-groups.ts';
import { endpointResource } from './endpoints.ts';
import { projectViews } from './project-view.ts';
import { collection, conflict, notFound } from './style.ts';

/** OS-EP-FILTER: which endpoints the catalogs of a project's tokens show. */
export function endpointFilterRoutes(identity: Identity): Route[] {
  const { store, changes, directory, catalogs } = identity;
  const groups = endpointGroupResource(identity);
  const endpoints = endpointResource(identity);
  const groupRows = repository(store, endpointGroups);
  const ownEndpoints = countedRows(store, projectEndpoints, changes);
  const ownGroups = countedRows(store, projectEndpointGroups, changes);

  async function endpoint(call: Call): Promise<EndpointRow> {
    const id = call.params['endpoint_id'] as string;
    const found = (await directory.shared()).endpoints.find((each) => each.id === id);
    if (!found) throw notFound('endpoint', id);
    return found;
  }
  async function project(call: Call): Promise<ProjectRow> {
    const id = call.params['project_id'] as string;
    const found = await directory.project(id);
    if (!found) throw notFound('project', id);
    return found;
  }
  async function group(call: Call): Promise<EndpointGroupRow> {
    const id = call.params['endpoint_group_id'] as string;
    const found = await groupRows.get(id);
    if (!found) throw notFound('Endpoint Group', id);
    return found;
  }
  const showEndpoints = async (rows: readonly EndpointRow[], call: Call) =>
    collection(call, 'endpoints', await endpoints.views([...rows], call));
  async function showProjects(ids: readonly string[], call: Call) {
    const rows = await Promise.all(ids.map((id) => directory.project(id)));
    const found = rows.filter((row) => row !== undefined);
    return collection(call, 'projects', await projectViews(identity, found, call));
  }

  const prefix = '/v3/OS-EP-FILTER';
  const get = (path: string, rule: string, summary: string, handler: Route['handler']): Route =>
    route({ method: 'GET', path: `${prefix}${path}`, policy: `identity:${rule}`, summary, handler });

  /** Check, make and remove one association. */
  const association = (of: {
    path: string;
    summary: string;
    rules: { GET: string; PUT: string; DELETE: string };
    find(call: Call): Promise<unknown>;
    absent(call: Call): Error;
    add(call: Call): Promise<unknown>;
    remove(call: Call): Promise<number>;
    show?(call: Call): unknown;
  }): Route[] =>
    (['GET', 'PUT', 'DELETE'] as const).map((method: Method & keyof typeof of.rules) =>
      route({
        method,
        path: `${prefix}${of.path}`,
        policy: `identity:${of.rules[method]}`,
        summary: `${{ GET: 'Check', PUT: 'Add', DELETE: 'Remove' }[method]} ${of.summary}`,
        async handler(call) {
          if (method === 'DELETE') {
            if ((await of.remove(call)) === 0) throw of.absent(call);
          } else if (method === 'PUT') {
            await identity.atomically(() => of.add(call));
          } else {
            if (!(await of.find(call))) throw of.absent(call);
            return of.show?.(call);
          }
        },
      }),
    );

  const endpointKey = ({ params }: Call) =>
    [
      { column: 'project_id', op: 'eq', value: params['project_id'] },
      { column: 'endpoint_id', op: 'eq', value: params['endpoint_id'] },
    ] as const;
  const groupKey = ({ params }: Call) =>
    [
      { column: 'project_id', op: 'eq', value: params['project_id'] },
      { column: 'endpoint_group_id', op: 'eq', value: params['endpoint_group_id'] },
    ] as const;

  return [
    ...groups.routes,
    get(
      '/endpoint_groups/:endpoint_group_id/endpoints',
      'list_endpoints_associated_with_endpoint_group',
      'List the endpoints of an endpoint group',
      async (call) => {
        const { filters } = await group(call);
        const all = (await directory.shared()).endpoints;
        return showEndpoints(
          all.filter((each) => inGroup(each, filters)),
          call,
        );
      },
    ),
    get(
      '/endpoint_groups/:endpoint_group_id/projects',
      'list_projects_associated_with_endpoint_group',
      'List the projects that an endpoint group is for',
      async (call) => {
        const where = [
          { column: 'endpoint_group_id', op: 'eq', value: call.params['endpoint_group_id'] },
        ] as const;
        const found = await ownGroups.list({ where });
        return showProjects(
          found.map((row) => row.project_id),
          call,
        );
      },
    ),
    ...association({
      path: '/endpoint_groups/:endpoint_group_id/projects/:project_id',
      summary: 'an endpoint group of a project',
      rules: {
        GET: 'get_endpoint_group_in_project',
        PUT: 'add_endpoint_group_to_project',
        DELETE: 'remove_endpoint_group_from_project',
      },
      async find(call) {
        await project(call);
        await group(call);
        return ownGroups.find(groupKey(call));
      },
      absent: () => new NotFound('Endpoint Group Project Association not found'),
      async add(call) {
        const row = { project_id: (await project(call)).id, endpoint_group_id: (await group(call)).id };
        if (await ownGroups.find(groupKey(call))) {
          throw conflict('project_endpoint_group', 'Duplicate entry');
        }
        await ownGroups.insert(row);
      },
      async remove(call) {
        await project(call);
        await group(call);
        return ownGroups.delete(groupKey(call));
      },
      show: ({ params, origin }) => {
        const { project_id, endpoint_group_id } = params;
        const self = `${origin}${prefix}/endpoint_groups/${endpoint_group_id}/projects/${project_id}`;
        return { project_endpoint_group: { endpoint_group_id, project_id, links: { self } } };
      },
    }),
    get(
      '/endpoints/:endpoint_id/projects',
      'list_projects_for_endpoint',
      'List the projects that an endpoint is for',
      async (call) => {
        const { id } = await endpoint(call);
        const found = await ownEndpoints.list({ where: [{ column: 'endpoint_id', op: 'eq', value: id }] });
        return showProjects(
          found.map((row) => row.project_id),
          call,
        );
      },
    ),
    get(
      '/projects/:project_id/endpoint_groups',
      'list_endpoint_groups_for_project',
      'List the endpoint groups of a project',
      async (call) => {
        const { id } = await project(call);
        const found = await ownGroups.list({ where: [{ column: 'project_id', op: 'eq', value: id }] });
        const ids = found.map((row) => row.endpoint_group_id);
        const rows =
          ids.length === 0 ? [] : await groupRows.list({ where: [{ column: 'id', op: 'in', value: ids }] });
        return collection(call, 'endpoint_groups', await groups.views(rows, call));
      },
    ),
    get(
      '/projects/:project_id/endpoints',
      'list_endpoints_for_project',
      'List the endpoints of a project',
      async (call) => showEndpoints(await catalogs.endpointsOf((await project(call)).id), call),
    ),
    ...association({
      path: '/projects/:project_id/endpoints/:endpoint_id',
      summary: 'an endpoint of a project',
      rules: {
        GET: 'check_endpoint_in_project',
        PUT: 'add_endpoint_to_project',
        DELETE: 'remove_endpoint_from_project',
      },
      async find(call) {
        await endpoint(call);
        await project(call);
        return ownEndpoints.find(endpointKey(call));
      },
      absent: ({ params }) =>
        new NotFound(`Endpoint ${params['endpoint_id']} not found in project ${params['project_id']}`),
      async add(call) {
        const row = { endpoint_id: (await endpoint(call)).id, project_id: (await project(call)).id };
        if (await ownEndpoints.find(endpointKey(call))) throw conflict('project_endpoint', 'Duplicate entry');
        await ownEndpoints.insert(row);
      },
      remove: (call) => ownEndpoints.delete(endpointKey(call)),
    }),
  ];
}
