import type { Credentials } from './credentials.ts';

/**
 * Whether the caller's access rules, if his token has any, let this request through. A request that comes with a
 * service's token as well is one of a chain that began elsewhere, and was checked there.
 *
 * @param request.path as the client sent it, without the query
 * @see keystonemiddleware's auth_token
 */
export function accessRulesAllow(
  credentials: Pick<Credentials, 'accessRules' | 'serviceRoles'>,
  request: { service: string; method: string; path: string },
): boolean {
  const { accessRules, serviceRoles } = credentials;
  if (accessRules === undefined || serviceRoles.length > 0) return true;
  // A token can always be validated.
  if (request.service === 'identity' && request.method === 'GET' && request.path.endsWith('/v3/auth/tokens'))
    return true;
  return accessRules.some(
    ({ service, method, path }) =>
      service === request.service && method === request.method && pathMatches(path, request.path),
  );
}

type Step = { literal: string } | 'segment' | 'anything';

/**
 * Whether a path is one that a pattern means: `*` and `{name}` stand for one or more characters of one segment, `**`
 * for anything. Takes time in proportion to both lengths, whatever the pattern: users write them.
 */
export function pathMatches(pattern: string, path: string): boolean {
  const steps = stepsOf(pattern);
  // The places in the pattern where a match may stand, after each character of the path.
  let places = new Set<number>();
  const enter = (set: Set<number>, place: number) => {
    for (let at = place; ; at++) {
      set.add(at);
      if (steps[at] !== 'anything') return;
    }
  };
  enter(places, 0);
  for (const character of path) {
    const next = new Set<number>();
    for (const place of places) {
      const step = steps[place];
      if (step === undefined) continue;
      if (step === 'anything') enter(next, place);
      else if (step === 'segment') {
        if (character === '/') continue;
        next.add(place);
        enter(next, place + 1);
      } else if (step.literal === character) enter(next, place + 1);
    }
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(steps.length);
}

function stepsOf(pattern: string): Step[] {
  const tokens = pattern.matchAll(/(?<segment>\{[^}]*\}|\*(?!\*))|(?<anything>\*\*)|(?<literal>[^{}*])/gu);
  return [...tokens].map(({ groups }) =>
    groups?.['segment']
      ? 'segment'
      : groups?.['anything']
        ? 'anything'
        : { literal: groups?.['literal'] ?? '' },
  );
}
