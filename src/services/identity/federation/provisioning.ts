import { Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import type { Changes } from '../store/changes.ts';
import type { Directory } from '../store/directory.ts';
import { newId } from '../store/new-id.ts';
import type { IdentityTables } from '../store/schema.ts';
import { assignments, noDomain, projects } from '../store/tables.ts';

interface Parts {
  store: Store<IdentityTables>;
  changes: Changes;
  directory: Directory;
}

interface Provisioned {
  name: string;
  domainId: string;
  roles: readonly { name: string }[];
}

/**
 * Gives a user the roles that a mapping gives him on projects, which are made where they are not there. Joins the
 * caller's transaction.
 *
 * @param about.followProvider whether roles on projects that the mapping does not give (any more) are taken away
 * @throws NotFound for a role that is not there, Forbidden for one of another domain; then nothing is done
 */
export async function provisionProjects(
  parts: Parts,
  wanted: readonly Provisioned[],
  about: { userId: string; userDomainId: string; identityProviderId: string; followProvider: boolean },
): Promise<void> {
  const { store, changes } = parts;
  const { userId, followProvider } = about;
  const given = new Set<string>();
  const rolesByProject = await Promise.all(wanted.map(({ roles }) => roleIds(parts, roles, about)));
  const grants = repository(store, assignments);
  const held = await store.db
    .selectFrom('assignments')
    .selectAll()
    .where('actor_kind', '=', 'user')
    .where('actor_id', '=', userId)
    .where('target_kind', '=', 'project')
    .execute();
  const keyOf = (target: string, role: string) => `${target} ${role}`;
  const known = new Set(held.filter((row) => !row.inherited).map((row) => keyOf(row.target_id, row.role_id)));
  for (const [at, project] of wanted.entries()) {
    const target_id = await projectFor(parts, project);
    for (const role_id of rolesByProject[at] ?? []) {
      const key = keyOf(target_id, role_id);
      given.add(key);
      if (known.has(key)) continue;
      known.add(key);
      await grants.insert({
        actor_kind: 'user',
        actor_id: userId,
        target_kind: 'project',
        target_id,
        role_id,
        inherited: false,
      });
      changes.wrote();
    }
  }
  if (!followProvider) return;
  for (const row of held) {
    if (!row.inherited && given.has(keyOf(row.target_id, row.role_id))) continue;
    await grants.delete(row);
    changes.revoked();
  }
}

async function roleIds(
  { directory }: Parts,
  named: readonly { name: string }[],
  { userDomainId, identityProviderId }: { userDomainId: string; identityProviderId: string },
): Promise<string[]> {
  const known = [...(await directory.shared()).roles.values()];
  return named.map(({ name }) => {
    const called = known.filter((role) => role.name === name);
    const role =
      called.find((each) => each.domain_id === noDomain) ??
      called.find((each) => each.domain_id === userDomainId);
    if (role) return role.id;
    if (called.length === 0) throw new NotFound(`Could not find role: ${name}.`);
    throw new Forbidden(
      `role: ${name} must be within the same domain as the identity provider: ${identityProviderId}.`,
    );
  });
}

async function projectFor({ store, changes }: Parts, { name, domainId }: Provisioned): Promise<string> {
  const all = repository(store, projects);
  const there = await all.find({ domain_id: domainId, name });
  if (there) return there.id;
  const id = newId();
  await all.insert({ id, name, domain_id: domainId, parent_id: domainId, is_domain: false, enabled: true });
  changes.wrote();
  return id;
}
