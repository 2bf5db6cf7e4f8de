import type { Credentials } from '../../../platform/auth/credentials.ts';

/** Methods by which a user himself says who he is. What is not among them was delegated, also what is yet to come. */
const ownMethods = new Set([
  'external',
  'kerberos',
  'mapped',
  'openid',
  'password',
  'saml2',
  'token',
  'totp',
  'x509',
]);

/**
 * Whether a token was given on the strength of something that a user has handed out: such a token may not be made
 * into another, nor into anything that outlives it.
 */
export const isDelegated = ({ methods, trustId }: Pick<Credentials, 'methods' | 'trustId'>): boolean =>
  trustId !== undefined || methods.length === 0 || methods.some((method) => !ownMethods.has(method));
