import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { toRoleAssignmentView } from '../model/assignment-view.ts';
import type { EffectiveAssignment, RoleAssignment } from '../model/assignments.ts';
import type { Scope } from '../model/scope.ts';
import { type AssignmentQuery, effective, stored } from '../store/assignments.ts';
import { named } from './assignment-names.ts';
import { notFound } from './style.ts';

const truthy = (value: string | undefined): boolean =>
  value !== undefined && value !== '0' && value.toLowerCase() !== 'false';

/** Who has which role where: as granted, or (`effective`) as it takes effect. */
export function roleAssignmentRoutes(identity: Identity): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v3/role_assignments',
      summary: 'List role assignments',
      async handler(call) {
        const { domainId } = call.credentials;
        const ofTree = truthy(call.queryValue('include_subtree'));
        // Who may not ask is told so, and not what is wrong with the question.
        if (!ofTree) {
          call.enforce('identity:list_role_assignments', domainId ? { target: { domain_id: domainId } } : {});
        }
        const query = asked(call);
        if (ofTree) await allowTree(call, query);
        const found: (RoleAssignment | EffectiveAssignment)[] = truthy(call.queryValue('effective'))
          ? await effective(identity, query)
          : await stored(identity, query);
        const mine = domainId ? await within(domainId, found) : found;
        const views = mine.map((each) => toRoleAssignmentView(each, `${call.origin}/v3`));
        return {
          role_assignments: truthy(call.queryValue('include_names')) ? await named(identity, views) : views,
          links: { next: null, self: `${call.origin}${call.url}`, previous: null },
        };
      },
    }),
  ];

  async function allowTree(call: Call, { scope }: AssignmentQuery): Promise<void> {
    const id = scope?.kind === 'project' ? scope.projectId : undefined;
    const project = id === undefined ? undefined : await identity.directory.project(id);
    call.enforce(
      'identity:list_role_assignments_for_tree',
      project ? { target: { domain_id: project.domain_id, project } } : {},
    );
    if (id === undefined) {
      throw new BadRequest('scope.project.id must be specified if include_subtree is also specified');
    }
    if (!project) throw notFound('project', id);
  }

  async function within<T extends { scope: Scope }>(domainId: string, all: readonly T[]): Promise<T[]> {
    const kept: T[] = [];
    for (const each of all) {
      const { scope } = each;
      if (scope.kind === 'domain' ? scope.domainId === domainId : false) kept.push(each);
      if (scope.kind !== 'project') continue;
      if ((await identity.directory.project(scope.projectId))?.domain_id === domainId) kept.push(each);
    }
    return kept;
  }
}

/** @throws BadRequest for filters that exclude each other */
function asked(call: Call): AssignmentQuery {
  const value = (name: string) => call.queryValue(name) || undefined;
  const [project, domain, system] = [
    value('scope.project.id'),
    value('scope.domain.id'),
    value('scope.system'),
  ];
  const [userId, groupId] = [value('user.id'), value('group.id')];
  const inheritedTo = call.queryValue('scope.OS-INHERIT:inherited_to');
  const inherited = inheritedTo === undefined ? undefined : inheritedTo === 'projects';
  if (domain && project) throw new BadRequest('Specify a domain or project, not both');
  if (domain && system) throw new BadRequest('Specify system or domain, not both');
  if (project && system) throw new BadRequest('Specify system or project, not both');
  if (userId && groupId) throw new BadRequest('Specify a user or group, not both');
  if (truthy(call.queryValue('effective'))) {
    if (groupId)
      throw new BadRequest('Combining effective and group filter will always result in an empty list.');
    if (inherited && domain) {
      throw new BadRequest(
        'Combining effective, domain and inherited filters will always result in an empty list.',
      );
    }
  }
  const scope: Scope | undefined = project
    ? { kind: 'project', projectId: project }
    : domain
      ? { kind: 'domain', domainId: domain }
      : system
        ? { kind: 'system' }
        : undefined;
  const roleId = value('role.id');
  return {
    ...(userId ? { userId } : {}),
    ...(groupId ? { groupId } : {}),
    ...(roleId ? { roleId } : {}),
    ...(scope ? { scope } : {}),
    ...(inherited === undefined ? {} : { inherited }),
    includeSubtree: truthy(call.queryValue('include_subtree')),
  };
}
