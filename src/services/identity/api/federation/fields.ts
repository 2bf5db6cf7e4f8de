import { Type } from 'typebox';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import type { Call } from '../../../../platform/http/call.ts';
import { resourcesIn } from '../../../../platform/resource/resource.ts';
import type { Identity } from '../../identity.ts';
import { identityStyle, notFound } from '../style.ts';

/** Ids in federation are words that the client chooses. */
export const FederationId = Type.String({ minLength: 1, maxLength: 64 });
export const FederationUrl = Type.String({ maxLength: 225, pattern: '^[a-zA-Z0-9+.-]+:.+' });

/** The id in a path, for what is made by it. @throws BadRequest where it is too long to be one */
export function federationId(call: Call, param = 'id'): string {
  const id = call.params[param] ?? '';
  if (id.length === 0 || id.length > 64) {
    throw new BadRequest(`Invalid input for field '${param}': must be of 1 to 64 characters`);
  }
  return id;
}

/** Resources as identity has them, but for properties that are unknown: federation refuses them. */
export const federationResource = (identity: Identity): ReturnType<typeof resourcesIn> =>
  resourcesIn(
    {
      ...identityStyle,
      unknownProperties: 'refuse',
      notFound: ({ one }, id) => notFound(one.replaceAll('_', ' ').replaceAll(/\b\w/g, upperCase), id),
    },
    identity.atomically,
  );
const upperCase = (letter: string): string => letter.toUpperCase();

/** @throws BadRequest for an update that changes nothing */
export function assertSomething(given: object): void {
  if (Object.keys(given).length === 0) throw new BadRequest('{} does not have enough properties');
}
