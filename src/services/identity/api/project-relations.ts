import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Identity } from '../identity.ts';
import { subtree } from '../store/assignments.ts';
import type { ProjectRow } from '../store/tables.ts';
import { scopesOf } from '../tokens/scopes.ts';
import { projectView } from './project-view.ts';

type IdTree = { [id: string]: IdTree | null };

/** What lies above and below a project. */
export function projectRelations(identity: Identity) {
  const { directory } = identity;

  const below = (id: string) => subtree(identity, id);

  /** The extra fields of `GET /v3/projects/:id?parents_as_list` and its sisters; lists hold what the caller has a role on. */
  async function asked(row: ProjectRow, call: Call): Promise<Record<string, unknown>> {
    const has = (name: string) => {
      const value = call.queryValue(name);
      return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
    };
    for (const kind of ['parents', 'subtree']) {
      if (has(`${kind}_as_list`) && has(`${kind}_as_ids`)) {
        throw new BadRequest(`Cannot use ${kind}_as_list and ${kind}_as_ids query params at the same time.`);
      }
    }
    const relations: Record<string, unknown> = {};
    const listed = async (rows: readonly ProjectRow[]) => {
      const { projectIds } = await scopesOf(identity, call.credentials.userId);
      const known = rows.filter((each) => projectIds.includes(each.id));
      return Promise.all(known.map(async (each) => ({ project: await projectView(identity, each, call) })));
    };
    const [, ...above] = await directory.lineage(row.id);
    if (has('parents_as_list')) relations['parents'] = await listed(above);
    if (has('parents_as_ids')) {
      const ids = [...above.map((each) => each.id), ...(row.is_domain ? [] : [row.domain_id])];
      relations['parents'] = ids.reduceRight<IdTree | null>((inner, id) => ({ [id]: inner }), null);
    }
    if (has('subtree_as_list')) relations['subtree'] = await listed(await below(row.id));
    if (has('subtree_as_ids')) {
      const children = Map.groupBy(await below(row.id), (each) => each.parent_id);
      const tree = (id: string): IdTree | null => {
        const own = children.get(id);
        return own ? Object.fromEntries(own.map((each) => [each.id, tree(each.id)])) : null;
      };
      relations['subtree'] = tree(row.id);
    }
    return relations;
  }

  return { below, asked };
}
