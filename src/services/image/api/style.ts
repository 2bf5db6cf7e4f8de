import { STATUS_CODES } from 'node:http';
import {
  type ApiError,
  BadRequest,
  Unauthorized,
  UnsupportedMediaType,
} from '../../../platform/errors/errors.ts';
import type { ErrorScene, ErrorStyle } from '../../../platform/http/style.ts';
import { asDetail } from '../model/detail.ts';

/** WebOb's words for statuses where they are not HTTP's present ones: clients read them out of the title. */
const titles: Record<number, string> = {
  413: 'Request Entity Too Large',
  416: 'Request Range Not Satisfiable',
};

/** What WebOb says of a status before an error's details. */
const explanations: Record<number, string> = {
  403: 'Access was denied to this resource.',
  409: 'There was a conflict when trying to complete your request.',
  416: 'The Range requested is not available.',
};

/** An error's sentences, before and after the line that WebOb draws between explanation and detail. */
function wordsOf({ status, message, code }: ApiError, method: string): [explanation: string, detail: string] {
  if (status === 405) return [`The method ${method} is not allowed for this resource. `, ''];
  const explanation = explanations[status];
  return code === asDetail.code && explanation !== undefined ? [explanation, message] : [message, ''];
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/**
 * Glance lets WebOb answer its errors: HTML for everybody (clients pick the sentence out of it), JSON for those who
 * accept that and no HTML, text for the rest.
 */
function errorBody(error: ApiError, { accept, method }: ErrorScene): { body: unknown; contentType?: string } {
  const title = titles[error.status] ?? STATUS_CODES[error.status] ?? 'Error';
  const status = `${error.status} ${title}`;
  const [explanation, detail] = wordsOf(error, method);
  const wants = (type: RegExp) => accept !== undefined && type.test(accept);
  if (accept === undefined || accept === '' || wants(/text\/html|text\/\*|\*\/\*/)) {
    const body = `<html>
 <head>
  <title>${status}</title>
 </head>
 <body>
  <h1>${status}</h1>
  ${escape(explanation)}<br /><br />
${escape(detail)}


 </body>
</html>`;
    return { body, contentType: 'text/html; charset=UTF-8' };
  }
  if (wants(/application\/(json|\*)/)) {
    // Some of WebOb's statuses have templates of their own, that end sooner.
    const end = error.status === 405 || error.status === 415 ? '' : `${detail}\n\n`;
    return { body: { message: `${explanation}<br /><br />\n${end}`, code: status, title } };
  }
  return { body: `${status}\n\n${explanation}\n\n${detail}\n\n`, contentType: 'text/plain; charset=UTF-8' };
}

/** A body of a type that the operation does not take. */
export const unsupported = (
  contentType: string | undefined,
  headers: Record<string, string> = {},
): UnsupportedMediaType =>
  new UnsupportedMediaType(
    `The request media type ${contentType?.split(';')[0]?.trim() ?? ''} is not supported by this server.\n`,
    { headers },
  );

export const imageErrors: ErrorStyle = {
  errorBody,
  invalid: ({ message }) => new BadRequest(message),
  badJson: () => new BadRequest('Malformed JSON in request body.'),
  notJson: (contentType) => unsupported(contentType),
  // Glance has keystonemiddleware leave the decision to it, and then decides in WebOb's words.
  unauthorized: () =>
    new Unauthorized(
      'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.',
    ),
};
