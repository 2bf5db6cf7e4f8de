import { BadRequest, Forbidden, NotFound, ServiceUnavailable } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Identity } from '../identity.ts';
import {
  assignments,
  type GroupRow,
  noDomain,
  type ProjectRow,
  type RoleRow,
  type UserRow,
} from '../store/tables.ts';
import { roleView } from './roles.ts';
import { collection, notFound } from './style.ts';

type TargetKind = 'project' | 'domain' | 'system';
type ActorKind = 'user' | 'group';

/** Where one family of grants is served. */
interface Family {
  target: TargetKind;
  actor: ActorKind;
  inherited: boolean;
  /** Of the list; a grant's own path follows. */
  list: string;
  one: string;
}

const families: Family[] = (['user', 'group'] as const).flatMap((actor) => [
  ...(['project', 'domain'] as const).flatMap((target) => {
    const roles = `${target}s/:id/${actor}s/:actor_id/roles`;
    const inherited = { target, actor, inherited: true } as const;
    const suffix = '/inherited_to_projects';
    return [
      { target, actor, inherited: false, list: `/v3/${roles}`, one: `/v3/${roles}/:role_id` },
      {
        ...inherited,
        list: `/v3/OS-INHERIT/${roles}${suffix}`,
        one: `/v3/OS-INHERIT/${roles}/:role_id${suffix}`,
      },
    ];
  }),
  {
    target: 'system' as const,
    actor,
    inherited: false,
    list: `/v3/system/${actor}s/:actor_id/roles`,
    one: `/v3/system/${actor}s/:actor_id/roles/:role_id`,
  },
]);

interface Grant {
  actor: Pick<UserRow | GroupRow, 'id'>;
  /** Absent for the system. */
  place: ProjectRow | undefined;
  role: RoleRow | undefined;
}

/**
 * Where upstream takes the role of a domain: on projects of that domain, and on any domain.
 *
 * @throws BadRequest, Forbidden
 */
function assertGrantable(role: RoleRow, { target }: Family, place: ProjectRow | undefined): void {
  if (target === 'system') {
    throw new BadRequest(
      `Role ${role.id} is a domain-specific role. Unable to use a domain-specific role in a system assignment.`,
    );
  }
  if (target === 'project' && role.domain_id !== place?.domain_id) {
    throw new Forbidden(
      `Project ${place?.id} must be in the same domain as the role ${role.id} being assigned.`,
    );
  }
}

/** Roles given to users and groups on projects, domains and the system. */
export function grantRoutes(identity: Identity): Route[] {
  const { store, directory, changes, applicationCredentials } = identity;
  const rows = repository(store, assignments);

  /** What a path names, once the caller may do `verb` to it. @throws NotFound for what is not there */
  async function named(
    call: Call,
    family: Family,
    verb: 'list' | 'check' | 'create' | 'revoke',
  ): Promise<Grant> {
    const { id = '', actor_id = '', role_id } = call.params;
    const [known, found, { roles }] = await Promise.all([
      actorOf(family, actor_id, verb),
      family.target === 'system' ? undefined : directory.project(id),
      directory.shared(),
    ]);
    const place = family.target === 'domain' && !found?.is_domain ? undefined : found;
    const role = role_id === undefined ? undefined : roles.get(role_id);
    const rule =
      family.target === 'system'
        ? `identity:${verb}_system_grant${verb === 'list' ? 's' : ''}_for_${family.actor}`
        : `identity:${verb}_grant${verb === 'list' ? 's' : ''}`;
    call.enforce(rule, {
      target: {
        ...(known ? { [family.actor]: known } : {}),
        ...(place ? { [family.target]: place } : {}),
        ...(role
          ? { role: { ...role, domain_id: role.domain_id === noDomain ? null : role.domain_id } }
          : {}),
      },
    });
    if (role_id !== undefined && !role) throw notFound('role', role_id);
    // What was granted to somebody whom a directory no longer has can still be taken back.
    const actor = known ?? (verb === 'revoke' ? { id: actor_id } : undefined);
    if (!actor) throw notFound(family.actor, actor_id);
    if (family.target !== 'system' && !place) throw notFound(family.target, id);
    return { actor, place, role };
  }

  /** A directory that is down does not keep anybody from taking back what was granted to its users. */
  async function actorOf(family: Family, id: string, verb: string): Promise<UserRow | GroupRow | undefined> {
    try {
      return await (family.actor === 'user' ? directory.user(id) : directory.group(id));
    } catch (error) {
      if (verb === 'revoke' && error instanceof ServiceUnavailable) return undefined;
      throw error;
    }
  }

  async function membersElsewhere(groupId: string): Promise<string[]> {
    try {
      return (await directory.membersElsewhere([groupId])).map((member) => member.userId);
    } catch (error) {
      if (error instanceof ServiceUnavailable) return [];
      throw error;
    }
  }

  const keyOf = (family: Family, { actor, place }: Grant) => ({
    actor_kind: family.actor,
    actor_id: actor.id,
    target_kind: family.target,
    target_id: place?.id ?? 'system',
    inherited: family.inherited,
  });
  const absent = (family: Family, grant: Grant) => {
    const { target_id } = keyOf(family, grant);
    return new NotFound(
      `Could not find role assignment with role: ${grant.role?.id}, user or group: ${grant.actor.id}, project, domain, or system: ${target_id}.`,
    );
  };

  return families.flatMap((family) => [
    route({
      method: 'GET',
      path: family.list,
      summary: `List the roles of a ${family.actor} on a ${family.target}`,
      async handler(call) {
        const grant = await named(call, family, 'list');
        const { roles } = await directory.shared();
        const found = await rows.list({ where: keyOf(family, grant) });
        const views = found.flatMap((row) => {
          const role = roles.get(row.role_id);
          return role ? [roleView(role, call)] : [];
        });
        return collection(call, 'roles', views);
      },
    }),
    route({
      method: 'PUT',
      path: family.one,
      summary: `Grant a role to a ${family.actor} on a ${family.target}`,
      async handler(call) {
        const grant = await named(call, family, 'create');
        const role = grant.role as RoleRow;
        if (role.domain_id !== noDomain) assertGrantable(role, family, grant.place);
        const row = { ...keyOf(family, grant), role_id: role.id };
        await identity.atomically(async () => {
          if (await rows.find(row)) return;
          await rows.insert(row);
          changes.revoked();
        });
      },
    }),
    route({
      method: 'GET',
      path: family.one,
      summary: `Check that a ${family.actor} has a role on a ${family.target}`,
      async handler(call) {
        const grant = await named(call, family, 'check');
        const row = { ...keyOf(family, grant), role_id: (grant.role as RoleRow).id };
        if (!(await rows.find(row))) throw absent(family, grant);
      },
    }),
    route({
      method: 'DELETE',
      path: family.one,
      summary: `Take a role from a ${family.actor} on a ${family.target}`,
      async handler(call) {
        const grant = await named(call, family, 'revoke');
        const row = { ...keyOf(family, grant), role_id: (grant.role as RoleRow).id };
        // Where a directory is down, its users' application credentials go on to be without the role.
        const members = family.actor === 'group' ? await membersElsewhere(grant.actor.id) : [];
        await identity.atomically(async () => {
          if ((await rows.delete(row)) === 0) throw absent(family, grant);
          await applicationCredentials.roleTaken(row, members);
          changes.revoked();
        });
      },
    }),
  ]);
}
