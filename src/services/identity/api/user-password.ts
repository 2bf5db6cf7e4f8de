import { Type } from 'typebox';
import { Unauthorized } from '../../../platform/errors/errors.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { countedRows } from '../store/changes.ts';
import { users } from '../store/tables.ts';

const PasswordChange = Type.Object({
  user: Type.Object(
    { original_password: Type.String(), password: Type.String({ minLength: 1 }) },
    { additionalProperties: false },
  ),
});

/** Changing one's own password. */
export function userPasswordRoutes(identity: Identity): Route[] {
  const { store, changes, directory, elsewhere, passwords } = identity;
  const rows = countedRows(store, users, changes);
  return [
    route({
      method: 'POST',
      path: '/v3/users/:id/password',
      summary: 'Change one’s own password',
      // Who knows the old password may, token or not, as upstream: it may be that only the password has run out.
      public: true,
      body: PasswordChange,
      async handler(call) {
        const { original_password, password } = call.body.user;
        const id = call.params['id'] as string;
        const checked = await passwords.check({ id }, original_password);
        if (!checked.right) throw new Unauthorized();
        if (elsewhere && (await directory.isElsewhere(id))) {
          await elsewhere.setPassword(id, password);
          await identity.atomically(() => identity.revocations.revoke({ userId: id }));
          return;
        }
        const chosen = await passwords.chosen(checked.user, password);
        await identity.atomically(async () => {
          await passwords.retire(id);
          await rows.update([{ column: 'id', op: 'eq', value: id }], chosen);
          await identity.revocations.revoke({ userId: id });
        });
      },
    }),
  ];
}
