export interface CatalogService {
  id: string;
  type: string;
  name?: string | null;
  enabled: boolean;
}
export interface CatalogEndpoint {
  id: string;
  service_id: string;
  interface: 'public' | 'internal' | 'admin';
  region_id: string | null;
  url: string;
  enabled: boolean;
  /** What else was said of it when it was made. */
  extra?: Readonly<Record<string, unknown>>;
}
export interface CatalogEntry {
  id: string;
  type: string;
  name: string;
  endpoints: {
    id: string;
    interface: CatalogEndpoint['interface'];
    region_id: string | null;
    region: string | null;
    url: string;
  }[];
}

export interface CatalogSubject {
  /** null for domain, system and unscoped tokens: endpoints that name a project are then left out */
  projectId: string | null;
  userId?: string;
  /** keystone's `[DEFAULT] public_endpoint`, for urls that name it */
  publicEndpoint?: string;
}

/** What a catalog is made of. */
export interface CatalogRows {
  services: readonly CatalogService[];
  endpoints: readonly CatalogEndpoint[];
  /** The endpoints that are associated with the project (OS-EP-FILTER); undefined or none means all. */
  only?: ReadonlySet<string>;
}

/** A url cannot be filled in: unknown name, or a stray `%`. */
export class MalformedEndpoint extends Error {
  constructor(url: string) {
    super(`Malformed endpoint URL (${url}), see ERROR log for details.`);
    this.name = 'MalformedEndpoint';
  }
}

const substitution = /%\(([^()]*)\)s|%%|%/g;

/**
 * Fills in `%(project_id)s`, `%(tenant_id)s`, `%(user_id)s`, `%(public_endpoint)s` and the
 * same with `$(`; `%%` is a percent sign (keystone's `format_url`).
 * @returns undefined when the url needs a project and there is none
 * @throws MalformedEndpoint
 */
export function formatEndpointUrl(url: string, subject: CatalogSubject): string | undefined {
  const values: Record<string, string | undefined | null> = {
    project_id: subject.projectId,
    tenant_id: subject.projectId,
    user_id: subject.userId,
    public_endpoint: subject.publicEndpoint,
  };
  let needsProject = false;
  const filled = url.replaceAll('$(', '%(').replace(substitution, (found, name?: string) => {
    if (found === '%%') return '%';
    const value = name === undefined ? undefined : Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === null) needsProject = true;
    else if (value === undefined) throw new MalformedEndpoint(url);
    return value ?? '';
  });
  return needsProject ? undefined : filled;
}

/** Whether an endpoint's url can be filled in: with these names only, and with no stray `%`. */
export function isEndpointUrl(url: string): boolean {
  try {
    // `compute_host` was once filled in and is taken still; such endpoints are in no catalog (keystone's whitelist).
    const known = url.replaceAll(/[%$]\(compute_host\)s/g, '');
    formatEndpointUrl(known, { projectId: '', userId: '', publicEndpoint: '' });
    return true;
  } catch (error) {
    if (error instanceof MalformedEndpoint) return false;
    throw error;
  }
}

/**
 * The catalog of a v3 token: enabled services and endpoints, urls filled in, in a fixed order. A service without
 * endpoints stays in it, as upstream's, unless endpoints are filtered. Malformed endpoints are left out.
 */
export function buildCatalog(rows: CatalogRows, subject: CatalogSubject): CatalogEntry[] {
  const filter = rows.only?.size ? rows.only : undefined;
  const byService = Map.groupBy(
    rows.endpoints.filter((endpoint) => endpoint.enabled && (!filter || filter.has(endpoint.id))),
    (endpoint) => endpoint.service_id,
  );
  return rows.services
    .filter((service) => service.enabled)
    .map((service) => ({
      id: service.id,
      type: service.type,
      name: service.name ?? '',
      endpoints: (byService.get(service.id) ?? [])
        .flatMap((endpoint) => toCatalogEndpoint(endpoint, subject))
        .sort(by((endpoint) => [endpoint.region ?? '', endpoint.interface, endpoint.id])),
    }))
    .filter((entry) => !filter || entry.endpoints.length > 0)
    .sort(by((entry) => [entry.type, entry.name, entry.id]));
}

function toCatalogEndpoint(endpoint: CatalogEndpoint, subject: CatalogSubject): CatalogEntry['endpoints'] {
  try {
    const url = formatEndpointUrl(endpoint.url, subject);
    if (!url) return [];
    const region = endpoint.region_id;
    return [
      { ...endpoint.extra, id: endpoint.id, interface: endpoint.interface, region_id: region, region, url },
    ];
  } catch (error) {
    if (error instanceof MalformedEndpoint) return [];
    throw error;
  }
}

function by<T>(keys: (item: T) => readonly string[]): (a: T, b: T) => number {
  return (a, b) => {
    const theirs = keys(b);
    for (const [index, mine] of keys(a).entries()) {
      const other = theirs[index] ?? '';
      if (mine !== other) return mine < other ? -1 : 1;
    }
    return 0;
  };
}
