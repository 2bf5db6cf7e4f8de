import { Type } from 'typebox';
import { sameSecret } from '../../../../platform/auth/same-secret.ts';
import { totpPasscodes } from '../../model/totp.ts';
import type { CredentialStore } from '../../store/credentials.ts';
import type { Directory } from '../../store/directory.ts';
import { expecting } from '../expecting.ts';
import { namedUser } from '../password.ts';
import { type AuthMethod, authMethod } from './method.ts';
import { NamedUser } from './named-user.ts';

interface Parts {
  directory: Directory;
  credentials: CredentialStore;
  settings: { readonly totp_included_previous_windows: number };
}

/** `totp`: a user, and the passcode that one of his credentials of type `totp` has now. */
export const totpMethod = ({ directory, credentials, settings }: Parts): AuthMethod =>
  authMethod({
    name: 'totp',
    schema: Type.Object({
      user: Type.Object({ ...NamedUser.properties, passcode: Type.Optional(Type.String({ maxLength: 64 })) }),
    }),
    async prove({ user }, { refused }) {
      if (user.id === undefined && user.name === undefined) throw expecting('id or name', 'user');
      if (user.id === undefined && !user.domain) throw expecting('domain', 'user');
      const found = await namedUser(directory, user);
      const given = user.passcode;
      if (!found?.enabled || given === undefined) throw refused();
      const seeds = await credentials.list({ user_id: found.id, type: 'totp' });
      const now = Date.now() / 1000;
      const right = seeds
        .flatMap(({ blob }) => passcodes(blob, now, settings.totp_included_previous_windows))
        .filter((passcode) => sameSecret(passcode, given));
      if (right.length === 0) throw refused();
      return { userId: found.id };
    },
  });

/** None where the secret is not base32: users may keep what they like. */
function passcodes(secret: string, now: number, previous: number): string[] {
  try {
    return totpPasscodes(secret, now, previous);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}
