import { Type } from 'typebox';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import { expecting } from '../expecting.ts';
import { expiredMessage, type Passwords } from '../password.ts';
import { type AuthMethod, authMethod } from './method.ts';
import { NamedUser } from './named-user.ts';

/** `password`: a user by id, or by name and domain, and his password. */
export const passwordMethod = (passwords: Passwords): AuthMethod =>
  authMethod({
    name: 'password',
    schema: Type.Object({
      user: Type.Object({
        ...NamedUser.properties,
        password: Type.Optional(Type.Union([Type.Null(), Type.String()])),
      }),
    }),
    async prove({ user }, { refused }) {
      if (user.id === undefined && user.name === undefined)
        throw new BadRequest('Invalid input for field identity/password/user: id or name must be present.');
      if (user.id === undefined && !user.domain) throw expecting('domain', 'user');
      if (typeof user.password !== 'string') throw refused();
      const checked = await passwords.check(user, user.password);
      if (!checked.right) throw refused();
      if (checked.expired) throw refused(expiredMessage(checked.user.id));
      return { userId: checked.user.id };
    },
  });
