import { Type } from 'typebox';
import { nowMicros, parseIsoTime } from '../../model/timestamps.ts';
import type { ApplicationCredential, ApplicationCredentials } from '../../store/application-credentials.ts';
import type { Directory } from '../../store/directory.ts';
import { expecting } from '../expecting.ts';
import type { Hasher } from '../hasher.ts';
import { namedUser } from '../password.ts';
import { type AuthMethod, authMethod } from './method.ts';
import { NamedUser } from './named-user.ts';

interface Parts {
  directory: Directory;
  applicationCredentials: ApplicationCredentials;
  hasher: Hasher;
}

interface Asked {
  id?: string;
  name?: string;
  user?: { id?: string; name?: string; domain?: { id?: string; name?: string } };
}

/** `application_credential`: one by id, or by its name and its user, and its secret. It settles the scope. */
export const applicationCredentialMethod = (parts: Parts): AuthMethod =>
  authMethod({
    name: 'application_credential',
    schema: Type.Object({
      id: Type.Optional(Type.String()),
      name: Type.Optional(Type.String()),
      secret: Type.String(),
      user: Type.Optional(NamedUser),
    }),
    async prove(asked, { scope, refused }) {
      if (scope !== undefined) {
        throw refused(
          'Error authenticating with application credential: Application credentials cannot request a scope.',
        );
      }
      const found = await lookUp(parts, asked);
      // Costs the same whether there is such a credential.
      const right = await parts.hasher.verify(
        asked.secret,
        found?.secret_hash ?? (await parts.hasher.nobody()),
      );
      if (!found || !right) throw refused();
      if (found.expires_at !== null && parseIsoTime(found.expires_at) <= nowMicros()) throw refused();
      return {
        userId: found.user_id,
        authority: { kind: 'application-credential', applicationCredentialId: found.id },
        scope: { kind: 'project', projectId: found.project_id },
      };
    },
  });

async function lookUp(parts: Parts, asked: Asked): Promise<ApplicationCredential | undefined> {
  const { directory, applicationCredentials } = parts;
  const { id, name, user } = asked;
  if (id !== undefined) return applicationCredentials.get(id);
  if (name === undefined) throw expecting('name or ID', 'application credential');
  if (!user) throw expecting('user', 'application credential');
  if (user.id === undefined && !user.domain) throw expecting('domain', 'user');
  const owner = await namedUser(directory, user);
  return owner && applicationCredentials.named(owner.id, name);
}
