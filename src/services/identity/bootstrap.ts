import { repository } from '../../platform/store/repository.ts';
import type { Table } from '../../platform/store/table.ts';
import type { BootstrapRequest } from './contract.ts';
import type { Identity } from './identity.ts';
import { newId } from './store/new-id.ts';
import {
  assignments,
  endpoints,
  impliedRoles,
  noDomain,
  projects,
  regions,
  roles,
  services,
  users,
} from './store/tables.ts';
import type { PasswordColumns } from './tokens/password.ts';

const defaultDomain = 'default';
const roleNames = ['admin', 'manager', 'member', 'reader', 'service'] as const;
/** Each role includes the next. */
const implications = [
  ['admin', 'manager'],
  ['manager', 'member'],
  ['member', 'reader'],
] as const;

/**
 * Makes the domain, projects, users, roles and grants that a new cloud begins with, and writes the catalog. May run at
 * every start: it adds what is missing, moves endpoints to where they are now, and leaves alone what people changed.
 */
export async function bootstrap(
  identity: Identity,
  request: BootstrapRequest,
): Promise<{ adminProjectId: string; demoProjectId: string }> {
  // Hashing takes its time on purpose, so it is done before the transaction and only where it is needed.
  const passwords = {
    admin: await unlessCurrent(identity, 'admin', request.adminPassword),
    demo: await unlessCurrent(identity, 'demo', request.demoPassword),
  };
  return identity.atomically(async () => {
    await ensureDomain(identity);
    const admin = await ensureProject(identity, 'admin', 'Bootstrap project for initializing the cloud.');
    const demo = await ensureProject(identity, 'demo', 'The first project of a user.');
    await ensureProject(identity, 'service', 'What the services own.');
    const roleIds = await ensureRoles(identity);
    const adminUser = await ensureUser(identity, 'admin', passwords.admin);
    const demoUser = await ensureUser(identity, 'demo', passwords.demo);
    await ensureGrant(identity, adminUser, { kind: 'project', id: admin }, roleIds.admin);
    await ensureGrant(identity, adminUser, { kind: 'system', id: 'system' }, roleIds.admin);
    await ensureGrant(identity, demoUser, { kind: 'project', id: demo }, roleIds.member);
    await ensureCatalog(identity, request);
    identity.changes.wrote();
    return { adminProjectId: admin, demoProjectId: demo };
  });
}

async function ensure<T extends Table>(
  identity: Identity,
  table: T,
  where: Parameters<ReturnType<typeof repository<T>>['find']>[0],
  make: () => Parameters<ReturnType<typeof repository<T>>['insert']>[0],
) {
  const rows = repository(identity.store, table);
  const found = await rows.find(where);
  if (found) return found;
  await rows.insert(make());
  return rows.find(where) as Promise<NonNullable<typeof found>>;
}

export const ensureDomain = (identity: Identity) =>
  ensure(identity, projects, { id: defaultDomain }, () => ({
    id: defaultDomain,
    name: 'Default',
    domain_id: noDomain,
    parent_id: null,
    is_domain: true,
    description: 'The default domain',
  }));

export async function ensureProject(identity: Identity, name: string, description: string): Promise<string> {
  const row = await ensure(identity, projects, { name, domain_id: defaultDomain }, () => ({
    id: newId(),
    name,
    domain_id: defaultDomain,
    parent_id: defaultDomain,
    description,
  }));
  return row.id;
}

export async function ensureRoles(identity: Identity): Promise<Record<(typeof roleNames)[number], string>> {
  const ids: Record<string, string> = {};
  for (const name of roleNames) {
    const row = await ensure(identity, roles, { name, domain_id: noDomain }, () => ({
      id: newId(),
      name,
      // As upstream's bootstrap: nobody renames or deletes these by mistake.
      options: { immutable: true },
    }));
    ids[name] = row.id;
  }
  for (const [prior, implied] of implications) {
    const rule = { prior_role_id: ids[prior] as string, implied_role_id: ids[implied] as string };
    await ensure(identity, impliedRoles, rule, () => rule);
  }
  return ids as Record<(typeof roleNames)[number], string>;
}

/** @returns undefined where the user has this password already */
async function unlessCurrent(
  identity: Identity,
  name: string,
  password: string,
): Promise<PasswordColumns | undefined> {
  const { directory, passwords } = identity;
  const hashed = (await directory.userByName(name, defaultDomain))?.password_hash;
  if (hashed && (await passwords.matches(password, hashed))) return undefined;
  return passwords.configured(password);
}

export async function ensureUser(
  identity: Identity,
  name: string,
  password: PasswordColumns | undefined,
): Promise<string> {
  const { passwords } = identity;
  const row = await ensure(identity, users, { name, domain_id: defaultDomain }, () => ({
    id: newId(),
    name,
    domain_id: defaultDomain,
    user_created_at: passwords.now(),
    ...password,
  }));
  if (password && row.password_hash !== password.password_hash) {
    await passwords.retire(row.id);
    await repository(identity.store, users).update({ id: row.id }, password);
    await identity.revocations.revoke({ userId: row.id });
  }
  return row.id;
}

export async function ensureGrant(
  identity: Identity,
  userId: string,
  target: { kind: 'project' | 'system'; id: string },
  roleId: string,
): Promise<void> {
  const grant = {
    actor_kind: 'user',
    actor_id: userId,
    target_kind: target.kind,
    target_id: target.id,
    role_id: roleId,
    inherited: false,
  } as const;
  await ensure(identity, assignments, grant, () => grant);
}

async function ensureCatalog(identity: Identity, request: BootstrapRequest): Promise<void> {
  const { region } = request;
  await ensure(identity, regions, { id: region }, () => ({ id: region }));
  for (const { type, name, description, url } of request.endpoints) {
    const service = await ensure(identity, services, { type, name }, () => ({
      id: newId(),
      type,
      name,
      description,
    }));
    for (const kind of ['public', 'internal', 'admin'] as const) {
      const place = { service_id: service.id, interface: kind, region_id: region };
      const endpoint = await ensure(identity, endpoints, place, () => ({ id: newId(), ...place, url }));
      if (endpoint.url !== url) {
        await repository(identity.store, endpoints).update({ id: endpoint.id }, { url });
      }
    }
  }
}
