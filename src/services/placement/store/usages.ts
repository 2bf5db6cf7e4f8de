import type { PlacementStore } from './tables.ts';

/** What is allocated from a provider, by resource class: 0 for an inventory that nobody uses. */
export async function providerUsages(store: PlacementStore, uuid: string): Promise<Record<string, number>> {
  const inventories = await store.db
    .selectFrom('inventories')
    .select('resource_class')
    .where('provider_uuid', '=', uuid)
    .execute();
  const rows = await store.db
    .selectFrom('allocations')
    .select(({ fn }) => ['resource_class', fn.sum('used').as('sum')])
    .where('provider_uuid', '=', uuid)
    .groupBy('resource_class')
    .execute();
  const used = new Map(rows.map((row) => [row.resource_class, Number(row.sum)]));
  return Object.fromEntries(
    inventories.map(({ resource_class }) => [resource_class, used.get(resource_class) ?? 0]),
  );
}

export interface ConsumerUsages {
  consumers: number;
  /** By resource class. */
  sums: Record<string, number>;
}

/** What a project's (and user's) consumers hold, in all and by their type; `unknown` for those without one. */
export async function projectUsages(
  store: PlacementStore,
  projectId: string,
  userId: string | undefined,
): Promise<{ all: ConsumerUsages; byType: Map<string, ConsumerUsages> }> {
  const sums = await store.db
    .selectFrom('allocations')
    .innerJoin('consumers', 'consumers.uuid', 'allocations.consumer_uuid')
    .select(({ fn }) => [
      'consumers.consumer_type',
      'allocations.resource_class',
      fn.sum('allocations.used').as('sum'),
    ])
    .where('consumers.project_id', '=', projectId)
    .$if(userId !== undefined, (query) => query.where('consumers.user_id', '=', userId ?? ''))
    .groupBy(['consumers.consumer_type', 'allocations.resource_class'])
    .execute();
  // A consumer is there only while it holds something.
  const counts = await store.db
    .selectFrom('consumers')
    .select(({ fn }) => ['consumer_type', fn.countAll().as('consumers')])
    .where('project_id', '=', projectId)
    .$if(userId !== undefined, (query) => query.where('user_id', '=', userId ?? ''))
    .groupBy('consumer_type')
    .execute();
  const all: ConsumerUsages = { consumers: 0, sums: {} };
  const byType = new Map<string, ConsumerUsages>();
  for (const row of counts) {
    byType.set(row.consumer_type ?? 'unknown', { consumers: Number(row.consumers), sums: {} });
    all.consumers += Number(row.consumers);
  }
  for (const row of sums) {
    const group = byType.get(row.consumer_type ?? 'unknown');
    if (group) group.sums[row.resource_class] = Number(row.sum);
    all.sums[row.resource_class] = (all.sums[row.resource_class] ?? 0) + Number(row.sum);
  }
  return { all, byType };
}
