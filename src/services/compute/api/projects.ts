import { BadRequest, NoSuchServer } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { identityService } from '../../identity/contract.ts';
import type { Compute } from '../compute.ts';

/**
 * Makes sure that a project that a request names is there. The caller's own is; where identity does not answer, any
 * project is believed, as upstream does.
 *
 * @returns a function that throws BadRequest for a project that is not there
 */
export function projectCheck({ platform }: Pick<Compute, 'platform'>) {
  const identity = platform.bus.client(identityService);
  return async (call: Call, id: string): Promise<void> => {
    if (id === call.credentials.projectId) return;
    try {
      if (await identity.project({ id })) return;
    } catch (error) {
      if (error instanceof NoSuchServer) return;
      throw error;
    }
    throw new BadRequest(`Project ID ${id} is not a valid project.`);
  };
}
