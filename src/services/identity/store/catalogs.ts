import type { Store } from '../../../platform/store/store.ts';
import type { CatalogRows } from '../model/catalog.ts';
import { endpointsOfProject } from '../model/endpoint-filter.ts';
import type { Changes } from './changes.ts';
import type { Directory } from './directory.ts';
import { Memory } from './memory.ts';
import type { IdentityTables } from './schema.ts';
import type { EndpointRow } from './tables.ts';

/** What the catalogs of tokens are made of, remembered for each project until something is written. */
export class Catalogs {
  readonly #store: Store<IdentityTables>;
  readonly #directory: Directory;
  readonly #allIfNoFilter: boolean;
  readonly #ofProjects: Memory<EndpointRow[]>;

  /** @param options.allIfNoFilter keystone's `[endpoint_filter] return_all_endpoints_if_no_filter` */
  constructor(
    store: Store<IdentityTables>,
    changes: Changes,
    directory: Directory,
    options: { allIfNoFilter: boolean },
  ) {
    this.#store = store;
    this.#directory = directory;
    this.#allIfNoFilter = options.allIfNoFilter;
    this.#ofProjects = new Memory(changes);
  }

  /** @param projectId of the token; none for tokens of domains and of the system */
  async rowsFor(projectId?: string): Promise<CatalogRows> {
    const { services, endpoints } = await this.#directory.shared();
    const own = projectId === undefined ? [] : await this.endpointsOf(projectId);
    if (own.length > 0) return { services, endpoints, only: new Set(own.map((each) => each.id)) };
    return this.#allIfNoFilter ? { services, endpoints } : { services: [], endpoints: [] };
  }

  /** The endpoints that a project is associated with, by themselves or by a group (OS-EP-FILTER). */
  async endpointsOf(projectId: string): Promise<readonly EndpointRow[]> {
    return this.#ofProjects.get(projectId, async () => {
      const { db } = this.#store;
      const [own, groups, { endpoints }] = await Promise.all([
        db
          .selectFrom('project_endpoints')
          .select('endpoint_id')
          .where('project_id', '=', projectId)
          .execute(),
        db
          .selectFrom('project_endpoint_groups')
          .innerJoin('endpoint_groups', 'endpoint_groups.id', 'project_endpoint_groups.endpoint_group_id')
          .select('filters')
          .where('project_id', '=', projectId)
          .execute(),
        this.#directory.shared(),
      ]);
      return endpointsOfProject(
        endpoints,
        new Set(own.map((row) => row.endpoint_id)),
        groups.map((row) => row.filters),
      );
    });
  }
}
