import { STATUS_CODES } from 'node:http';
import { BadRequest } from '../../../platform/errors/errors.ts';
import type { ErrorStyle } from '../../../platform/http/style.ts';

/** Guests read with curl and shell scripts: errors are a line of text, as everything else is. */
export const metadataErrors: ErrorStyle = {
  errorBody: ({ status, message }) => ({
    body: `${status} ${STATUS_CODES[status] ?? ''}\n\n${message}\n`,
    contentType: 'text/plain; charset=utf-8',
  }),
  invalid: ({ message }) => new BadRequest(message),
};
