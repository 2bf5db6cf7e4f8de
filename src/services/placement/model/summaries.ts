import { Bitset } from './bitset.ts';
import { capacityOf } from './capacity.ts';
import type { AllocationCandidate } from './pattern.ts';
import type { Provider, ProviderIndex } from './providers.ts';

export interface ProviderSummary {
  provider: Provider;
  /** by resource class: all of the provider's, whatever was asked (microversions below 1.27 show fewer) */
  resources: Map<string, { capacity: number; used: number }>;
}

/**
 * Every provider of the trees that the candidates take from; below microversion 1.29 (`nested: false`) only the
 * providers that they take from.
 */
export function summarizedProviders(
  index: ProviderIndex,
  candidates: Iterable<AllocationCandidate>,
  options: { nested: boolean } = { nested: true },
): Provider[] {
  const found: Provider[] = [];
  const seen = new Bitset();
  for (const { providers, pattern } of candidates) {
    for (const place of pattern.sources) {
      const provider = providers[place];
      const known = options.nested ? provider?.root : provider;
      if (!known || seen.has(known.ordinal)) continue;
      seen.add(known.ordinal);
      if (options.nested) for (const one of index.tree(known)) found.push(one);
      else found.push(known);
    }
  }
  return found;
}

/** What a provider has and what of it is used, by resource class. */
export function resourcesOf(provider: Provider): ProviderSummary['resources'] {
  return new Map(
    [...provider.inventories].map(([resourceClass, inventory]) => [
      resourceClass,
      { capacity: capacityOf(inventory), used: provider.usages.get(resourceClass) ?? 0 },
    ]),
  );
}

/** Summaries of `summarizedProviders`. */
export function summarizeProviders(
  index: ProviderIndex,
  candidates: Iterable<AllocationCandidate>,
  options: { nested: boolean } = { nested: true },
): ProviderSummary[] {
  return summarizedProviders(index, candidates, options).map((provider) => ({
    provider,
    resources: resourcesOf(provider),
  }));
}
