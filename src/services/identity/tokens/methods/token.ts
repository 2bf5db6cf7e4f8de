import { Type } from 'typebox';
import { NotFound } from '../../../../platform/errors/errors.ts';
import { invalid, type Tokens } from '../tokens.ts';
import { type AuthMethod, authMethod } from './method.ts';

/** `token`: a token that is still good, for another scope. What it stands on, the new one stands on too. */
export const tokenMethod = (tokens: Tokens): AuthMethod =>
  authMethod({
    name: 'token',
    schema: Type.Object({ id: Type.String() }),
    async prove({ id }) {
      const parent = await tokens.validate(id);
      if (!parent) throw new NotFound(invalid);
      const { user, authority } = parent.subject;
      return { userId: user.id, methods: parent.methods, parent, ...(authority ? { authority } : {}) };
    },
  });
