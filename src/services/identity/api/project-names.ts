import { UniqueViolation } from '../../../platform/store/errors.ts';
import type { ProjectRow } from '../store/tables.ts';
import { conflict } from './style.ts';

/** Writes a project or domain. @throws Conflict where another has its name */
export async function alone<T>(
  { id, name, is_domain }: Pick<ProjectRow, 'id' | 'name' | 'is_domain'>,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof UniqueViolation)) throw error;
    const details = is_domain
      ? `it is not permitted to have two projects acting as domains with the same name: ${name}`
      : `it is not permitted to have two projects with either the same name or same id in the same domain: name is ${name}, project id ${id}`;
    throw conflict('project', details, error);
  }
}
