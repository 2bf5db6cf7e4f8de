import type { Call } from '../../../platform/http/call.ts';
import { listRows } from '../../../platform/store/list.ts';
import type { Identity } from '../identity.ts';
import { batches } from '../store/batches.ts';
import { noDomain, type ProjectRow, projectTags } from '../store/tables.ts';

/** The tags of some projects, by their ids. */
export async function tagsOf(identity: Identity, ids: readonly string[]): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const some of batches(ids)) {
    // Of each project they come in the order of their names: the primary key's.
    const rows = await listRows(identity.store, projectTags, { where: { project_id: some } });
    for (const row of rows) tags.get(row.project_id)?.push(row.name);
  }
  return tags;
}

/** A project as the API shows it. */
export async function projectView(
  identity: Identity,
  row: ProjectRow,
  call: Call,
): Promise<Record<string, unknown>> {
  const [view] = await projectViews(identity, [row], call);
  return view as Record<string, unknown>;
}

/** Projects as the API shows them. */
export async function projectViews(
  identity: Identity,
  rows: readonly ProjectRow[],
  call: Call,
): Promise<Record<string, unknown>[]> {
  const tags = await tagsOf(
    identity,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({
    ...projectFields({ ...row, tags: tags.get(row.id) ?? [] }),
    links: { self: `${call.origin}/v3/projects/${row.id}` },
  }));
}

export const projectFields = (row: ProjectRow & { tags: readonly string[] }): Record<string, unknown> => ({
  ...row.extra,
  id: row.id,
  name: row.name,
  domain_id: row.domain_id === noDomain ? null : row.domain_id,
  description: row.description,
  enabled: row.enabled,
  parent_id: row.parent_id,
  is_domain: row.is_domain,
  tags: row.tags,
  options: row.options,
});

/** A domain as the API shows it. */
export const domainView = (
  row: ProjectRow & { tags: readonly string[] },
  call: Call,
): Record<string, unknown> => ({
  ...row.extra,
  id: row.id,
  name: row.name,
  description: row.description,
  enabled: row.enabled,
  tags: row.tags,
  options: row.options,
  links: { self: `${call.origin}/v3/domains/${row.id}` },
});

/** What policy rules see of a project. */
export const projectTarget = (row: ProjectRow): object => ({
  target: { project: { ...row, domain_id: row.domain_id === noDomain ? null : row.domain_id } },
});
