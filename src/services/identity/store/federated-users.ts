import { createHash } from 'node:crypto';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import { batches } from './batches.ts';
import type { Changes } from './changes.ts';
import { removeActor } from './removal.ts';
import type { IdentityTables } from './schema.ts';
import { federatedUsers } from './tables/federation.ts';
import { type UserRow, users } from './tables.ts';

interface Stored {
  store: Store<IdentityTables>;
  changes: Changes;
}

/** A user as a provider has named him. */
export interface FederatedIdentity {
  identityProviderId: string;
  protocolId: string;
  uniqueId: string;
  name: string;
  domainId: string;
  email?: string;
}

/**
 * A user who is known by a provider alone. His name in `users` is his id, because there two users of a domain never
 * have one name, while providers may call two people the same; what he is called stands in `federated_users`.
 */
export const isShadow = (row: Pick<UserRow, 'id' | 'name'>): boolean => row.name === row.id;

/** Keystone's generated ids (`sha256`): the same person has the same id in every cloud that shares the domain's id. */
export const shadowId = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('')).digest('hex');

/**
 * The user whom a provider means, made when it means him for the first time. Joins the caller's transaction.
 *
 * A user is found by provider, protocol and unique id together, so that no provider can name another's users.
 */
export async function shadowUser(of: Stored, named: FederatedIdentity): Promise<string> {
  const { store, changes } = of;
  const links = repository(store, federatedUsers);
  const everybody = repository(store, users);
  const key = {
    identity_provider_id: named.identityProviderId,
    protocol_id: named.protocolId,
    unique_id: named.uniqueId,
  };
  const known = await links.find(key);
  if (known) {
    if (known.display_name !== named.name) {
      await links.update(key, { display_name: named.name });
      changes.revoked();
    }
    await writeEmail(of, known.user_id, named.email);
    return known.user_id;
  }
  const { domainId, uniqueId, identityProviderId, protocolId } = named;
  const usual = shadowId(domainId, 'user', uniqueId);
  // Somebody of another provider, or of another protocol, may be called the same there without being the same.
  const id = (await everybody.find({ id: usual }))
    ? shadowId(domainId, 'user', uniqueId, '\0', identityProviderId, '\0', protocolId)
    : usual;
  await everybody.insert({
    id,
    name: id,
    domain_id: domainId,
    enabled: true,
    extra: named.email === undefined ? {} : { email: named.email },
  });
  await links.insert({ ...key, user_id: id, display_name: named.name });
  changes.wrote();
  return id;
}

async function writeEmail({ store, changes }: Stored, id: string, email: string | undefined): Promise<void> {
  if (email === undefined) return;
  const everybody = repository(store, users);
  const row = await everybody.find({ id });
  if (!row || row.extra['email'] === email) return;
  await everybody.update({ id }, { extra: { ...row.extra, email } });
  changes.wrote();
}

/** What the shadow users among these are called; the others are not in it. */
export async function displayNames(
  store: Store<IdentityTables>,
  rows: readonly Pick<UserRow, 'id' | 'name'>[],
): Promise<ReadonlyMap<string, string>> {
  const ids = rows.filter(isShadow).map((row) => row.id);
  const called = new Map<string, string>();
  for (const some of batches(ids)) {
    const found = await store.db
      .selectFrom('federated_users')
      .select(['user_id', 'display_name'])
      .where('user_id', 'in', some)
      .orderBy('identity_provider_id', 'desc')
      .orderBy('protocol_id', 'desc')
      .execute();
    for (const row of found) called.set(row.user_id, row.display_name);
  }
  return called;
}

/**
 * Deletes the shadow users whom nobody would name any more once a provider, or one of its protocols, is gone. To be
 * called before that, in the same transaction.
 */
export async function removeOrphans(
  { store, changes }: Stored,
  leaving: { identity_provider_id: string; protocol_id?: string },
): Promise<void> {
  const { db } = store;
  const links = await db
    .selectFrom('federated_users')
    .innerJoin('users', 'users.id', 'federated_users.user_id')
    .select(['users.id', 'users.name', 'federated_users.protocol_id'])
    .where('federated_users.identity_provider_id', '=', leaving.identity_provider_id)
    .execute();
  const { protocol_id } = leaving;
  const going = links.filter((row) => protocol_id === undefined || row.protocol_id === protocol_id);
  const shadows = [...new Set(going.filter(isShadow).map((row) => row.id))];
  for (const id of shadows) {
    let others = db.selectFrom('federated_users').select('unique_id').where('user_id', '=', id);
    others =
      protocol_id === undefined
        ? others.where('identity_provider_id', '!=', leaving.identity_provider_id)
        : others.where((e) =>
            e.or([
              e('identity_provider_id', '!=', leaving.identity_provider_id),
              e('protocol_id', '!=', protocol_id),
            ]),
          );
    if (await others.executeTakeFirst()) continue;
    await removeActor(store, 'user', [id]);
    await db.deleteFrom('users').where('id', '=', id).execute();
  }
  if (shadows.length > 0) changes.revoked();
}
