import { type Static, Type } from 'typebox';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Identity } from '../identity.ts';
import { displayNames } from '../store/federated-users.ts';
import { federatedUsers, federationProtocols, identityProviders } from '../store/tables/federation.ts';
import type { UserRow } from '../store/tables.ts';

const FederationId = Type.String({ minLength: 1, maxLength: 64 });

/** By what identity providers a user is known, and what they call him. */
export const Federated = Type.Array(
  Type.Object(
    {
      idp_id: FederationId,
      protocols: Type.Array(
        Type.Object(
          { protocol_id: FederationId, unique_id: Type.String({ minLength: 1, maxLength: 255 }) },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: 100 },
      ),
    },
    { additionalProperties: false },
  ),
  { maxItems: 100 },
);
export type Federated = Static<typeof Federated>;

export type FederatedUserRow = UserRow & { federated?: Federated };

/** Users by the names that their providers give them; one that is shown alone also with who knows him. */
export async function withFederated(
  { store }: Pick<Identity, 'store'>,
  page: readonly UserRow[],
  call: Call,
): Promise<FederatedUserRow[]> {
  const called = await displayNames(store, page);
  const named = page.map((row) => ({ ...row, name: called.get(row.id) ?? row.name }));
  if (call.params['id'] === undefined || named.length !== 1) return named;
  return Promise.all(
    named.map(async (row) => {
      const links = await repository(store, federatedUsers).list({
        where: [{ column: 'user_id', op: 'eq', value: row.id }],
        sort: [
          { column: 'identity_provider_id', direction: 'asc' },
          { column: 'protocol_id', direction: 'asc' },
        ],
      });
      if (links.length === 0) return row;
      const byProvider = Map.groupBy(links, (link) => link.identity_provider_id);
      const federated = [...byProvider].map(([idp_id, some]) => ({
        idp_id,
        protocols: some.map(({ protocol_id, unique_id }) => ({ protocol_id, unique_id })),
      }));
      return { ...row, federated };
    }),
  );
}

/**
 * Says by what providers a user is known from now on. Joins the caller's transaction.
 *
 * @throws BadRequest for a provider or protocol that is not there; Conflict where somebody else is called so
 */
export async function writeFederated(
  { store, changes }: Pick<Identity, 'store' | 'changes'>,
  user: Pick<UserRow, 'id' | 'name'>,
  federated: Federated | undefined,
): Promise<void> {
  if (federated === undefined) return;
  const links = repository(store, federatedUsers);
  const called = (await displayNames(store, [user])).get(user.id) ?? user.name;
  await links.delete({ user_id: user.id });
  for (const { idp_id, protocols } of federated) {
    if (!(await repository(store, identityProviders).find({ id: idp_id }))) {
      throw new BadRequest(`Could not find Identity Provider: ${idp_id}.`);
    }
    for (const { protocol_id, unique_id } of protocols) {
      const protocol = { identity_provider_id: idp_id, id: protocol_id };
      if (!(await repository(store, federationProtocols).find(protocol))) {
        throw new BadRequest(
          `Could not find federated protocol ${protocol_id} for Identity Provider: ${idp_id}.`,
        );
      }
      const key = { identity_provider_id: idp_id, protocol_id, unique_id };
      if (await links.find(key)) {
        throw new Conflict(
          'Conflict occurred attempting to store federated_user - Duplicate entry found with unique_id.',
        );
      }
      await links.insert({ ...key, user_id: user.id, display_name: called });
    }
  }
  changes.revoked();
}

const params = {
  idp_id: 'identity_provider_id',
  protocol_id: 'protocol_id',
  unique_id: 'unique_id',
} as const;

/** Filters of the list of users: by one and the same link to a provider, whichever of its parts are asked for. */
export function federatedFilters({
  store,
}: Pick<Identity, 'store'>): Record<string, (values: string[], call: Call) => Promise<Condition[]>> {
  async function linked(_values: string[], call: Call): Promise<Condition[]> {
    let select = store.db.selectFrom('federated_users').select('user_id');
    for (const [param, column] of Object.entries(params)) {
      const value = call.queryValue(param);
      if (value !== undefined) select = select.where(column, '=', value);
    }
    const rows = await select.limit(10_000).execute();
    return [{ column: 'id', op: 'in', value: [...new Set(rows.map((row) => row.user_id))] }];
  }
  return Object.fromEntries(Object.keys(params).map((param) => [param, linked]));
}
