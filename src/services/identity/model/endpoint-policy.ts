/** What a policy holds for: an endpoint, a service, or a service in a region. */
export interface PolicyAssociation {
  policy_id: string;
  endpoint_id: string | null;
  service_id: string | null;
  region_id: string | null;
}
interface PlacedEndpoint {
  id: string;
  service_id: string;
  region_id: string | null;
}
interface TreeRegion {
  id: string;
  parent_region_id: string | null;
}

/**
 * The policy that holds for an endpoint: its own, else the nearest one for its service in its region or in a region
 * around that, else its service's (OS-ENDPOINT-POLICY of the Identity API).
 * @param associations those that name the endpoint or its service
 */
export function policyFor(
  endpoint: PlacedEndpoint,
  associations: readonly PolicyAssociation[],
  regions: readonly TreeRegion[],
): string | undefined {
  const own = associations.find((each) => each.endpoint_id === endpoint.id);
  if (own) return own.policy_id;
  const ofService = associations.filter((each) => each.service_id === endpoint.service_id);
  for (const region of lineage(endpoint.region_id, regions)) {
    const there = ofService.find((each) => each.region_id === region);
    if (there) return there.policy_id;
  }
  return ofService.find((each) => each.region_id === null)?.policy_id;
}

/** The endpoints that a policy was associated with, by whichever way; regions include what lies in them. */
export function endpointsForPolicy<E extends PlacedEndpoint>(
  associations: readonly PolicyAssociation[],
  endpoints: readonly E[],
  regions: readonly TreeRegion[],
): E[] {
  return endpoints.filter((endpoint) =>
    associations.some(({ endpoint_id, service_id, region_id }) => {
      if (endpoint_id !== null) return endpoint_id === endpoint.id;
      if (service_id !== endpoint.service_id) return false;
      return region_id === null || lineage(endpoint.region_id, regions).includes(region_id);
    }),
  );
}

/** A region and those around it, the nearest first; a loop is left where it closes. */
function lineage(id: string | null, regions: readonly TreeRegion[]): string[] {
  const parents = new Map(regions.map((each) => [each.id, each.parent_region_id]));
  const line: string[] = [];
  for (let next = id; next !== null && !line.includes(next); next = parents.get(next) ?? null)
    line.push(next);
  return line;
}
