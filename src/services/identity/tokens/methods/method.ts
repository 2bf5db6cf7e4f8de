import type { IncomingHttpHeaders } from 'node:http';
import type { Static, TSchema } from 'typebox';
import type { Unauthorized } from '../../../../platform/errors/errors.ts';
import type { Authority } from '../../model/authority.ts';
import type { Scope } from '../../model/scope.ts';
import type { ValidToken } from '../tokens.ts';

/** What a method has proved of who asks. */
export interface Proof {
  userId: string;
  /** Methods that count beside this one: those of the token that was shown. */
  methods?: readonly string[];
  /** The token that was shown: the new one never outlives it. */
  parent?: ValidToken;
  /** What the new token stands on beside the user's own word. */
  authority?: Authority;
  /** What the new token is for, where the authority settles it; the request's scope is not asked then. */
  scope?: Scope;
}

/** The request that a proof is part of. */
export interface ProofRequest {
  method: string;
  /** The whole URL, as OAuth signs it. */
  url: string;
  headers: IncomingHttpHeaders;
  /** `auth.scope` as it was given. */
  scope: unknown;
  /** The 401 that every refusal is; a message only where it tells nothing about who exists. */
  refused(message?: string): Unauthorized;
}

/** One way to say who one is: a file in this folder for each. */
export interface AuthMethod<S extends TSchema = TSchema> {
  /** As in `auth.identity.methods`, and the name of its part of the request. */
  name: string;
  schema: S;
  /** @throws Unauthorized `request.refused()` for whatever does not prove it; BadRequest for a malformed part */
  prove(part: Static<S>, request: ProofRequest): Promise<Proof>;
}

/** Makes the types of schema and proof agree. */
export const authMethod = <S extends TSchema>(method: AuthMethod<S>): AuthMethod =>
  method as unknown as AuthMethod;
