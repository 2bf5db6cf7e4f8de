import { repository } from '../../../platform/store/repository.ts';
import { ConcurrentUpdate } from '../model/refusals.ts';
import { nextChange } from './changes.ts';
import { advance, findProviders, getProvider, touch } from './resource-providers.ts';
import { type PlacementStore, type ProviderRow, providerAggregates } from './tables.ts';

export async function aggregatesOf(store: PlacementStore, uuid: string): Promise<string[]> {
  const rows = await repository(store, providerAggregates).list({
    where: [{ column: 'provider_uuid', op: 'eq', value: uuid }],
  });
  return rows.map((row) => row.aggregate_uuid);
}

/**
 * Puts a provider into exactly these aggregates.
 *
 * @param seen the generation that the caller knows, which counts up then; absent: it is not looked at and stays, as in
 *   microversions below 1.19
 * @throws UnknownProvider, ConcurrentUpdate
 */
export function setAggregates(
  store: PlacementStore,
  uuid: string,
  wanted: readonly string[],
  seen?: number,
): Promise<ProviderRow> {
  return store.transaction(async () => {
    const change = await nextChange(store);
    const provider = await getProvider(store, uuid);
    if (seen !== undefined && provider.generation !== seen) {
      throw new ConcurrentUpdate(
        "Resource provider's generation already changed. Please update the generation and try again.",
      );
    }
    await replaceAggregates(store, provider, wanted);
    if (seen !== undefined) return advance(store, provider, change);
    await touch(store, [uuid], change);
    return provider;
  });
}

/** Inside a transaction. @returns whether anything was changed */
export async function replaceAggregates(
  store: PlacementStore,
  { uuid }: ProviderRow,
  wanted: readonly string[],
): Promise<boolean> {
  const present = new Set(await aggregatesOf(store, uuid));
  const added = [...new Set(wanted)].filter((aggregate) => !present.has(aggregate));
  const gone = [...present].filter((aggregate) => !wanted.includes(aggregate));
  const rows = repository(store, providerAggregates);
  if (gone.length > 0) await rows.delete({ provider_uuid: uuid, aggregate_uuid: gone });
  if (added.length > 0)
    await rows.insert(added.map((aggregate) => ({ provider_uuid: uuid, aggregate_uuid: aggregate })));
  return added.length > 0 || gone.length > 0;
}

/** The aggregates of many providers; those that are not there are left out. */
export async function aggregatesOfAll(
  store: PlacementStore,
  uuids: readonly string[],
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  if (uuids.length === 0) return found;
  for (const uuid of (await findProviders(store, uuids)).keys()) found[uuid] = [];
  const rows = await repository(store, providerAggregates).list({
    where: [{ column: 'provider_uuid', op: 'in', value: uuids }],
  });
  for (const row of rows) found[row.provider_uuid]?.push(row.aggregate_uuid);
  return found;
}

/** Puts a provider into aggregates and out of others; its generation counts up when that changed anything. */
export function changeAggregates(
  store: PlacementStore,
  { provider, add, remove }: { provider: string; add: readonly string[]; remove: readonly string[] },
): Promise<void> {
  return store.transaction(async () => {
    const change = await nextChange(store);
    const row = await getProvider(store, provider);
    const out = new Set(remove);
    const kept = (await aggregatesOf(store, provider)).filter((aggregate) => !out.has(aggregate));
    if (await replaceAggregates(store, row, [...kept, ...add])) await advance(store, row, change);
  });
}
