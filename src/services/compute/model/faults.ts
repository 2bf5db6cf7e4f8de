import { ApiError } from '../../../platform/errors/errors.ts';

/** Why a server is in ERROR, as its `fault` shows it. */
export interface Fault {
  code: number;
  created: string;
  message: string;
  details?: string;
}

/** The fault that an error becomes. Errors that are ours are said as they are; of others only the kind is shown. */
export function faultOf(error: Error, at: Date = new Date()): Fault {
  const known = error instanceof ApiError;
  return {
    code: known ? error.status : 500,
    created: `${at.toISOString().slice(0, 19)}Z`,
    message: (known ? error.message : `Build of the instance failed: ${error.name}`).slice(0, 255),
    details: error.message.slice(0, 4096),
  };
}
