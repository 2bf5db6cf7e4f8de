import type { CatalogEndpoint } from './catalog.ts';

/** What an endpoint must be to belong to an endpoint group: each that is named must be the same. */
export interface EndpointFilter {
  service_id?: string;
  region_id?: string | null;
  interface?: string;
  enabled?: boolean;
}

/** Whether an endpoint is one of a group. A filter that names nothing takes all. */
export const inGroup = (endpoint: CatalogEndpoint, filter: EndpointFilter): boolean =>
  (Object.keys(filter) as (keyof EndpointFilter)[]).every((name) => endpoint[name] === filter[name]);

/** A project's endpoints: those of its own, and those of its groups, each once. */
export const endpointsOfProject = <E extends CatalogEndpoint>(
  endpoints: readonly E[],
  own: ReadonlySet<string>,
  groups: readonly EndpointFilter[],
): E[] => endpoints.filter((each) => own.has(each.id) || groups.some((filter) => inGroup(each, filter)));
