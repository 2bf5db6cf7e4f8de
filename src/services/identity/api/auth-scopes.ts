import { Forbidden } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import type { ProjectRow } from '../store/tables.ts';
import { scopesOfCaller } from '../tokens/scopes.ts';
import { domainView, projectView, tagsOf } from './project-view.ts';
import { collection } from './style.ts';
import { catalogFor } from './token-view.ts';

/** What the caller could have a token for, and the catalog of the one he has. */
export function authScopeRoutes(identity: Identity): Route[] {
  const { directory } = identity;
  const enabledOnly = async (ids: readonly string[]): Promise<ProjectRow[]> => {
    const rows = await Promise.all(ids.map((id) => directory.project(id)));
    return rows.filter((row) => row !== undefined).filter((row) => row.enabled);
  };

  return [
    route({
      method: 'GET',
      path: '/v3/auth/catalog',
      summary: 'Show the catalog',
      policy: 'identity:get_auth_catalog',
      async handler(call) {
        const { userId, projectId } = call.credentials;
        if (!projectId)
          throw new Forbidden('A project-scoped token is required to produce a service catalog.');
        return {
          catalog: catalogFor({ userId, projectId }, await identity.catalogs.rowsFor(projectId)),
          links: { self: `${call.origin}/v3/auth/catalog` },
        };
      },
    }),
    route({
      method: 'GET',
      path: '/v3/auth/projects',
      summary: 'List the projects that the caller has a role on',
      policy: 'identity:get_auth_projects',
      async handler(call: Call) {
        const { projectIds } = await scopesOfCaller(identity, call);
        const rows = (await enabledOnly(projectIds)).filter((row) => !row.is_domain);
        return collection(
          call,
          'projects',
          await Promise.all(rows.map((row) => projectView(identity, row, call))),
        );
      },
    }),
    route({
      method: 'GET',
      path: '/v3/auth/domains',
      summary: 'List the domains that the caller has a role on',
      policy: 'identity:get_auth_domains',
      async handler(call: Call) {
        const { domainIds } = await scopesOfCaller(identity, call);
        const tags = await tagsOf(identity, domainIds);
        return collection(
          call,
          'domains',
          (await enabledOnly(domainIds)).map((row) =>
            domainView({ ...row, tags: tags.get(row.id) ?? [] }, call),
          ),
        );
      },
    }),
    route({
      method: 'GET',
      path: '/v3/auth/system',
      summary: 'Say whether the caller has a role on the system',
      policy: 'identity:get_auth_system',
      async handler(call: Call) {
        const { system } = await scopesOfCaller(identity, call);
        return { system: system ? [{ all: true }] : [], links: { self: `${call.origin}/v3/auth/system` } };
      },
    }),
  ];
}
