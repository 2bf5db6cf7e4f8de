import type { Flavor } from './flavors.ts';
import type { ComputeStore } from './schema.ts';

/** A flavor that a project may use, disabled ones too; `undefined` for any other. */
export async function usableFlavor(
  { db }: ComputeStore,
  id: string,
  { projectId, isAdmin }: { projectId: string; isAdmin: boolean },
): Promise<Flavor | undefined> {
  const found = await db.selectFrom('flavors').selectAll().where('id', '=', id).executeTakeFirst();
  if (!found || found.is_public || isAdmin) return found;
  const access = await db
    .selectFrom('flavor_projects')
    .select('flavor_id')
    .where('flavor_id', '=', id)
    .where('project_id', '=', projectId)
    .executeTakeFirst();
  return access && found;
}
