import type { Ask, Part } from './asks.ts';
import type { Provider } from './providers.ts';

/**
 * What can be told of asks before their providers are combined. Without it, twelve groups that eleven functions are to
 * serve are tried in forty million ways before the answer is none; and one group that only the first of twelve can
 * serve is found to have been left out forty million times.
 */

/** An ask that is not met yet, and who could meet it. */
export interface OpenAsk {
  ask: Ask;
  providers: readonly Provider[];
}

/**
 * Whether asks are not too many or too much for their providers, as far as counts and sums can tell.
 *
 * @param left how much a provider has for a part, beside what is taken from it already
 */
export function isEnough(
  open: readonly OpenAsk[],
  left: (part: Part, provider: Provider) => number,
): boolean {
  const isolated = open.filter(({ ask }) => ask.isolated);
  if (!canBePlaced(isolated, () => 1)) return false;
  const wants = open.flatMap(({ ask, providers }) => ask.parts.map((part) => ({ part, providers })));
  for (const same of Map.groupBy(wants, ({ part }) => part.stock).values()) {
    const [first] = same;
    if (!first || same.length === 1) continue;
    const room = (provider: Provider) => left(first.part, provider);
    // A provider has room for no more of those that ask for so much or more than if each asked for just that.
    for (const amount of new Set(same.map(({ part }) => part.amount))) {
      const large = same.filter(({ part }) => part.amount >= amount);
      if (!canBePlaced(large, (provider) => Math.floor(room(provider) / amount))) return false;
    }
    let sum = 0;
    for (const { part } of same) sum += part.amount;
    for (const provider of new Set(same.flatMap(({ providers }) => providers))) sum -= room(provider);
    if (sum > 0) return false;
  }
  return true;
}

/** Whether each ask can have a place with one of its providers: a matching, grown one ask at a time (Kuhn). */
function canBePlaced(
  asks: readonly { providers: readonly Provider[] }[],
  places: (provider: Provider) => number,
): boolean {
  const guests = new Map<Provider, (typeof asks)[number][]>();
  const place = (ask: (typeof asks)[number], tried: Set<Provider>): boolean => {
    for (const provider of ask.providers) {
      if (tried.has(provider)) continue;
      tried.add(provider);
      const present = guests.get(provider) ?? [];
      if (present.length < places(provider)) {
        guests.set(provider, [...present, ask]);
        return true;
      }
      const moving = present.findIndex((guest) => place(guest, tried));
      if (moving < 0) continue;
      guests.set(provider, present.with(moving, ask));
      return true;
    }
    return false;
  };
  return asks.every((ask) => place(ask, new Set()));
}
