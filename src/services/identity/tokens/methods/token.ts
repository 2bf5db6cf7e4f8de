import { Type } from 'typebox';
import { Forbidden, NotFound } from '../../../../platform/errors/errors.ts';
import { isDelegated } from '../delegated.ts';
import { invalid, type Tokens, type ValidToken } from '../tokens.ts';
import { type AuthMethod, authMethod } from './method.ts';

const forbidden = (action: string): Forbidden =>
  new Forbidden(`You are not authorized to perform the requested action: ${action}.`);

/**
 * `token`: a token that is still good, for another scope. What a federated one stands on, the new one stands on too;
 * one that was delegated cannot be made into another.
 */
export const tokenMethod = (
  tokens: Tokens,
  settings: { readonly allow_rescope_scoped_token: boolean },
  onShown: (token: ValidToken) => void,
): AuthMethod =>
  authMethod({
    name: 'token',
    schema: Type.Object({ id: Type.String() }),
    async prove({ id }, { scope }) {
      const parent = await tokens.validate(id);
      if (!parent) throw new NotFound(invalid);
      const { user, authority, system, project, domain } = parent.subject;
      const { methods } = parent;
      if (authority?.kind === 'trust') {
        throw forbidden(
          'Using trust-scoped token to create another token. Create a new trust-scoped token instead',
        );
      }
      if (isDelegated({ methods }))
        throw forbidden('Using a delegated token to create another token is not allowed');
      const asked = typeof scope === 'object' && scope !== null ? scope : {};
      if (system && ('project' in asked || 'domain' in asked)) {
        throw forbidden(
          'Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed',
        );
      }
      if (!settings.allow_rescope_scoped_token && (project || domain))
        throw forbidden('rescope a scoped token');
      onShown(parent);
      return { userId: user.id, methods, parent, ...(authority ? { authority } : {}) };
    },
  });
