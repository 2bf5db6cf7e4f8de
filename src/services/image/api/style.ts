import { STATUS_CODES } from 'node:http';
import { type ApiError, BadRequest } from '../../../platform/errors/errors.ts';
import type { ErrorScene, ErrorStyle } from '../../../platform/http/style.ts';

/** WebOb's words for statuses where they are not HTTP's present ones: clients read them out of the title. */
const titles: Record<number, string> = {
  413: 'Request Entity Too Large',
  416: 'Request Range Not Satisfiable',
};

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/**
 * Glance lets WebOb answer its errors: HTML for everybody (clients pick the sentence out of it), JSON for those who
 * accept that and no HTML, text for the rest.
 */
function errorBody(error: ApiError, { accept }: ErrorScene): { body: unknown; contentType?: string } {
  const title = titles[error.status] ?? STATUS_CODES[error.status] ?? 'Error';
  const status = `${error.status} ${title}`;
  const wants = (type: RegExp) => accept !== undefined && type.test(accept);
  if (accept === undefined || accept === '' || wants(/text\/html|text\/\*|\*\/\*/)) {
    const body = `<html>
 <head>
  <title>${status}</title>
 </head>
 <body>
  <h1>${status}</h1>
  ${escape(error.message)}<br /><br />



 </body>
</html>`;
    return { body, contentType: 'text/html; charset=UTF-8' };
  }
  if (wants(/application\/(json|\*)/)) {
    return { body: { message: `${error.message}<br /><br />\n\n\n`, code: status, title } };
  }
  return { body: `${status}\n\n${error.message}\n\n\n\n`, contentType: 'text/plain; charset=UTF-8' };
}

export const imageErrors: ErrorStyle = {
  errorBody,
  invalid: ({ message }) => new BadRequest(message),
};
