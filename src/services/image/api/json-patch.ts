import { type ApiError, BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import { type Validator, validator } from '../../../platform/http/validation.ts';
import { isReservedName } from '../model/reserved.ts';
import { imageBody, imageProperties } from './schemas.ts';

/** One operation on an image's description. `root` is the attribute or custom property that it is about. */
export interface Change {
  op: 'add' | 'replace' | 'remove';
  root: string;
  /** Of `/locations/2` and `/locations/-` what comes after. */
  position?: string;
  value?: unknown;
  /** Whether an `add` may replace what is there: it may since draft 10 of JSON patch. */
  overwrites: boolean;
}

const operations = ['add', 'remove', 'replace'] as const;
const readOnly = new Set([
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'stores',
  'id',
  'os_hash_algo',
  'os_hash_value',
]);
const reserved = new Set(['location', 'deleted', 'deleted_at']);
/** How deep a pointer goes: only a list of locations has places. */
const depths: Record<string, Record<string, number>> = { locations: { add: 2, remove: 2, replace: 1 } };

/** Bodies are small by the server's limit; this many operations change everything that an image may have twice. */
const mostOperations = 1000;

let check: Validator | undefined;

/** @throws BadRequest when this is nothing that an image could be */
export function assertImage(value: unknown): void {
  check ??= validator(imageBody);
  const problem = check(value);
  if (problem) {
    throw new BadRequest(`Provided object does not match schema 'image': ${problem.message}`);
  }
}

export const isReserved = (name: string): boolean => reserved.has(name) || isReservedName(name);
export const readOnlyAttribute = (name: string): ApiError =>
  new Forbidden(`Attribute '${name}' is read-only.`);
export const reservedAttribute = (name: string): ApiError =>
  new Forbidden(`Attribute '${name}' is reserved.`);

/**
 * Reads a JSON patch. Draft 4 is what `…-v2.0-json-patch` says (`{"replace": "/name", "value": …}`), draft 10 what
 * `…-v2.1-json-patch` says (`{"op": "replace", "path": "/name", "value": …}`).
 *
 * @throws BadRequest, Forbidden in glance's words
 */
export function parsePatch(body: unknown, draft: 4 | 10): Change[] {
  if (!Array.isArray(body)) throw new BadRequest('Request body must be a JSON array of operation objects.');
  if (body.length > mostOperations) throw new BadRequest(`A patch has at most ${mostOperations} operations.`);
  return body.map((raw: unknown) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      throw new BadRequest('Operations must be JSON objects.');
    return parseChange(raw as Record<string, unknown>, draft);
  });
}

function parseChange(raw: Record<string, unknown>, draft: 4 | 10): Change {
  const { op, pointer } = draft === 10 ? target10(raw) : target4(raw);
  const path = decodePointer(pointer);
  const root = path[0] as string;
  if (path.length !== (depths[root]?.[op] ?? 1))
    throw new BadRequest(`Invalid JSON pointer for this resource: '/${path.join('/')}'`);
  if (op !== 'remove' && !('value' in raw))
    throw new BadRequest(`Operation "${op}" requires a member named "value".`);
  if (readOnly.has(root)) throw readOnlyAttribute(root);
  if (isReserved(root)) throw reservedAttribute(root);
  const place = path[1] === undefined ? {} : { position: path[1] };
  if (op === 'remove') return { op, root, ...place, overwrites: true };
  const { value } = raw;
  if (path.length === 1) assertImage({ [root]: value });
  else if (imageProperties[root]?.type === 'array') assertImage({ [root]: [value] });
  return { op, root, ...place, value, overwrites: draft === 10 };
}

const known = (op: unknown): op is Change['op'] => operations.some((each) => each === op);

function target10(raw: Record<string, unknown>): { op: Change['op']; pointer: unknown } {
  const { op, path } = raw;
  const available = `It must be one of the following: ${operations.join(', ')}.`;
  if (op === undefined || op === null)
    throw new BadRequest(`Unable to find \`op\` in JSON Schema change. ${available}`);
  if (!known(op)) throw new BadRequest(`Invalid operation: \`${String(op)}\`. ${available}`);
  if (path === undefined) throw new BadRequest("Unable to find 'path' in JSON Schema change");
  return { op, pointer: path };
}

function target4(raw: Record<string, unknown>): { op: Change['op']; pointer: unknown } {
  const found = operations.filter((op) => op in raw);
  const [op] = found;
  if (op === undefined)
    throw new BadRequest(
      'Operation objects must contain exactly one member named "add", "remove", or "replace".',
    );
  if (found.length > 1)
    throw new BadRequest(
      'Operation objects must contain only one member named "add", "remove", or "replace".',
    );
  return { op, pointer: raw[op] };
}

/** The parts of a JSON pointer (RFC 6901), of which glance takes a limited form. */
function decodePointer(pointer: unknown): string[] {
  if (typeof pointer !== 'string') throw new BadRequest('A JSON pointer must be a text.');
  const refuse = (why: string): never => {
    throw new BadRequest(`Pointer \`${pointer}\` ${why}`);
  };
  if (!pointer.startsWith('/')) refuse('does not start with "/".');
  if (/\/\s*?\//.test(pointer.slice(1))) refuse('contains adjacent "/".');
  if (pointer.length > 1 && pointer.endsWith('/')) refuse('end with "/".');
  if (/~([^01]|$)/.test(pointer)) refuse('contains "~" not part of a recognized escape sequence.');
  const parts = pointer
    .replace(/^\/+/, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~').trim());
  if (parts[0] === '') refuse('does not contains valid token.');
  return parts;
}
