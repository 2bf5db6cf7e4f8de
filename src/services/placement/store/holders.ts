import { repository } from '../../../platform/store/repository.ts';
import type { Holder } from '../contract.ts';
import { allocations, type PlacementStore } from './tables.ts';

const page = 1000;

/** Consumers with all that they hold, by uuid. @param after the last one of the page before */
export async function holders(store: PlacementStore, after: string | undefined): Promise<Holder[]> {
  const rows = await store.db
    .selectFrom('consumers')
    .selectAll()
    .$if(after !== undefined, (query) => query.where('uuid', '>', after ?? ''))
    .orderBy('uuid')
    .limit(page)
    .execute();
  const byConsumer = new Map(
    rows.map((row): [string, Holder] => [
      row.uuid,
      {
        consumer: row.uuid,
        consumerType: row.consumer_type,
        projectId: row.project_id,
        userId: row.user_id,
        allocations: {},
      },
    ]),
  );
  if (rows.length === 0) return [];
  const held = await repository(store, allocations).list({
    where: [{ column: 'consumer_uuid', op: 'in', value: [...byConsumer.keys()] }],
  });
  for (const { consumer_uuid, provider_uuid, resource_class, used } of held) {
    const holder = byConsumer.get(consumer_uuid);
    if (holder) (holder.allocations[provider_uuid] ??= {})[resource_class] = used;
  }
  return [...byConsumer.values()];
}
