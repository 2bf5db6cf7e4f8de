import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { ConcurrentUpdate, UnknownTrait } from '../model/refusals.ts';
import { standardTraits } from '../model/standard-traits.ts';
import { nextChange } from './changes.ts';
import { advance, getProvider } from './resource-providers.ts';
import { type PlacementStore, type ProviderRow, providerTraits, traits } from './tables.ts';

/** A trait; the standard ones have no time. */
export interface Trait {
  name: string;
  createdAt: string | undefined;
}

/** Standard ones first, then custom ones as they were made. */
export async function listTraits(store: PlacementStore): Promise<Trait[]> {
  const rows = await repository(store, traits).list({
    sort: [{ column: 'created_at', direction: 'asc' }],
  });
  return [
    ...[...standardTraits()].map((name) => ({ name, createdAt: undefined })),
    ...rows.map((row) => ({ name: row.name, createdAt: row.created_at })),
  ];
}

/** @throws UnknownTrait */
export async function getTrait(store: PlacementStore, name: string): Promise<Trait> {
  if (standardTraits().has(name)) return { name, createdAt: undefined };
  const row = await repository(store, traits).get(name);
  if (!row) throw new UnknownTrait([name]);
  return { name, createdAt: row.created_at };
}

/** @returns whether it is new */
export function ensureTrait(store: PlacementStore, name: string): Promise<boolean> {
  return store.transaction(async () => {
    const rows = repository(store, traits);
    if (standardTraits().has(name) || (await rows.get(name))) return false;
    await nextChange(store, 'names');
    await rows.insert({ name, created_at: timestamp() });
    return true;
  });
}

/** @throws UnknownTrait; BadRequest for a standard one; Conflict while a provider has it */
export function deleteTrait(store: PlacementStore, name: string): Promise<void> {
  return store.transaction(async () => {
    await nextChange(store, 'names');
    await getTrait(store, name);
    if (standardTraits().has(name)) throw new BadRequest(`Cannot delete standard trait ${name}.`);
    if (await repository(store, providerTraits).find({ trait: name }))
      throw new Conflict(`The trait ${name} is in use by a resource provider.`);
    await repository(store, traits).delete({ name });
  });
}

/** Names of traits that a provider has. */
export async function associatedTraits(store: PlacementStore): Promise<Set<string>> {
  const rows = await store.db.selectFrom('provider_traits').select('trait').distinct().execute();
  return new Set(rows.map((row) => row.trait));
}

export async function traitsOf(store: PlacementStore, uuid: string): Promise<string[]> {
  const rows = await repository(store, providerTraits).list({
    where: [{ column: 'provider_uuid', op: 'eq', value: uuid }],
  });
  return rows.map((row) => row.trait);
}

/**
 * Gives a provider exactly these traits; the generation counts up only where that changes something.
 *
 * @param seen the generation that the caller knows; absent: whatever it is
 * @throws UnknownProvider, ConcurrentUpdate, UnknownTrait
 */
export function setTraits(
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
    await assertTraits(store, wanted);
    return replaceTraits(store, provider, wanted, change);
  });
}

/** The same inside a transaction whose change is numbered already. */
export async function replaceTraits(
  store: PlacementStore,
  provider: ProviderRow,
  wanted: readonly string[],
  change: number,
): Promise<ProviderRow> {
  const { uuid } = provider;
  const present = new Set(await traitsOf(store, uuid));
  const added = [...new Set(wanted)].filter((trait) => !present.has(trait));
  const gone = [...present].filter((trait) => !wanted.includes(trait));
  if (added.length === 0 && gone.length === 0) return provider;
  const rows = repository(store, providerTraits);
  if (gone.length > 0) await rows.delete({ provider_uuid: uuid, trait: gone });
  if (added.length > 0) await rows.insert(added.map((trait) => ({ provider_uuid: uuid, trait })));
  return advance(store, provider, change);
}

async function assertTraits(store: PlacementStore, names: readonly string[]): Promise<void> {
  const custom = names.filter((name) => !standardTraits().has(name));
  if (custom.length === 0) return;
  const rows = await repository(store, traits).list({
    where: [{ column: 'name', op: 'in', value: custom }],
  });
  const known = new Set(rows.map((row) => row.name));
  const missing = custom.filter((name) => !known.has(name));
  if (missing.length > 0) throw new UnknownTrait(missing);
}
