import type { Store } from '../../../platform/store/store.ts';
import type { LimitsAnswer, LimitsRequest } from '../contract.ts';
import { type EffectiveLimit, type EnforcementModel, effectiveLimits } from '../model/limits.ts';
import type { Changes } from './changes.ts';
import type { Directory } from './directory.ts';
import { Memory } from './memory.ts';
import type { IdentityTables } from './schema.ts';

/** The limits that hold for projects, remembered until something is written: other services ask for them often. */
export class Limits {
  readonly model: EnforcementModel;
  readonly #store: Store<IdentityTables>;
  readonly #directory: Directory;
  readonly #known: Memory<ReadonlyMap<string, EffectiveLimit>>;
  readonly #trees: Memory<string[]>;

  constructor(
    store: Store<IdentityTables>,
    changes: Changes,
    directory: Directory,
    options: { model: EnforcementModel },
  ) {
    this.model = options.model;
    this.#store = store;
    this.#directory = directory;
    this.#known = new Memory(changes);
    this.#trees = new Memory(changes, 1000);
  }

  /** @throws Error where projects stand deeper than the model can have them; keystone does not start then either */
  async assertDepth(): Promise<void> {
    if (this.model === 'flat') return;
    const deep = await this.#store.db
      .selectFrom('projects as below')
      .innerJoin('projects as above', 'above.id', 'below.parent_id')
      .select('below.id')
      .where('above.is_domain', '=', false)
      .executeTakeFirst();
    if (deep) {
      throw new Error(
        `project ${deep.id} is below another, which the model ${this.model} of limits does not allow: set enforcement_model to flat`,
      );
    }
  }

  /** What other services ask over the bus. */
  async of(request: LimitsRequest): Promise<LimitsAnswer> {
    const known = await this.#known.get(keyOf(request), () => this.#load(request));
    const answer: LimitsAnswer = { model: this.model, limits: {} };
    for (const name of request.names) {
      const found = known.get(name);
      const tree = found?.tree;
      answer.limits[name] = !found
        ? null
        : {
            limit: found.limit,
            ...(tree ? { tree: { ...tree, projectIds: await this.#tree(tree.domainId) } } : {}),
          };
    }
    return answer;
  }

  async #load(request: LimitsRequest): Promise<ReadonlyMap<string, EffectiveLimit>> {
    const { projectId, region } = request;
    const { services } = await this.#directory.shared();
    const serviceIds =
      'serviceId' in request
        ? [request.serviceId]
        : services.filter((each) => each.type === request.serviceType).map((each) => each.id);
    if (serviceIds.length === 0) return new Map();
    const project = await this.#directory.project(projectId);
    const domainId = !project || project.is_domain ? projectId : project.domain_id;
    const { db } = this.#store;
    const [registered, own] = await Promise.all([
      db
        .selectFrom('registered_limits')
        .selectAll()
        .where('service_id', 'in', serviceIds)
        .orderBy('id')
        .execute(),
      db
        .selectFrom('limits')
        .selectAll()
        .where((where) => where.or([where('project_id', '=', projectId), where('domain_id', '=', domainId)]))
        .execute(),
    ]);
    return effectiveLimits(
      { registered, own },
      { projectId, domainId, model: this.model, ...(region === undefined ? {} : { region }) },
    );
  }

  /** A domain and all projects in it. */
  async #tree(domainId: string): Promise<string[]> {
    return this.#trees.get(domainId, async () => {
      const { db } = this.#store;
      const inside = await db.selectFrom('projects').select('id').where('domain_id', '=', domainId).execute();
      return [domainId, ...inside.map((row) => row.id)];
    });
  }
}

const keyOf = (request: LimitsRequest): string =>
  JSON.stringify([
    'serviceId' in request ? ['id', request.serviceId] : ['type', request.serviceType],
    request.region ?? null,
    request.projectId,
  ]);
