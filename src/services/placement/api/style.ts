import {
  type ApiError,
  BadRequest,
  NotAcceptable,
  UnsupportedMediaType,
} from '../../../platform/errors/errors.ts';
import type { ErrorScene, ErrorStyle } from '../../../platform/http/style.ts';
import { type Invalid, pythonRepr } from '../../../platform/http/validation.ts';
import { microversion } from '../../../platform/microversion/microversion.ts';
import { maximumMicroversion, minimumMicroversion } from '../model/microversions.ts';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What WebOb puts before the details; clients print both. */
const explanations: Readonly<Record<number, string>> = {
  400: 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  403: 'Access was denied to this resource.',
  404: 'The resource could not be found.',
  409: 'There was a conflict when trying to complete your request.',
  500: 'The server has either erred or is incapable of performing the requested operation.',
};

const errorCodesSince = microversion('1.23');

/** Errors as the API-SIG's guideline shapes them, with codes from microversion 1.23 on. */
export const placementErrors: ErrorStyle = {
  errorBody(error, { requestId, version, method, accept }) {
    const { status } = error;
    const form = formFor(accept);
    if (form === 'page')
      return { body: htmlPage(error, { method, accept }), contentType: 'text/html; charset=UTF-8' };
    if (form === 'text') {
      const text = `${status} ${titles[status] ?? 'Error'}\n\n${detailOf(error, { method, accept })}`;
      return { body: text, contentType: 'text/plain; charset=UTF-8' };
    }
    const body: Record<string, unknown> = {
      status,
      title: titles[status] ?? 'Error',
      detail: detailOf(error, { method, accept }),
      request_id: requestId,
    };
    if (version !== undefined && version >= errorCodesSince) {
      body['code'] = error.code?.startsWith('placement.') ? error.code : 'placement.undefined_code';
    }
    if (status === 406 && version === undefined) {
      body['max_version'] = maximumMicroversion;
      body['min_version'] = minimumMicroversion;
    }
    return { body: { errors: [body] } };
  },
  invalid: (problem) => new BadRequest(`JSON does not validate: ${validationWords(problem)}`),
  badJson: () => new BadRequest('Malformed JSON: The request body is not valid JSON.'),
  notJson: (contentType) =>
    contentType === undefined
      ? new BadRequest('content-type header required when content-length > 0')
      : unsupported(contentType),
};

/** @param given the content type that came; `'None'` for none */
export function unsupported(given: string): UnsupportedMediaType {
  const type = given.split(';')[0]?.trim() ?? given;
  return new UnsupportedMediaType(`The media type ${type} is not supported, use application/json`);
}

/** A page for who would rather see one than JSON, a browser; plain text for who takes neither. */
function formFor(accept: string | undefined): 'json' | 'page' | 'text' {
  if (!accept) return 'json';
  const weights = new Map<string, number>();
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase());
    const weight = parameters.find((each) => each.startsWith('q='))?.slice(2);
    weights.set(type, weight === undefined ? 1 : Number(weight));
  }
  const weightOf = (type: string, kind: string) =>
    weights.get(type) ?? weights.get(`${kind}/*`) ?? weights.get('*/*') ?? 0;
  const [page, json] = [weightOf('text/html', 'text'), weightOf('application/json', 'application')];
  if (page > json) return 'page';
  return json > 0 ? 'json' : 'text';
}

type Asked = Pick<ErrorScene, 'method' | 'accept'>;

/** WebOb's page for an error. */
function htmlPage(error: ApiError, scene: Asked): string {
  const title = `${error.status} ${titles[error.status] ?? 'Error'}`;
  const explanation = explanations[error.status];
  const words = wordsOf(error, scene);
  const text = explanation === undefined || words === explanation ? words : `${explanation}\n\n${words}`;
  const lines = text
    .replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replaceAll('\n', '<br />\n');
  return `<html>\n <head>\n  <title>${title}</title>\n </head>\n <body>\n  <h1>${title}</h1>\n  ${lines}\n </body>\n</html>\n`;
}

function detailOf(error: ApiError, scene: Asked): string {
  const message = wordsOf(error, scene);
  const explanation = explanations[error.status];
  if (explanation === undefined) return message;
  return message === explanation ? `${explanation}\n\n   ` : `${explanation}\n\n ${message}  `;
}

/** Three statuses have templates of their own in WebOb, which say how it was asked. */
function wordsOf(error: ApiError, { method, accept = '' }: Asked): string {
  if (error.status === 405)
    return `The method ${method} is not allowed for this resource. \n\n The method specified is not allowed for this resource.`;
  if (error.status === 406)
    return `The resource could not be generated that was acceptable to your browser (content of type ${accept}. \n\n ${error.message}`;
  const [, type] =
    error.status === 415 ? (/^The media type (.*) is not supported, /.exec(error.message) ?? []) : [];
  if (type !== undefined)
    return `The request media type ${type} is not supported by this server. \n\n ${error.message}`;
  return error.message;
}

/** The whole of what Python's jsonschema says, but for the schema itself. */
export function validationWords({ path, message, keyword, schemaPath = [], value }: Invalid): string {
  return (
    `${message}\n\nFailed validating '${keyword}' in schema${at(schemaPath)}\n\n` +
    `On instance${at(path)}:\n    ${pythonRepr(value).slice(0, 300)}`
  );
}

/** Steps into a value, as Python writes them. */
const at = (steps: readonly string[]): string =>
  steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `['${step}']`)).join('');

/** The words of upstream's microversion middleware; any two numbers are a version, if none that is served. */
export function refuseMicroversion(asked: string): ApiError {
  if (/^\d+\.\d+$/.test(asked))
    return new NotAcceptable(`Invalid microversion: Unacceptable version header: ${asked}`);
  return new BadRequest(`Invalid microversion: invalid version string: ${asked.slice(0, 40)}`);
}
