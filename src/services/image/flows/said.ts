import { ApiError } from '../../../platform/errors/errors.ts';

/** What of an error is for whoever asked: nothing of paths and commands. */
export const said = (error: Error): string =>
  error instanceof ApiError ? error.message : `The import failed because of an internal error: ${error.name}`;
