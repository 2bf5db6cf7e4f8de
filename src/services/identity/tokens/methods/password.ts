import { Type } from 'typebox';
import type { PasswordOptions } from '../../model/password.ts';
import type { Directory } from '../../store/directory.ts';
import { expecting } from '../expecting.ts';
import { checkPassword } from '../password.ts';
import { type AuthMethod, authMethod } from './method.ts';
import { NamedUser } from './named-user.ts';

/** `password`: a user by id, or by name and domain, and his password. */
export const passwordMethod = (directory: Directory, options: PasswordOptions): AuthMethod =>
  authMethod({
    name: 'password',
    schema: Type.Object({
      user: Type.Object({
        ...NamedUser.properties,
        password: Type.Optional(Type.Union([Type.Null(), Type.String()])),
      }),
    }),
    async prove({ user }, { refused }) {
      if (user.id === undefined && user.name === undefined) throw expecting('id or name', 'user');
      if (user.id === undefined && !user.domain) throw expecting('domain', 'user');
      if (typeof user.password !== 'string') throw refused();
      const found = await checkPassword(directory, user, user.password, options);
      if (!found) throw refused();
      return { userId: found.id };
    },
  });
