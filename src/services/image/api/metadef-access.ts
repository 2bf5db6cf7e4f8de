import { NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { MetadefQueries } from '../store/metadef-namespaces.ts';
import type { NamespaceRow } from '../store/metadef-tables.ts';
import { isAdmin } from './access.ts';

/**
 * The namespace that a request's path names. One that is another project's own is not there.
 *
 * @param words what is said where there is none
 * @throws NotFound
 */
export async function seeNamespace(
  call: Call,
  queries: MetadefQueries,
  name = call.params['namespace'] as string,
  words = `Namespace ${name} not found`,
): Promise<NamespaceRow> {
  const row = name.length <= 80 ? await queries.get(name) : undefined;
  const { projectId } = call.credentials;
  const theirs =
    row !== undefined &&
    (isAdmin(call) ||
      row.owner === null ||
      row.visibility === 'public' ||
      (projectId !== undefined && row.owner === projectId));
  if (!row || !theirs) throw new NotFound(words);
  return row;
}

/**
 * Asks policy about a namespace, or about the caller's own project where there is none yet.
 *
 * @throws Forbidden, or NotFound to whom may not even see namespaces: so that nobody learns which there are
 */
export function enforceMetadef(call: Call, rule: string, row?: NamespaceRow): void {
  const target = metadefTarget(call, row);
  if (call.can(rule, target)) return;
  if (rule === 'get_metadef_namespace' || !call.can('get_metadef_namespace', target))
    throw new NotFound('The resource could not be found.');
  call.enforce(rule, target);
}

export const metadefTarget = (call: Call, row?: NamespaceRow): object =>
  row ? { project_id: row.owner, visibility: row.visibility } : { project_id: call.credentials.projectId };
