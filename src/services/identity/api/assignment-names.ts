import type { Identity } from '../identity.ts';
import type { RoleAssignmentView } from '../model/assignment-view.ts';
import { noDomain } from '../store/tables.ts';

/** Adds the names of what assignments refer to, each looked up once: `?include_names`. */
export async function named(identity: Identity, views: readonly RoleAssignmentView[]): Promise<object[]> {
  const { directory } = identity;
  const { roles } = await directory.shared();
  const groups = await directory.groupsById([...new Set(views.flatMap((view) => view.group?.id ?? []))]);
  const users = await directory.usersById([...new Set(views.flatMap((view) => view.user?.id ?? []))]);
  const domainOf = async (id: string) => ({ id, name: (await directory.domain(id))?.name ?? '' });
  const withDomain = async (row: { id: string; name: string; domain_id: string } | undefined, id: string) =>
    row ? { id: row.id, name: row.name, domain: await domainOf(row.domain_id) } : { id };
  return Promise.all(
    views.map(async (view) => {
      const { user, group, scope } = view;
      const role = roles.get(view.role.id);
      return {
        ...view,
        role: {
          id: view.role.id,
          name: role?.name,
          ...(role && role.domain_id !== noDomain ? { domain: await domainOf(role.domain_id) } : {}),
        },
        ...(user ? { user: await withDomain(users.get(user.id), user.id) } : {}),
        ...(group ? { group: await withDomain(groups.get(group.id), group.id) } : {}),
        scope: {
          ...scope,
          ...(scope.project
            ? { project: await withDomain(await directory.project(scope.project.id), scope.project.id) }
            : {}),
          ...(scope.domain ? { domain: await domainOf(scope.domain.id) } : {}),
        },
      };
    }),
  );
}
