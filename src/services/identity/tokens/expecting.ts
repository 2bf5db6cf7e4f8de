import { BadRequest } from '../../../platform/errors/errors.ts';

/** The 400 for a request that lacks something that no schema can ask for. */
export const expecting = (what: string, where: string): BadRequest =>
  new BadRequest(
    `Expecting to find ${what} in ${where}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  );
