import { type Static, Type } from 'typebox';
import type { Unauthorized } from '../../../platform/errors/errors.ts';
import type { Grounds } from '../model/token-grounds.ts';
import type { Directory } from '../store/directory.ts';
import type { Trusts } from '../store/trusts.ts';
import type { Authenticated } from './authentication.ts';
import { expecting } from './expecting.ts';
import { Named } from './methods/named-user.ts';
import type { Subjects } from './subjects.ts';

/** `auth.scope`. */
export const AskedScope = Type.Union([
  Type.Literal('unscoped'),
  Type.Object({
    project: Type.Optional(
      Type.Object({
        id: Type.Optional(Type.String()),
        name: Type.Optional(Type.String()),
        domain: Type.Optional(Named),
      }),
    ),
    domain: Type.Optional(Named),
    system: Type.Optional(Type.Object({ all: Type.Optional(Type.Boolean()) })),
    unscoped: Type.Optional(Type.Object({})),
    'OS-TRUST:trust': Type.Optional(Type.Object({ id: Type.String() })),
  }),
]);
type AskedScope = Static<typeof AskedScope>;

interface ScopeParts {
  directory: Directory;
  subjects: Subjects;
  trusts: Trusts;
}

/**
 * For what the new token is, and on what it stands: as asked, as the proof settles it, or, where nothing is said, the
 * user's default project. A token alone asks for the same again without its scope.
 *
 * @throws Unauthorized `refused()` for what is not there; BadRequest where more than one is asked for, or a name alone
 */
export async function askedGrounds(
  { directory, subjects, trusts }: ScopeParts,
  asked: AskedScope | undefined,
  proof: Authenticated,
  refused: () => Unauthorized,
): Promise<Grounds> {
  const own: Grounds = proof.authority ? { authority: proof.authority } : {};
  if (proof.scope) return { ...own, scope: proof.scope };
  if (asked === 'unscoped') return own;
  if (asked === undefined) return proof.parent ? own : { ...own, ...(await defaultGrounds()) };
  const kinds = Object.keys(asked).filter((key) => kindsOfScope.has(key));
  if (kinds.length !== 1) throw expecting('system, project, domain, OS-TRUST:trust or unscoped', 'scope');
  if (asked.unscoped) return own;
  const trust = asked['OS-TRUST:trust'];
  if (trust) {
    const projectId = (await trusts.current(trust.id))?.project_id;
    if (!projectId) throw refused();
    return { authority: { kind: 'trust', trustId: trust.id }, scope: { kind: 'project', projectId } };
  }
  // Whatever is said of it: there is only the whole system.
  if (asked.system) return { ...own, scope: { kind: 'system' } };
  if (asked.domain) return { ...own, scope: { kind: 'domain', domainId: await domainIdOf(asked.domain) } };
  if (!asked.project) return own;
  const { id, name, domain } = asked.project;
  if (id !== undefined) return { ...own, scope: { kind: 'project', projectId: id } };
  if (name === undefined || !domain) throw expecting('domain', 'project');
  const found = await directory.projectByName(name, await domainIdOf(domain));
  if (!found) throw refused();
  return { ...own, scope: { kind: 'project', projectId: found.id } };

  async function domainIdOf(named: { id?: string; name?: string }): Promise<string> {
    const row =
      named.id === undefined
        ? named.name !== undefined && (await directory.domainByName(named.name))
        : await directory.domain(named.id);
    if (!row) throw refused();
    return row.id;
  }

  /** The user's default project, where he may still use it. */
  async function defaultGrounds(): Promise<Grounds> {
    const projectId = (await directory.user(proof.userId))?.default_project_id;
    if (!projectId) return {};
    const grounds: Grounds = { ...own, scope: { kind: 'project', projectId } };
    return (await subjects.find(proof.userId, grounds)) ? grounds : {};
  }
}

const kindsOfScope = new Set(['project', 'domain', 'system', 'unscoped', 'OS-TRUST:trust']);
